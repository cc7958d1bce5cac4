"""What runs are worth: the same numbers as training's own statistics give."""

from pathlib import Path

import numpy as np
import pytest

from mien.runs import metrics as statistics
from mien.runs.run import Run
from mien.serve.judgement import compare, detail, interval
from mien.serve.studies import Studies, Study


def test_scores_are_those_of_the_statistics(study: Path) -> None:
    run = next(run for name, run in Study(study).runs.items() if name.startswith("strong"))
    found, said = detail(run), Run.open(run.path).predictions("test")
    assert found is not None
    assert said is not None
    assert found.scores.keys() == {"validation", "test"}
    ours, theirs = found.scores["test"], statistics.scores([said.probabilities], said.labels)
    assert ours.confusion == theirs.confusion.tolist()
    assert ours.macro_f1 == pytest.approx(theirs.macro_f1)
    assert ours.accuracy == pytest.approx(said.accuracy)
    for name, one in zip(found.classes, theirs.per_class, strict=True):
        score = ours.per_class[name]
        assert (score.precision, score.recall, score.f1) == pytest.approx((one.precision, one.recall, one.f1))
        assert score.support == one.support


@pytest.mark.parametrize("share", [0.0, 0.1, 0.57, 1.0])
def test_the_interval_is_the_bootstraps(share: float) -> None:
    right = np.arange(1000) < 1000 * share
    low, high = statistics.accuracy(right[None]).interval
    assert interval(right) == pytest.approx([low, high], abs=0.0021)


def test_runs_on_the_same_faces_are_tested_against_each_other(study: Path) -> None:
    studies = Studies(study.parent)
    names = [f"small/{name}" for name in Study(study).runs]
    found = compare({name: run for name in names if (run := studies.find_run(name))})
    assert [f"{one.facts.study}/{one.facts.run}" for one in found.runs] == names
    assert len(found.pairs) == 6
    said = {name: Run.open(study / "runs" / name.split("/")[1]).predictions("validation") for name in names}
    for pair in found.pairs:
        a, b = said[pair.a], said[pair.b]
        assert a is not None
        assert b is not None
        theirs = statistics.mcnemar(a.predicted == a.labels, b.predicted == b.labels)
        assert (pair.only_a, pair.only_b, pair.p) == (theirs.only_a, theirs.only_b, pytest.approx(theirs.p))
        assert pair.faces == 70


def test_runs_on_other_faces_are_not(study: Path) -> None:
    runs = dict(Study(study).runs)
    odd = next(iter(runs))
    file = study / "runs" / odd / "run.json"
    file.write_text(file.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    found = compare(runs)
    assert len(found.runs) == 4
    assert len(found.pairs) == 3
    assert not [pair for pair in found.pairs if odd in (pair.a, pair.b)]


def test_a_damaged_run_is_left_out(study: Path) -> None:
    runs = dict(Study(study).runs)
    (study / "runs" / next(iter(runs)) / "state.json").write_text("{")
    assert len(compare(runs).runs) == 3
