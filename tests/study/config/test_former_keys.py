"""Keys that have another name now: read with a note each, and searches keep their ids."""

from pathlib import Path

import pytest

from mien.errors import UserError
from mien.model_files.bundled import bundled_run
from mien.study.config.schema import read_study
from mien.study.config.study import StudyConfig

NET = '[nets.a]\nlayers = ["flatten", "dense(n)", "classes"]\nvalues = { n = 4 }\n'
TUNED = '[nets.a]\nlayers = ["flatten", "dense(n)", "classes"]\n[nets.a.tune]\nspace.n = [4, 8]\n'


def read(folder: Path, text: str, *settings: str) -> StudyConfig:
    (folder / "s.toml").write_text('name = "a"\n' + text, encoding="utf-8")
    return read_study(folder / "s.toml", settings)


def note(place: str, name: str) -> str:
    return f"{place} is called {name} now; this version still reads the former name"


ENTRIES = [
    ("focal = 2.0", "focal", "focal_gamma", 2.0),
    ("taught = 0.7", "taught", "distillation_weight", 0.7),
    ("average = 0.9", "average", "ema_decay", 0.9),
    ("mirror = true", "mirror", "tta_flip", True),
    ("zooms = [0.9, 0.8]", "zooms", "tta_scales", (0.9, 0.8)),
]
"""An entry of a recipe by its former name, that name, the present one, and the value."""


@pytest.mark.parametrize(("entry", "former", "name", "value"), ENTRIES)
def test_an_entry_of_a_recipe(entry: str, former: str, name: str, value: object, tmp_path: Path) -> None:
    common = read(tmp_path, f"[recipe]\n{entry}\n" + NET)
    assert (getattr(common.nets[0].recipe, name), common.notes) == (value, (note(f"recipe.{former}", name),))
    own = read(tmp_path, NET + f"recipe = {{ {entry} }}\n")
    assert (getattr(own.nets[0].recipe, name), own.notes) == (value, (note(f"nets.a.recipe.{former}", name),))
    shown = read(tmp_path, NET + f"[previews.x]\n{entry}\n")
    assert (getattr(shown.previews["x"], name), shown.notes) == (value, (note(f"previews.x.{former}", name),))


@pytest.mark.parametrize(("entry", "former", "name", "value"), ENTRIES)
def test_a_key_of_a_space(entry: str, former: str, name: str, value: object, tmp_path: Path) -> None:
    if former == "zooms":
        return  # a list is no value of a choice
    choice = entry.partition(" = ")[2]
    study = read(
        tmp_path, TUNED + f'space."recipe.{former}" = [{choice}]\nenqueue = [{{ "recipe.{former}" = {choice} }}]'
    )
    assert study.nets[0].tune is not None
    assert study.nets[0].tune.first == {"n": 4, f"recipe.{name}": value}
    assert study.notes == (
        note(f"nets.a.tune.space.recipe.{former}", f"recipe.{name}"),
        note(f"nets.a.tune.enqueue[0].recipe.{former}", f"recipe.{name}"),
    )


def test_where_a_net_starts(tmp_path: Path) -> None:
    study = read(tmp_path, NET + '[nets.b]\nstart = "a"\n')
    assert study.nets[1].reported_recipe.init_from == "a"
    assert study.notes == (note("nets.b.start", "init_from"),)


def test_a_model_of_the_box(tmp_path: Path) -> None:
    study = read(tmp_path, '[nets.b]\nstart = "box:best"\n')
    assert study.nets[0].reported_recipe.init_from == str(bundled_run("best").resolve())
    assert study.notes == (
        note("nets.b.start", "init_from"),
        "nets.b.init_from: 'box:best' is 'bundled:best' now; this version still reads the former name",
    )


def test_where_a_search_starts(tmp_path: Path) -> None:
    study = read(tmp_path, TUNED + "start = [{ n = 8 }]\n")
    assert study.nets[0].tune is not None
    assert study.nets[0].tune.enqueue == ({"n": 8},)
    assert study.notes == (note("nets.a.tune.start", "enqueue"),)


def test_a_setting_of_the_command_line(tmp_path: Path) -> None:
    study = read(tmp_path, NET, "recipe.average=0.9")
    assert study.nets[0].recipe.ema_decay == 0.9
    assert study.notes == ("--set recipe.average=0.9: " + note("recipe.average", "ema_decay"),)


@pytest.mark.parametrize(("there", "setting"), [("average", "ema_decay"), ("ema_decay", "average")])
def test_a_setting_goes_over_the_file_whichever_name_each_has(there: str, setting: str, tmp_path: Path) -> None:
    study = read(tmp_path, f"[recipe]\n{there} = 0.5\n" + NET, f"recipe.{setting}=0.9")
    assert study.nets[0].recipe.ema_decay == 0.9
    assert len(study.notes) == 1


def test_both_names_at_once_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"recipe\.average: unknown key"):
        read(tmp_path, "[recipe]\naverage = 0.5\nema_decay = 0.9\n" + NET)


def test_a_mistake_under_a_former_name_comes_with_the_note(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, NET, "recipe.average=2")
    mistake, remark = str(caught.value).splitlines()[1:]
    assert mistake.strip() == "recipe.ema_decay: found 2, should be less than 1"
    assert remark.strip().startswith("note: ")
    assert "recipe.average" in remark


def test_a_hyper_parameter_may_have_a_former_name(tmp_path: Path) -> None:
    study = read(tmp_path, '[nets.a]\nlayers = ["flatten", "dense(focal)", "classes"]\nvalues = { focal = 4 }\n')
    assert (dict(study.nets[0].net.values), study.notes) == ({"focal": 4}, ())


@pytest.mark.parametrize(
    ("text", "search"),
    [
        pytest.param(
            """
            [nets.a]
            layers = ["conv(n, kernel)", "act", "pool", "flatten", "dropout(p)", "classes"]
            recipe = { epochs = 2, augment = ["rotate(degrees)"] }
            values = { p = 0.2 }
            [nets.a.tune]
            trials = 5
            space = { n = "integers(2, 4)", kernel = [1, 3], act = ["relu", "elu"], degrees = [5] }
            """,
            "ba2ac89852",
            id="plain",
        ),
        pytest.param(
            """
            [recipe]
            focal = 1.0
            mirror = true
            zooms = [0.9]
            [nets.a]
            layers = ["flatten", "dense(n)", "classes"]
            recipe = { average = 0.9, teachers = ["b"], taught = 0.7 }
            resources = { gpu = 1, cores = 2 }
            [nets.a.tune]
            start = [{ n = 8, "recipe.taught" = 0.3 }, { "recipe.average" = 0.5 }]
            sampler = "random"
            seed = 3
            pruner = "median"
            space.n = [4, 8]
            space."recipe.taught" = [0.5, 0.3]
            space."recipe.average" = "uniform(0.1, 0.9)"
            [nets.b]
            layers = ["flatten", "classes"]
            """,
            "e2c3a53e3f",
            id="former names",
        ),
        pytest.param(
            """
            [recipe]
            focal_gamma = 1.0
            tta_flip = true
            tta_scales = [0.9]
            [nets.a]
            layers = ["flatten", "dense(n)", "classes"]
            recipe = { ema_decay = 0.9, teachers = ["b"], distillation_weight = 0.7 }
            resources = { gpu = 1, cores = 2 }
            [nets.a.tune]
            enqueue = [{ n = 8, "recipe.distillation_weight" = 0.3 }, { "recipe.ema_decay" = 0.5 }]
            sampler = "random"
            seed = 3
            pruner = "median"
            space.n = [4, 8]
            space."recipe.distillation_weight" = [0.5, 0.3]
            space."recipe.ema_decay" = "uniform(0.1, 0.9)"
            [nets.b]
            layers = ["flatten", "classes"]
            """,
            "e2c3a53e3f",
            id="the same in present names",
        ),
        *(
            pytest.param(
                f"""
                [nets.first]
                layers = ["flatten", "dense(size)", "classes"]
                values = {{ size = 8 }}
                [nets.second]
                {source} "first"{end}
                [nets.third]
                {source} "second"{end}
                [nets.third.tune]
                space = {{ "recipe.learning_rate" = "log_uniform(1e-4, 1e-2)" }}
                """,
                "d81e6eb271",
                id=f"{source} a net",
            )
            for source, end in (("start =", ""), ("init_from =", ""), ("init_from = { net =", " }"))
        ),
        pytest.param(
            """
            [nets.a]
            zoo = "cnn_3"
            tune = { trials = 3, space = { "recipe.optimizer" = ["adam", "sgd"] } }
            """,
            "19fb9b3e83",
            id="zoo",
        ),
    ],
)
def test_a_search_keeps_the_id_that_version_0_1_gave_it(text: str, search: str, tmp_path: Path) -> None:
    ids = [net.tune.id("faces") for net in read(tmp_path, text).nets if net.tune]
    assert ids == [search]
