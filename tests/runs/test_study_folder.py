import json
import os
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from mien.errors import UserError
from mien.runs import study_folder
from mien.runs.run import Run
from mien.runs.study_folder import StudyFolder, is_study, runs_in, subfolders
from mien.runs.summary import summarise

DEAD = 2**22 + 1
"""More than any process's id on Linux."""


def rewrite(run: Run, **entries: object) -> None:
    file = run.folder / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | entries), encoding="utf-8")


def test_a_study_holds_its_runs_faces_and_results(study: Path) -> None:
    folder = StudyFolder(study)
    assert folder.name == "study"
    assert list(folder.runs) == sorted(path.name for path in (study / "runs").iterdir())
    assert folder.faces is not None
    assert folder.results is not None
    assert folder.results.best == "flat"
    assert folder.faces.fingerprint == folder.results.faces.fingerprint


def test_the_best_of_a_study_without_figures_is_its_best_run(study: Path) -> None:
    summary = StudyFolder(study).summarise()
    assert (summary.state, summary.nets, summary.runs, summary.states) == ("finished", 2, 3, {"finished": 3})
    assert summary.epochs == summary.epochs_planned == 6
    assert (summary.faces, summary.report) == ("gray", False)
    assert summary.best is not None
    assert (summary.best.net, summary.best.validation_accuracy) == ("flat", 12 / 21)
    assert summary.best.validation_interval is None
    (study / "report.html").touch()
    assert StudyFolder(study).summarise().report


def test_the_best_of_an_ended_study_is_that_of_its_results(study: Path) -> None:
    record = json.loads((study / "results.json").read_text(encoding="utf-8"))
    net = next(net for net in record["nets"] if net["name"] == "small")
    net["accuracy"] = {
        "validation": {"mean": 0.5, "interval": [0.4, 0.6], "sd": None, "n": 21},
        "test": {"mean": 0.4, "interval": [0.3, 0.5], "sd": None, "n": 14},
        "test_without_leaks": {"mean": 0.3, "interval": [0.2, 0.4], "sd": None, "n": 12},
    }
    (study / "results.json").write_text(json.dumps(record | {"best": "small"}), encoding="utf-8")
    best = StudyFolder(study).summarise().best
    assert best is not None
    assert (best.net, best.run, best.validation_accuracy) == ("small", net["runs"][0], 0.5)
    assert (best.validation_interval, best.test_accuracy, best.test_interval) == ((0.4, 0.6), 0.4, (0.3, 0.5))
    assert best.test_accuracy_without_leaks == 0.3


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"format": 3}', "null"])
def test_damaged_results_and_faces_are_as_none(study: Path, content: str) -> None:
    (study / "results.json").write_text(content, encoding="utf-8")
    (study / "faces.json").write_text(content, encoding="utf-8")
    folder = StudyFolder(study)
    assert (folder.results, folder.faces) == (None, None)
    summary = folder.summarise()
    assert summary.faces == ""
    assert summary.best is not None
    assert summary.best.net == "flat"


def test_a_run_of_a_dead_process_is_stopped_and_one_of_another_machine_is_believed(study: Path) -> None:
    run = next(iter(StudyFolder(study).runs.values()))
    rewrite(run, state="running", pid=os.getpid())
    assert StudyFolder(study).summarise().state == summarise(run).state == "running"
    rewrite(run, pid=DEAD)
    assert StudyFolder(study).summarise().state == summarise(run).state == "stopped"
    rewrite(run, host="elsewhere")
    assert summarise(run).state == "running"


def test_between_two_runs_a_study_runs_still(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (study / "results.json").unlink()
    assert StudyFolder(study).summarise().state == "running"
    monkeypatch.setattr(study_folder, "GRACE", 0.0)
    assert StudyFolder(study).summarise().state == "stopped"


def test_a_damaged_run_is_listed_beside_the_others(study: Path) -> None:
    run = next(iter(StudyFolder(study).runs.values()))
    (run.folder / "state.json").write_text("{", encoding="utf-8")
    summary = StudyFolder(study).summarise()
    assert summary.states == {"damaged": 1, "finished": 2}
    assert summary.state == "finished"


def test_loose_runs_in_a_folder_count_as_a_study(study: Path, tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    copytree(study / "runs", loose)
    assert is_study(loose)
    assert StudyFolder(loose).summarise().state == "finished"
    assert not is_study(tmp_path / "nowhere")
    assert subfolders(tmp_path / "nowhere") == []


def test_a_study_without_runs_is_empty(study: Path) -> None:
    rmtree(study / "runs")
    summary = StudyFolder(study).summarise()
    assert (summary.state, summary.runs, summary.best) == ("empty", 0, None)
    (study / "study.toml").unlink()
    (study / "results.json").unlink()
    assert StudyFolder(study).summarise().changed


def test_stamps_change_with_the_studys_own_files_alone(study: Path) -> None:
    folder = StudyFolder(study)
    before = folder.stamps()
    (next(iter(folder.runs.values())).folder / "state.json").unlink()
    assert folder.stamps() == before
    (study / "report.html").touch()
    assert folder.stamps() != before


def test_runs_in_a_study_or_the_run_itself(study: Path, tmp_path: Path) -> None:
    runs = runs_in(study)
    assert [run.id for run in runs] == sorted(run.id for run in runs)
    assert len(runs) == 3
    assert [run.folder for run in runs_in(runs[0].folder)] == [runs[0].folder]
    rmtree(study / "runs")
    assert runs_in(study) == []  # nothing of it could be trained
    with pytest.raises(UserError, match=r"neither a study's folder \(it has no runs/\) nor a run's"):
        runs_in(tmp_path / "nowhere")
