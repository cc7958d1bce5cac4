import json
from dataclasses import replace
from pathlib import Path

import pytest
from runs.conftest import FLAT, SMALL, finished_run, gray_faces

from mien.errors import UserError
from mien.faces import Faces
from mien.runs.compare import compare
from mien.runs.results import read_results, write_results
from mien.runs.run import Run
from mien.runs.search_results import SearchResult, TrialResult


def test_the_finished_nets_of_a_study_stand_side_by_side_the_best_first(study: Path, faces: Faces) -> None:
    small = sorted((study / "runs").glob("small-*"), key=lambda folder: Run.open(folder).seed)
    compared = compare([study])
    assert [(net.name, net.seeds) for net in compared.nets] == [("flat", (0,)), ("small", (0, 1))]
    second = compared.nets[1]
    assert second.accuracy.validation.mean == pytest.approx((8 + 9) / 2 / 21)
    assert second.accuracy.validation.n == 21
    assert second.accuracy.test is None
    assert (second.parameters, second.seconds, second.faces) == (1000, 3.0, faces.fingerprint)
    assert second.folder == str(small[0].resolve())
    [pair] = compared.comparisons
    # By the run of each net's first seed: 12 and 8 of the same faces are correct.
    assert (pair.a, pair.b, pair.split, pair.mcnemar.only_a, pair.mcnemar.only_b) == (
        "flat",
        "small",
        "validation",
        4,
        0,
    )


def test_a_run_that_is_not_finished_does_not_count(study: Path) -> None:
    run = Run.open(next((study / "runs").glob("flat-*")))
    run.write_status(replace(run.status, state="failed"))
    assert [net.name for net in compare([study]).nets] == ["small"]


def test_runs_can_be_named_alone_and_count_once(study: Path, faces: Faces, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    other = finished_run(tmp_path / "other" / "runs", FLAT, faces)
    one, two = next(Path("study/runs").glob("flat-*")), other.folder.relative_to(tmp_path)
    assert [net.name for net in compare([one, two]).nets] == [str(one), str(two)]
    assert len(compare([Path("study"), one, Path("study")]).nets) == 2


def test_nets_of_different_faces_are_not_tested_against_each_other(study: Path, tmp_path: Path) -> None:
    others = gray_faces(seed=1)
    for net, correct in ((SMALL, 3), (FLAT, 5)):
        finished_run(tmp_path / "two" / "runs", net, others, correct=correct)
    compared = compare([study, tmp_path / "two"])
    assert len(compared.nets) == 4
    assert len({net.faces for net in compared.nets}) == 2
    assert len(compared.comparisons) == 2
    assert all(Path(pair.a).parts[-3] == Path(pair.b).parts[-3] for pair in compared.comparisons)


def test_of_a_search_the_best_trial_alone_counts(study: Path, faces: Faces) -> None:
    trials = [finished_run(study / "runs", SMALL, faces, seed, correct=2) for seed in (7, 8)]
    best = next((study / "runs").glob("flat-*")).name
    results = read_results(study)
    names = [best, *(run.id for run in trials)]
    search = SearchResult(
        sampler="random",
        pruner="none",
        objectives=("validation_accuracy",),
        space={},
        epochs=2,
        trials=tuple(TrialResult(number, "finished", {}, run=name) for number, name in enumerate(names, 1)),
        best=1,
        pareto=(),
        importances={},
        seconds=9.0,
        saved_epochs=0,
    )
    write_results(study, replace(results, tuning={"flat": search}))
    assert [(net.name, net.seeds) for net in compare([study]).nets] == [("flat", (0,)), ("small", (0, 1))]
    (study / "results.json").unlink()
    assert [net.seeds for net in compare([study]).nets] == [(0,), (0, 1, 7, 8)]


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither a study's folder .* nor a run's"):
        compare([tmp_path])
    (tmp_path / "runs").mkdir()
    with pytest.raises(UserError, match="no finished run to compare"):
        compare([tmp_path])


def test_comparing_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, mien.runs.compare, mien.runs.resolve; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False
