"""Studies and runs as their folders tell them, beside what training itself reads from them."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from studied import begin, epoch

from mien.disk import append_line
from mien.serve import studies as studies_module
from mien.serve.run_folders import RunFolder
from mien.serve.studies import Studies, Study
from mien.study.compare import run_facts, study_runs

DEAD = 2**22 + 1
"""More than any process's id on Linux."""


def test_runs_are_told_as_mien_runs_tells_them(study: Path) -> None:
    theirs = {facts["run"]: facts for facts in map(run_facts, study_runs(study))}
    ours = {facts.run: asdict(facts) for facts in Study(study).detail().run_facts}
    assert ours.keys() == theirs.keys()
    for name, facts in theirs.items():
        same = facts.keys() & ours[name].keys() - {"test_opened"}
        assert {key: ours[name][key] for key in same} == {key: facts[key] for key in same}
        assert len(same) == 9
        assert ours[name]["test_opened"] == (facts["test_opened"] or "")


def test_a_finished_study_tells_what_its_results_tell(study: Path) -> None:
    found, results = Study(study).detail(), json.loads((study / "results.json").read_text())
    assert (found.state, found.nets, found.runs, found.states) == ("finished", 2, 4, {"finished": 4})
    assert found.epochs == found.epochs_asked == 16
    net = next(net for net in results["nets"] if net["name"] == "strong")
    assert found.best is not None
    assert found.best.net == results["best"] == "strong"
    assert found.best.run == net["runs"][0]
    assert found.best.validation_interval == net["validation_accuracy_interval"]
    assert found.best.test_accuracy == net["test_accuracy"]
    assert found.best.test_accuracy_without_leaks == net["test_accuracy_without_leaks"]
    assert [(group.title, group.nets, group.selected) for group in found.groups] == [
        ("All of them", ["weak", "strong"], "strong")
    ]
    assert found.data["leaked_test"] == 1
    assert found.command == "mien study study.toml"
    assert found.report


def test_a_run_of_a_dead_process_is_stopped_and_one_of_another_machine_is_believed(tmp_path: Path) -> None:
    run = begin(tmp_path / "out")
    folder = RunFolder(run.folder, "out")
    assert folder.facts().state == run.status.state == "running"
    state = json.loads((run.folder / "state.json").read_text())
    (run.folder / "state.json").write_text(json.dumps(state | {"pid": DEAD}))
    assert folder.facts().state == run.status.state == "stopped"
    (run.folder / "state.json").write_text(json.dumps(state | {"pid": DEAD, "host": "elsewhere"}))
    assert folder.facts().state == run.status.state == "running"


def test_a_torn_last_line_waits_and_what_is_no_number_is_none(tmp_path: Path) -> None:
    run = begin(tmp_path / "out")
    folder = RunFolder(run.folder, "out")
    assert folder.facts().curves.loss == []
    append_line(run.folder / "history.jsonl", epoch(1, 1.0))
    append_line(run.folder / "history.jsonl", {**epoch(2, 1.0), "loss": float("nan")})
    with (run.folder / "history.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')
    facts = folder.facts()
    assert facts.curves.loss == [round(float(str(epoch(1, 1.0)["loss"])), 5), None]
    assert (facts.epochs, facts.epochs_asked) == (2, 4)
    assert facts.validation_accuracy == facts.curves.validation_accuracy[1]


@pytest.mark.parametrize(
    ("name", "content"),
    [("run.json", "{"), ("run.json", "[]"), ("state.json", '{"state": 3'), ("history.jsonl", '{"epoch": 1}\n')],
)
def test_a_damaged_run_is_told_as_damaged_beside_the_others(study: Path, name: str, content: str) -> None:
    broken = sorted((study / "runs").iterdir())[0]
    (broken / name).write_text(content)
    found = Study(study).detail()
    assert [run.state for run in found.run_facts if run.run == broken.name] == ["damaged"]
    assert found.states == {"damaged": 1, "finished": 3}


def test_damaged_predictions_are_as_none(study: Path) -> None:
    run = Study(study).runs[sorted(path.name for path in (study / "runs").iterdir())[0]]
    said = run.said("validation")
    assert said is not None
    assert said.probabilities.shape == (70, 7)
    file = run.path / "validation.npz"
    file.write_bytes(file.read_bytes()[:200])
    assert run.said("validation") is None
    assert run.facts().validation_accuracy == run.facts().curves.validation_accuracy[-1]


def test_a_damaged_results_file_is_as_none(study: Path) -> None:
    (study / "results.json").write_text("{")
    found = Study(study).detail()
    assert (found.groups, found.command) == ([], "")
    assert found.best is not None
    assert found.best.net == "strong"
    assert found.best.validation_interval is None


def test_names_are_looked_up_and_never_followed(study: Path) -> None:
    found = Studies(study.parent)
    assert list(found.all()) == ["small"]
    run = next(iter(Study(study).runs))
    assert found.find_run(f"small/{run}") is not None
    for name in ("..", ".", "", "small/..", f"../{study.parent.name}/small", str(study), "small/runs", "small/"):
        assert found.find(name) is None
        assert found.find_run(name) is None


def test_the_folder_may_be_a_study_itself_or_hold_loose_runs_or_nothing(study: Path, tmp_path: Path) -> None:
    assert list(Studies(study).all()) == ["small"]
    loose = tmp_path / "loose"
    shutil.copytree(study / "runs", loose / "mine")
    assert [facts.facts().state for facts in Studies(loose).all().values()] == ["finished"]
    assert Studies(tmp_path / "nowhere").all() == {}


def test_between_two_runs_a_study_runs_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    run = begin(folder)
    (folder / "study.toml").write_text("")
    assert Study(folder).facts().state == "running"
    state = json.loads((run.folder / "state.json").read_text())
    (run.folder / "state.json").write_text(json.dumps(state | {"state": "finished", "pid": os.getpid()}))
    assert Study(folder).facts().state == "running"
    monkeypatch.setattr(studies_module, "GRACE", 0.0)
    assert Study(folder).facts().state == "stopped"
