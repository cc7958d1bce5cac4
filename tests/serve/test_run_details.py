"""Runs in full and side by side: the numbers are those of `mien.runs.metrics`."""

from pathlib import Path

import pytest

from mien.errors import UserError
from mien.runs import metrics
from mien.runs.run import Run
from mien.runs.study_folder import StudyFolder
from mien.serve.run_details import compare_runs, run_detail


def named_runs(study: Path) -> dict[str, Run]:
    return {f"{study.name}/{name}": run for name, run in StudyFolder(study).runs.items()}


def test_scores_are_those_of_the_report(study: Path) -> None:
    run = next(run for name, run in StudyFolder(study).runs.items() if name.startswith("strong"))
    detail, predictions = run_detail(run, "small"), run.predictions("test")
    assert predictions is not None
    assert detail.scores.keys() == {"validation", "test"}
    shown, scores = detail.scores["test"], metrics.scores([predictions.probabilities], predictions.labels)
    accuracy = metrics.accuracy(predictions.correct[None])
    assert shown.confusion == scores.confusion.tolist()
    assert shown.macro_f1 == scores.macro_f1
    assert (shown.accuracy, shown.interval, shown.faces) == (accuracy.mean, accuracy.interval, accuracy.n)
    assert tuple(shown.per_class.values()) == scores.per_class
    assert list(shown.per_class) == detail.classes


def test_a_detail_says_how_the_run_was_made(study: Path) -> None:
    run = next(iter(StudyFolder(study).runs.values()))
    detail = run_detail(run, "small")
    assert (detail.facts.study, detail.facts.run) == ("small", run.id)
    assert detail.layers == list(run.net.layers)
    assert detail.recipe == run.recipe
    assert (detail.versions, detail.machine) == (run.config.versions, run.config.machine)


def test_runs_on_the_same_faces_are_tested_against_each_other(study: Path) -> None:
    runs = named_runs(study)
    comparison = compare_runs(runs)
    assert [f"{one.facts.study}/{one.facts.run}" for one in comparison.runs] == list(runs)
    assert len(comparison.pairs) == 6
    predictions = {name: run.predictions("validation") for name, run in runs.items()}
    for pair in comparison.pairs:
        a, b = predictions[pair.a], predictions[pair.b]
        assert a is not None
        assert b is not None
        test = metrics.mcnemar(a.correct, b.correct)
        assert (pair.only_a, pair.only_b, pair.p) == (test.only_a, test.only_b, test.p)
        assert pair.faces == 70


def test_runs_on_other_faces_are_not(study: Path) -> None:
    runs = named_runs(study)
    odd, run = next(iter(runs.items()))
    file = run.folder / "run.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"fingerprint": "', '"fingerprint": "0'), encoding="utf-8")
    comparison = compare_runs(runs)
    assert len(comparison.runs) == 4
    assert len(comparison.pairs) == 3
    assert not [pair for pair in comparison.pairs if odd in (pair.a, pair.b)]


@pytest.mark.parametrize("name", ["run.json", "state.json", "history.jsonl", "validation.npz", "test.npz"])
def test_a_damaged_run_is_left_out(study: Path, name: str) -> None:
    runs = named_runs(study)
    folder = next(run.folder for key, run in runs.items() if "strong" in key)
    (folder / name).write_text("{\n", encoding="utf-8")
    assert len(compare_runs(runs).runs) == 3
    with pytest.raises(UserError, match=rf"{name}: damaged: .*; remove .*{folder.name} and run the study again"):
        run_detail(Run(folder), "small")
