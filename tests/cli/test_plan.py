"""Planning and listing: what they tell, and that they write nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.report.page import write_report as make_report
from mien.runs.results import read_results
from mien.study.config.schema import read_study
from mien.study.plan import make_plan

STUDY = """
name = "searched"
data.source = "drawn:100"
recipe = { epochs = 1, precision = "float32" }
[nets.plain]
layers = ["pool(8)", "flatten", "classes"]
[nets.tuned]
layers = ["pool(4)", "flatten", "dense(n)", "relu", "classes"]
[nets.tuned.tune]
trials = 2
space.n = [4, 8]
"""

Snapshot = dict[str, tuple[int, bytes]]
Mien = Callable[..., Result]


def snapshot(folder: Path) -> Snapshot:
    """Every file and folder: when it was last written, and its content."""
    return {
        str(place): (place.stat().st_mtime_ns, place.read_bytes() if place.is_file() else b"")
        for place in sorted([folder, *folder.rglob("*")])
        if place.exists()
    }


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mien:
    """The command, in a folder with a study of a plain net and a tuned one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mien.report.write_report", lambda folder, results: folder / "report.html")
    (tmp_path / "s.toml").write_text(STUDY, encoding="utf-8")
    return lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)


def test_planning_and_listing_a_fresh_study_writes_nothing(mien: Mien, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    assert mien("plan", "s.toml").exit_code == 0
    with pytest.raises(UserError, match="holds no searches"):
        mien("trials", "out/searched")
    for verb in ("runs", "compare"):
        with pytest.raises(UserError, match="neither a study's folder"):
            mien(verb, "out/searched")
    plan = make_plan(read_study(Path("s.toml")))
    assert plan.search(plan.study.nets[1], Path("out/searched")).trials() == []
    assert snapshot(tmp_path) == before


def test_planning_and_listing_leave_a_study_with_trials_as_it_is(mien: Mien, tmp_path: Path) -> None:
    assert mien("study", "s.toml").exit_code == 0
    before = snapshot(tmp_path)
    outline = json.loads(mien("plan", "s.toml", "--json").stdout)
    assert [(net["name"], net["missing"]) for net in outline["nets"]] == [("plain", 0), ("tuned", 0)]
    more = json.loads(mien("plan", "s.toml", "--json", "--set", "nets.tuned.tune.trials=5").stdout)
    assert more["nets"][1]["missing"] == 3
    trials = json.loads(mien("trials", "out/searched", "--json").stdout)
    assert [trial["number"] for trial in trials] == [1, 2]
    for verb in ("trials", "runs", "compare"):
        assert mien(verb, "out/searched").exit_code == 0
    assert snapshot(tmp_path) == before


@pytest.mark.slow
def test_a_report_leaves_runs_and_searches_as_they_are(mien: Mien, tmp_path: Path) -> None:
    mien("study", "s.toml")
    before = snapshot(tmp_path)
    make_report(Path("out/searched"), read_results(Path("out/searched")))
    after = snapshot(tmp_path / "out" / "searched" / "tuning") | snapshot(tmp_path / "out" / "searched" / "runs")
    assert after.items() <= before.items()


def test_trials_of_a_space_that_has_changed_are_still_listed_separately(mien: Mien, tmp_path: Path) -> None:
    mien("study", "s.toml")
    first = json.loads(mien("trials", "out/searched", "--json").stdout)
    assert "search" not in mien("trials", "out/searched").stdout.splitlines()[0]
    (tmp_path / "s.toml").write_text(STUDY.replace("[4, 8]", "[16]"), encoding="utf-8")
    before = snapshot(tmp_path)
    outline = json.loads(mien("plan", "s.toml", "--json").stdout)
    assert outline["nets"][1]["missing"] == 2, "the new space has no trial yet"
    assert json.loads(mien("trials", "out/searched", "--json").stdout) == first
    mien("trials", "out/searched", "tuned")
    assert snapshot(tmp_path) == before

    mien("study", "s.toml")
    both = json.loads(mien("trials", "out/searched", "--json").stdout)
    assert both[:2] == first
    assert [trial["values"]["n"] for trial in both[2:]] == [16, 16]
    old, new = dict.fromkeys(trial["search"] for trial in both)
    plan = make_plan(read_study(Path("s.toml")))
    tune = plan.study.nets[1].tune
    assert tune is not None
    assert new == tune.id(plan.faces.fingerprint) != old
    table = mien("trials", "out/searched").stdout
    assert table.splitlines()[0].split()[:3] == ["net", "search", "trial"]
    assert table.count(old) == table.count(new) == 2


def test_a_search_that_has_ended_leaves_the_runs_of_its_best_to_do(mien: Mien) -> None:
    two_seeds = ["--set", "seeds=[0,1]"]
    before = json.loads(mien("plan", "s.toml", "--json", *two_seeds).stdout)
    assert [net["missing"] for net in before["nets"]] == [2, 2 + 1]
    mien("study", "s.toml")
    assert [net["missing"] for net in json.loads(mien("plan", "s.toml", "--json", *two_seeds).stdout)["nets"]] == [1, 1]
    mien("study", "s.toml", *two_seeds)
    after = json.loads(mien("plan", "s.toml", "--json", *two_seeds).stdout)
    assert [net["missing"] for net in after["nets"]] == [0, 0]


def test_a_budget_below_the_trials_there_are_leaves_nothing_to_do(mien: Mien) -> None:
    mien("study", "s.toml")
    outline = json.loads(mien("plan", "s.toml", "--json", "--set", "nets.tuned.tune.trials=1").stdout)
    assert outline["nets"][1]["missing"] == 0


def test_a_damaged_journal_is_reported(mien: Mien) -> None:
    mien("study", "s.toml")
    (journal,) = Path("out/searched/tuning").glob("*.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], b"{ torn }\n", *lines[2:]]))
    for words in (["trials", "out/searched"], ["plan", "s.toml"]):
        with pytest.raises(UserError, match=r"tuning/tuned-\w+\.journal: damaged; remove it, and run the study again"):
            mien(*words)
