"""Where a net's first weights come from: the forms in a study file, and what is wrong with them."""

from pathlib import Path

import pytest

from mien.errors import UserError
from mien.faces.drawn import draw_faces
from mien.model_files.bundled import bundled_run
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Run, Status
from mien.study.config.init_from import FromBundled, FromNet, FromRun
from mien.study.config.schema import read_study
from mien.study.config.study import StudyNet

FIRST = '[nets.first]\nlayers = ["flatten", "dense(n)", "classes"]\nvalues = { n = 4 }\n'


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that is finished."""
    run = Run.create(tmp_path / "runs", Net("small", ("flatten", "classes")), Recipe(), 0, draw_faces(20))
    run.write_status(Status("finished"))
    return run


def nets(folder: Path, text: str, *settings: str) -> dict[str, StudyNet]:
    (folder / "a.toml").write_text('name = "a"\n' + text, encoding="utf-8")
    return {net.net.name: net for net in read_study(folder / "a.toml", settings).nets}


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(UserError) as error:
        nets(folder, text)
    return [line.strip() for line in str(error.value).splitlines()[1:]]


@pytest.mark.parametrize("entry", ['"first"', '{ net = "first" }'])
def test_a_net_of_the_study(entry: str, tmp_path: Path) -> None:
    net = nets(tmp_path, FIRST + f"[nets.second]\ninit_from = {entry}\n")["second"]
    assert net.init_from == FromNet("first")
    assert (net.net.layers, dict(net.net.values)) == (("flatten", "dense(n)", "classes"), {"n": 4})
    assert (net.recipe.init_from, net.reported_recipe.init_from) == ("", "first")


@pytest.mark.parametrize("entry", ['"runs/{}"', '{{ run = "runs/{}" }}'])
def test_a_run(entry: str, run: Run, tmp_path: Path) -> None:
    net = nets(tmp_path, f"[nets.mine]\ninit_from = {entry.format(run.id)}\n")["mine"]
    folder = run.folder.resolve()
    assert net.init_from == FromRun(folder, folder)
    assert net.net == Net("mine", run.net.layers)
    assert net.reported_recipe.init_from == str(folder)


@pytest.mark.parametrize("entry", ['"bundled:best"', '{ bundled = "best" }'])
def test_a_bundled_model(entry: str, tmp_path: Path) -> None:
    net = nets(tmp_path, f"[nets.mine]\ninit_from = {entry}\n")["mine"]
    folder = bundled_run("best")
    assert net.init_from == FromBundled(folder, folder.resolve(), "best")
    assert net.net.layers == Run.open(folder).net.layers


def test_a_chain_may_begin_with_a_run(run: Run, tmp_path: Path) -> None:
    begun = f'[nets.begun]\ninit_from = "runs/{run.id}"\n'
    chain = nets(tmp_path, begun + '[nets.on]\ninit_from = "begun"\n[nets.last]\ninit_from = "on"\n')
    assert {net.net.layers for net in chain.values()} == {run.net.layers}
    assert (chain["on"].init_from, chain["last"].init_from) == (FromNet("begun"), FromNet("on"))


def test_a_net_of_the_study_comes_before_a_folder_of_its_name(run: Run, tmp_path: Path) -> None:
    run.folder.rename(tmp_path / "first")
    assert nets(tmp_path, FIRST + '[nets.second]\ninit_from = "first"\n')["second"].init_from == FromNet("first")
    explicit = nets(tmp_path, FIRST + '[nets.second]\ninit_from = { run = "first" }\n')["second"].init_from
    assert isinstance(explicit, FromRun)


def test_the_layers_of_a_chain_are_those_of_its_first_net(tmp_path: Path) -> None:
    text = FIRST + '[nets.second]\ninit_from = "first"\nvalues = { n = 8 }\n[nets.third]\ninit_from = "second"\n'
    chain = nets(tmp_path, text)
    assert [dict(chain[name].net.values) for name in ("first", "second", "third")] == [{"n": 4}, {"n": 8}, {"n": 4}]


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        ('"bundled:bset"', "no model 'bset' to start from is bundled; known: best, fast; did you mean 'best'?"),
        ('{ bundled = "bset" }', "no model 'bset' to start from is bundled; known: best, fast; did you mean 'best'?"),
        ('{ net = "frist" }', "no net 'frist'; known: first, second; did you mean 'first'?"),
        ("3", "found 3; give a net of the study, the path of a finished run, or a bundled model, as 'bundled:best';"),
        ('{ net = "first", run = "x" }', "found {'net': 'first', 'run': 'x'}; give a net of the study,"),
    ],
)
def test_a_source_that_is_none_is_one_mistake(entry: str, mistake: str, tmp_path: Path) -> None:
    [message] = mistakes(tmp_path, FIRST + f"[nets.second]\ninit_from = {entry}\n")
    assert message.startswith(f"nets.second.init_from: {mistake}")


def test_a_run_that_is_not_finished_is_a_mistake(run: Run, tmp_path: Path) -> None:
    run.write_status(Status("stopped"))
    [message] = mistakes(tmp_path, f'[nets.mine]\ninit_from = "runs/{run.id}"\n')
    assert message.startswith(
        f"nets.mine.init_from: {run.folder}: stopped, and only a finished run has weights to take"
    )
