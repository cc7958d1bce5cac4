from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.packed import write_packed
from mien.runs.resolve import faces_of, resolve_run, resolve_runs, study_of
from mien.runs.results import EnsembleResult, read_results, write_results
from mien.runs.run import Run


def test_a_runs_folder_a_study_and_a_net_of_it(study: Path) -> None:
    flat = next((study / "runs").glob("flat-*"))
    assert resolve_run(flat).id == flat.name
    assert resolve_run(study).id == flat.name
    chosen = resolve_run(study / "small")
    seeds = {run.name: Run.open(run).predictions("validation").accuracy for run in (study / "runs").glob("small-*")}
    assert len(set(seeds.values())) == 2
    assert seeds[chosen.id] == max(seeds.values())
    assert study_of(chosen) == study.resolve()


def test_the_faces_are_opened_from_where_the_study_read_them(study: Path, faces: Faces) -> None:
    assert faces_of(resolve_run(study)).fingerprint == faces.fingerprint


def test_faces_that_were_moved_are_opened_from_where_they_are_now(study: Path, faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "faces").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="faces"):
        faces_of(resolve_run(study))
    assert faces_of(resolve_run(study), [str(tmp_path / "elsewhere")]).fingerprint == faces.fingerprint


def test_other_faces_are_refused(study: Path, faces: Faces, tmp_path: Path) -> None:
    write_packed(replace(faces, images=faces.images ^ 1), tmp_path / "others")
    with pytest.raises(UserError, match=r"others: holds other faces .*; name the faces that flat-\w+ was trained on"):
        faces_of(resolve_run(study), [str(tmp_path / "others")])


def test_a_run_outside_a_study_needs_the_name_of_its_faces(study: Path, faces: Faces, tmp_path: Path) -> None:
    alone = resolve_run(study).folder.rename(tmp_path / "alone")
    run = resolve_run(alone)
    assert study_of(run) is None
    with pytest.raises(UserError, match=r"stands outside a study's folder; name the faces .* by --data"):
        faces_of(run)
    assert faces_of(run, [str(tmp_path / "faces")]).fingerprint == faces.fingerprint


def test_a_record_of_faces_that_is_damaged_or_gone(study: Path) -> None:
    (study / "faces.json").write_text('{"source": 3}', encoding="utf-8")
    with pytest.raises(UserError, match=r"faces.json: damaged: .*; run the study again, it keeps its runs"):
        faces_of(resolve_run(study))
    (study / "faces.json").unlink()
    with pytest.raises(UserError, match=r"no faces\.json; run the study again"):
        faces_of(resolve_run(study))


def test_an_unknown_net_is_refused_with_those_that_are_known(study: Path) -> None:
    with pytest.raises(UserError, match=r"no finished net 'smal'; known: small, flat; did you mean 'small'\?"):
        resolve_run(study / "smal")
    with pytest.raises(UserError, match="no finished net 'broken'"):
        resolve_run(study / "broken")


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="neither a run's folder nor a study's"):
            resolve_run(place)


def test_a_run_that_is_not_finished_is_refused(study: Path) -> None:
    run = resolve_run(study)
    run.write_status(replace(run.status, state="stopped"))
    for place in (run.folder, study):
        with pytest.raises(UserError, match=r"flat-\w+: stopped, and only a finished run has weights to take"):
            resolve_run(place)
    run.write_status(replace(run.status, state="failed", reason="the loss became nan"))
    with pytest.raises(UserError, match=r"failed \(the loss became nan\), and only"):
        resolve_run(run.folder)


def test_a_study_that_has_not_ended_is_refused(study: Path) -> None:
    (study / "results.json").unlink()
    with pytest.raises(UserError, match="has not ended; run it again, or name a finished run in"):
        resolve_run(study / "small")


def test_a_study_without_a_finished_net_is_refused(study: Path) -> None:
    results = read_results(study)
    failed = tuple(replace(net, state="failed", runs=()) for net in results.nets)
    write_results(study, replace(results, nets=failed, best=None))
    with pytest.raises(UserError, match="no net of this study was trained to its end"):
        resolve_run(study)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "damaged: .*; run the study again, it keeps its runs"),
        ('{"format": 1}', r"written in format 1, this mien reads 2 and 3; run the study again, it keeps its runs"),
    ],
)
def test_results_that_cannot_be_read_are_refused(study: Path, content: str, words: str) -> None:
    (study / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=f"results.json: {words}"):
        resolve_run(study / "small")


def test_the_nets_of_an_ensemble(study: Path) -> None:
    results = read_results(study)
    ensemble = EnsembleResult("all", ("small", "flat"), {"small": 0.8, "flat": 0.2}, runs=3)
    write_results(study, replace(results, ensembles=(ensemble,)))
    together = resolve_runs(study / "all")
    assert (together.name, [run.net.name for run in together.runs]) == ("all", ["small", "small", "flat"])
    assert together.weights == pytest.approx((0.4, 0.4, 0.2))
    flat = resolve_runs(study / "flat")
    assert ([run.id for run in flat.runs], flat.weights) == ([resolve_run(study).id], (1,))
    with pytest.raises(
        UserError, match=r"all: several nets together, of which this takes one; name one of them: small, flat"
    ):
        resolve_run(study / "all")
    with pytest.raises(UserError, match=r"no finished net 'al'; known: small, flat, all; did you mean 'all'\?"):
        resolve_runs(study / "al")


def test_an_ensemble_of_which_a_net_is_not_finished_is_refused(study: Path) -> None:
    results = read_results(study)
    ensemble = EnsembleResult("all", ("small", "flat"), {"small": 0.8, "flat": 0.2}, runs=3)
    write_results(study, replace(results, ensembles=(ensemble,)))
    first = resolve_runs(study / "all").runs[0]
    first.write_status(replace(first.status, state="stopped"))
    with pytest.raises(UserError, match="stopped, and only a finished run has weights"):
        resolve_runs(study / "all")
    nets = tuple(replace(net, state="failed", runs=()) if net.name == "flat" else net for net in results.nets)
    write_results(study, replace(results, nets=nets, ensembles=(ensemble,)))
    with pytest.raises(UserError, match=r"all: flat of these nets was not trained to its end; see: mien runs"):
        resolve_runs(study / "all")
