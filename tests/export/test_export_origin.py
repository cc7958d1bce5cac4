"""The run that a user means, and its faces."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.faces import Faces
from mien.runs.resolve import faces_of, find_run, find_runs, study_of
from mien.runs.run import Run


def test_a_runs_folder_a_study_and_a_net_of_it(study: Path) -> None:
    flat = next((study / "runs").glob("flat-*"))
    assert find_run(flat).id == flat.name
    assert find_run(study).id == flat.name
    chosen = find_run(study / "small")
    seeds = {run.name: Run.open(run).predictions("validation").accuracy for run in (study / "runs").glob("small-*")}
    assert len(seeds) == 2
    assert seeds[chosen.id] == max(seeds.values())
    assert study_of(chosen) == study.resolve()


def test_the_faces_are_found_where_the_study_found_them(study: Path, faces: Faces, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    assert faces_of(find_run(study)).fingerprint == faces.fingerprint


def test_other_faces_are_refused(study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"drawn:70: not the faces that flat-\w+ was trained on: their fingerprint is"):
        faces_of(find_run(study), ["drawn:70"])


def test_a_run_alone_needs_to_be_told_its_faces(small: Run) -> None:
    assert study_of(small) is None
    with pytest.raises(UserError, match=r"stands outside a study's folder; name the faces .* by --data"):
        faces_of(small)


def test_an_unknown_net_is_told_with_those_that_are_known(study: Path) -> None:
    with pytest.raises(UserError, match=r"no finished net 'smal'; known: small, flat; did you mean 'small'\?"):
        find_run(study / "smal")
    with pytest.raises(UserError, match="no finished net 'broken'"):
        find_run(study / "broken")


def test_a_folder_that_is_neither_is_told(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="neither a run's folder nor a study's"):
            find_run(place)


def test_a_run_that_is_not_finished_is_told(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study, tmp_path / "study")
    run = find_run(tmp_path / "study")
    run.write_status(replace(run.status, state="stopped"))
    for place in (run.folder, tmp_path / "study"):
        with pytest.raises(UserError, match=r"flat-\w+: stopped, and only a finished run has weights to take"):
            find_run(place)
    run.write_status(replace(run.status, state="failed", reason="the loss became nan"))
    with pytest.raises(UserError, match=r"failed \(the loss became nan\), and only"):
        find_run(run.folder)


def test_a_study_that_has_not_ended_is_told(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study, tmp_path / "study")
    (tmp_path / "study" / "results.json").unlink()
    with pytest.raises(UserError, match="has not ended; run it again, or name a finished run in"):
        find_run(tmp_path / "study" / "small")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "damaged; run the study again, it keeps its runs"),
        ('{"format": 1}', r"written in format 1, this mien reads \d+; run the study again, it keeps its runs"),
    ],
)
def test_results_that_cannot_be_read_are_told(study: Path, tmp_path: Path, content: str, words: str) -> None:
    shutil.copytree(study, tmp_path / "study")
    (tmp_path / "study" / "results.json").write_text(content)
    with pytest.raises(UserError, match=f"results.json: {words}"):
        find_run(tmp_path / "study" / "small")


def test_nets_together_are_found_by_their_name(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study, tmp_path / "study")
    results = tmp_path / "study" / "results.json"
    found = json.loads(results.read_text())
    found["ensembles"] = [{"name": "all", "nets": ["small", "flat"], "weights": {"small": 0.8, "flat": 0.2}}]
    results.write_text(json.dumps(found))
    all_of_them = find_runs(tmp_path / "study" / "all")
    assert (all_of_them.name, [run.net.name for run in all_of_them.runs]) == ("all", ["small", "small", "flat"])
    assert all_of_them.weights == pytest.approx((0.4, 0.4, 0.2))
    flat = find_runs(tmp_path / "study" / "flat")
    assert ([run.id for run in flat.runs], flat.weights) == ([find_run(study).id], (1,))
    with pytest.raises(
        UserError, match=r"all: several nets together, of which this takes one; name one of them: small, flat"
    ):
        find_run(tmp_path / "study" / "all")
    with pytest.raises(UserError, match=r"no finished net 'al'; known: small, flat, all; did you mean 'all'\?"):
        find_runs(tmp_path / "study" / "al")
    first = all_of_them.runs[0]
    first.write_status(replace(first.status, state="stopped"))
    with pytest.raises(UserError, match="stopped, and only a finished run has weights"):
        find_runs(tmp_path / "study" / "all")
    found["nets"] = [net | {"state": "failed", "runs": []} if net["name"] == "flat" else net for net in found["nets"]]
    results.write_text(json.dumps(found))
    with pytest.raises(UserError, match=r"all: flat of these nets was not trained to its end; see: mien runs"):
        find_runs(tmp_path / "study" / "all")
