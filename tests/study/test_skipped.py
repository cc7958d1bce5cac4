"""Nets whose weights are not on this machine: told, left out, and trained once the weights are here."""

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from safetensors.torch import save
from timm_stand_in import published
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.nets.backbones import BACKBONES
from mien.nets.backbones.weights import fetch
from mien.runs.results import read_results
from mien.runs.study_folder import runs_in
from mien.study.config.schema import read_study
from mien.study.execute import execute, join
from mien.study.outline import outline
from mien.study.plan import make_plan

if TYPE_CHECKING:
    from timm_stand_in import Hub

STUDY = """
name = "some"
data.source = "drawn:60"
recipe = { epochs = 1, precision = "float32" }
[nets.plain]
layers = ["pool(8)", "flatten", "classes"]
[nets.ready]
layers = ["timm('tiny.a_in1k')", "classes"]
[nets.later]
init_from = "ready"
[nets.taught]
layers = ["pool(8)", "flatten", "classes"]
recipe = { teachers = ["later"] }
[nets.further]
init_from = "taught"
[nets.tuned]
layers = ["timm('tiny.a_in1k')", "dense(n)", "classes"]
tune = { trials = 2, sampler = "grid", space = { n = [4, 8] } }
[groups]
small = ["plain", "taught", "further"]
large = ["ready", "later"]
searched = ["tuned"]
[ensembles]
both = ["plain", "ready"]
"""

LACK = "timm/tiny.a_in1k: its weights are not here; get them by: mien backbones fetch timm/tiny.a_in1k"
BEHIND = {
    "ready": LACK,
    "later": LACK,
    "taught": f"it learns from later, which is skipped: {LACK}",
    "further": f"it starts from taught, which is skipped: it learns from later, which is skipped: {LACK}",
    "tuned": LACK,
}
"""How the reason of each net that is skipped begins."""


@pytest.fixture
def file(hub: "Hub", monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A study of nets that need weights which are not here, and of one that does not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path / "some.toml"


def test_plan_says_what_is_skipped_and_how_to_get_it(file: Path) -> None:
    shown = CliRunner().invoke(app, ["plan", str(file)])
    assert shown.exit_code == 0, shown.output
    assert (
        f"ready, later, tuned are skipped: {LACK}, or: mien backbones add path/to/tiny.a_in1k.safetensors\n"
        in shown.stdout
    )
    assert f"further is skipped: {BEHIND['further']}" in shown.stdout
    assert "1 run with seed 0; 1 to do" in shown.stdout
    assert "at most 2 trials" not in shown.stdout
    planned = json.loads(CliRunner().invoke(app, ["plan", str(file), "--json"]).stdout)
    nets = {net["name"]: net for net in planned["nets"]}
    assert nets["plain"]["skipped"] == ""
    assert all(nets[name]["skipped"].startswith(reason) for name, reason in BEHIND.items())
    assert all((nets[name]["missing"], nets[name]["seconds"]) == (0, None) for name in BEHIND)
    assert nets["ready"]["parameters"] == 108 + 16 + 222 + 440 + 32 + 1 + 8 * 7 + 7
    assert planned["seconds"] == nets["plain"]["seconds"] > 0
    assert not Path("out").exists()


@pytest.mark.slow
def test_the_study_does_all_else_and_trains_what_is_missing_once_the_weights_are_here(
    file: Path, hub: "Hub", quiet: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, ["study", str(file), "-o", "out"])
    assert done.exit_code == 0, done.output
    assert f"ready, later, tuned are skipped: {LACK}" in done.stderr
    assert f"later was skipped: {BEHIND['later']}" in done.stdout
    assert "large: no net finished, none selected" in done.stdout
    assert "both was not evaluated; not trained to the end: ready" in done.stdout
    results = read_results(Path("out"))
    nets = results.by_name
    states = {name: net.state for name, net in nets.items()}
    assert states == {"plain": "finished", **dict.fromkeys(BEHIND, "skipped")}
    assert all(nets[name].reason.startswith(reason) and nets[name].runs == () for name, reason in BEHIND.items())
    assert [group.selected for group in results.groups] == ["plain", None, None]
    assert (results.best, results.comparisons) == ("plain", ())
    assert results.tuning["tuned"].trials == ()
    assert results.ensembles[0].reason == "not trained to the end: ready"
    assert [place.name.split("-")[0] for place in Path("out/runs").iterdir()] == ["plain"]
    assert not Path("out/tuning").exists()
    page = Path("out/report.html").read_text(encoding="utf-8")
    assert page.count("was skipped") == len(BEHIND)
    assert page.count("mien backbones fetch timm/tiny.a_in1k") >= len(BEHIND)
    assert "ready,skipped" in Path("out/tables/comparison-large.csv").read_text(encoding="utf-8")

    hub.online["timm/tiny.a_in1k"] = save(published("tiny.a_in1k"))
    fetch("timm/tiny.a_in1k")
    plan = make_plan(read_study(file))
    assert [net.missing for net in outline(plan, Path("out")).nets] == [0, 1, 1, 1, 1, 2]
    monkeypatch.setattr(quiet, "on_trial", lambda *_: None, raising=False)
    whole = execute(plan, Path("out"), quiet)
    assert quiet.ends[0] == ("ready", "finished")
    assert sorted(name for name, _ in quiet.ends) == ["further", "later", "ready", "taught", "tuned", "tuned"]
    assert {net.state for net in whole.nets} == {"finished"}
    assert all(group.selected for group in whole.groups)
    assert whole.ensembles[0].reason == ""
    assert whole.by_name["plain"].runs == nets["plain"].runs

    # What has ended needs no weights any more, also of a search.
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(tmp_path / "hub")
    plan = make_plan(read_study(file))
    assert set(plan.lacking) == {"ready", "later", "tuned"}
    assert {net.skipped for net in outline(plan, Path("out")).nets} == {""}
    again = execute(plan, Path("out"), quiet)
    assert replace(again, created="") == replace(whole, created="")
    more = make_plan(read_study(file, ["seeds=[0,1]"]))
    partly = execute(more, Path("out"), quiet).by_name
    assert {name: net.state for name, net in partly.items()} == states
    assert partly["ready"].accuracy.validation == whole.by_name["ready"].accuracy.validation
    assert not partly["ready"].selected


def test_a_search_is_skipped_if_any_backbone_of_its_space_is_missing(
    publish: Callable[[str], Path], quiet: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish("efficientnet_lite0")
    monkeypatch.setitem(BACKBONES, "mobilenet_v2", replace(BACKBONES["mobilenet_v2"], wheel=None))
    file = tmp_path / "either.toml"
    text = """
name = "either"
data.source = "drawn:60"
[nets.either]
layers = ["word", "classes"]
tune = { trials = 2, space = { word = ["efficientnet_lite0", "mobilenet_v2"] } }
"""
    file.write_text(text, encoding="utf-8")
    plan = make_plan(read_study(file))
    assert plan.lacking["either"] == (
        "mobilenet_v2: its weights are not here; get them by: mien backbones fetch mobilenet_v2, "
        "or: mien backbones add path/to/mobilenet_v2-b0353104.pth"
    )
    results = execute(plan, tmp_path / "out", quiet)
    assert (results.nets[0].state, results.best) == ("skipped", None)
    assert runs_in(tmp_path / "out") == []
    with pytest.raises(UserError, match=r"study either: none of its searches can be made here:\n  either: mobilenet"):
        join(plan, tmp_path / "out", quiet)


@pytest.mark.parametrize("installed", [True, False])
def test_timms_models_are_skipped_without_their_weights_or_without_timm(
    hub: "Hub", installed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lack = "timm/tiny.a_in1k: its weights are not here; get them by: mien backbones fetch timm/tiny.a_in1k"
    if not installed:
        lack = "timm('tiny.a_in1k'): needs timm, which is not installed; get it by: pip install 'mien[timm]'"
        obstacle = lack.partition(": ")[2]
        monkeypatch.setattr("mien.nets.backbones.timm_models.obstacle", cache(lambda: obstacle))
    text = """
name = "timms"
data.source = "drawn:60"
recipe = { epochs = 1 }
[nets.mine]
backbone = "timm('tiny.a_in1k')"
head = ["dense(8)", "relu", "classes"]
[nets.plain]
layers = ["pool(8)", "flatten", "classes"]
"""
    Path("timms.toml").write_text(text, encoding="utf-8")
    shown = CliRunner().invoke(app, ["plan", "timms.toml"])
    assert (shown.exit_code, f"mine is skipped: {lack}" in shown.stdout) == (0, True), shown.output
    done = CliRunner().invoke(app, ["study", "timms.toml"])
    assert done.exit_code == 0, done.output
    results = read_results(Path("out/timms"))
    mine, plain = results.nets
    assert (mine.state, plain.state, results.best) == ("skipped", "finished", "plain")
    assert mine.reason.startswith(lack)
    assert (mine.parameters is not None) == installed
    page = Path("out/timms/report.html").read_text(encoding="utf-8")
    assert "was skipped" in page
    assert ("parameters not known" in page) != installed
    layers = Path("out/timms/tables/layers-mine.csv").read_text(encoding="utf-8").splitlines()
    assert len(layers) == 6 if installed else layers == ["word", "timm('tiny.a_in1k')", "dense(8)", "relu", "classes"]


def test_a_misspelt_layer_behind_a_backbone_that_is_absent_is_still_a_mistake(file: Path) -> None:
    file.write_text(
        """name = "wrong"\n[nets.a]\nlayers = ["timm('tiny.a_in1k')", "densse(4)", "classes"]\n""", encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"nets\.a\.layers\[1\]: unknown layer 'densse'"):
        read_study(file)


def test_the_courses_study_has_every_net_of_the_course() -> None:
    study = tomllib.loads((Path(__file__).parents[2] / "studies" / "seed.toml").read_text(encoding="utf-8"))
    course = [*(f"model{n}" for n in range(1, 6)), "cnn_1", "cnn_2", "cnn_3", "ft_1", "ft_2", "ft_3"]
    assert {name for name in course if study["nets"][name] == {"zoo": name}} == set(course)
    assert study["groups"]["finetuned"]["nets"] == ["ft_1", "ft_2", "ft_3", "mobilenet"]
