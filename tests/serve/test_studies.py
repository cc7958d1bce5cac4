"""Studies as the service shows them."""

import json
import shutil
from pathlib import Path

from mien.runs.study_folder import StudyFolder
from mien.serve.studies import Studies, study_detail


def test_a_finished_study_has_what_its_results_have(study: Path) -> None:
    folder = StudyFolder(study)
    detail, results, faces = study_detail(folder), folder.results, folder.faces
    assert results is not None
    assert faces is not None
    assert [(group.title, group.nets, group.selected) for group in detail.groups] == [
        ("All of them", ["weak", "strong"], "strong")
    ]
    assert detail.data is not None
    assert (detail.data.leaked_test, detail.data.fingerprint) == (1, faces.fingerprint)
    assert detail.command == results.command == "mien study study.toml"
    assert detail.trials == []
    assert [run.run for run in detail.run_facts] == sorted(run for net in results.nets for run in net.runs)
    assert {name: getattr(detail, name) for name in ("study", "best", "states", "report")} == {
        name: getattr(folder.summarise(), name) for name in ("study", "best", "states", "report")
    }


def test_a_study_without_results_and_faces_has_its_runs(study: Path) -> None:
    (study / "results.json").write_text("{", encoding="utf-8")
    (study / "faces.json").unlink()
    detail = study_detail(StudyFolder(study))
    assert (detail.groups, detail.command, detail.data, detail.trials) == ([], "", None, [])
    assert len(detail.run_facts) == 4


def test_a_damaged_run_is_shown_as_damaged_beside_the_others(study: Path) -> None:
    broken = sorted((study / "runs").iterdir())[0]
    (broken / "run.json").write_text("{", encoding="utf-8")
    detail = study_detail(StudyFolder(study))
    assert [run.state for run in detail.run_facts if run.run == broken.name] == ["damaged"]
    assert detail.states == {"damaged": 1, "finished": 3}


def test_names_are_looked_up_and_never_followed(study: Path) -> None:
    studies = Studies(study.parent)
    assert list(studies.all()) == ["small"]
    run = next(iter(StudyFolder(study).runs))
    assert studies.find_run(f"small/{run}") is not None
    for name in ("..", ".", "", "small/..", f"../{study.parent.name}/small", str(study), "small/runs", "small/"):
        assert studies.find(name) is None
        assert studies.find_run(name) is None


def test_the_folder_may_be_a_study_itself_or_hold_loose_runs_or_nothing(study: Path, tmp_path: Path) -> None:
    assert list(Studies(study).all()) == ["small"]
    loose = tmp_path / "loose"
    shutil.copytree(study / "runs", loose / "mine")
    assert [folder.summarise().state for folder in Studies(loose).all().values()] == ["finished"]
    assert Studies(tmp_path / "nowhere").all() == {}


def test_a_search_names_the_runs_of_its_trials_but_for_the_best(study: Path) -> None:
    record = json.loads((Path(__file__).parents[1] / "runs" / "format-2-search.json").read_text(encoding="utf-8"))
    (study / "results.json").write_text(json.dumps(record), encoding="utf-8")
    results = StudyFolder(study).results
    assert results is not None
    selected = {run for net in results.nets for run in net.runs}
    runs = [trial.run for search in results.tuning.values() for trial in search.trials if trial.run]
    assert study_detail(StudyFolder(study)).trials == [run for run in runs if run not in selected]
    assert selected & set(runs)
