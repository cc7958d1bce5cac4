from math import erf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from mien.runs import ranking
from mien.runs.ranking import Area, ClassAreas, areas, precision_recall_curve, roc_curve


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, and which are positive: at least one of each kind."""
    n = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.integers(0, draw(st.integers(1, 60)), n).astype(np.float32) / 64
    positive = rng.random(n) < draw(st.floats(0.1, 0.9))
    positive[:2] = [True, False]
    return scores, positive


@st.composite
def predicted(draw: st.DrawFn) -> tuple[list[np.ndarray], np.ndarray]:
    """Probabilities of one to three seeds, in steps of 1/8, and labels: some of the four classes may be missing."""
    n = draw(st.integers(2, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, draw(st.integers(1, 4)), n).astype(np.uint8)
    return [rng.multinomial(8, [0.25] * 4, n).astype(np.float32) / 8 for _ in range(draw(st.integers(1, 3)))], labels


@given(scored())
def test_roc_curves_and_areas_are_those_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, positive = case
    curve = roc_curve(scores, positive)
    false_positive_rate, true_positive_rate, _ = sklearn.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, false_positive_rate)
    np.testing.assert_allclose(curve.true_positive_rate, true_positive_rate)


@given(scored())
def test_precision_recall_curves_are_those_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, positive = case
    curve = precision_recall_curve(scores, positive)
    precision, recall, _ = sklearn.precision_recall_curve(positive, scores)
    np.testing.assert_allclose(curve.precision, precision[-2::-1])  # its last point, (0, 1), is no threshold's
    np.testing.assert_allclose(curve.recall, recall[-2::-1])


@given(predicted())
def test_areas_are_those_of_scikit_learn(case: tuple[list[np.ndarray], np.ndarray]) -> None:
    probabilities, labels = case
    measured = areas(probabilities, labels, resamples=20)
    pooled, truth = np.concatenate(probabilities), np.tile(labels, len(probabilities))
    there = []
    for k, one in enumerate(measured.per_class):
        positive = truth == k
        assert (one is None) == (positive.all() or not positive.any())
        if one is not None:
            there.append(k)
            assert one.roc_auc.value == pytest.approx(sklearn.roc_auc_score(positive, pooled[:, k]))
            assert one.average_precision.value == pytest.approx(sklearn.average_precision_score(positive, pooled[:, k]))
            for area in (one.roc_auc, one.average_precision):
                assert -1e-6 <= area.interval[0] <= area.interval[1] <= 1 + 1e-6
    assert (measured.macro is None) == (not there)
    if measured.macro:
        each = [sklearn.roc_auc_score(truth == k, pooled[:, k]) for k in there]
        assert measured.macro.roc_auc.value == pytest.approx(np.mean(each))


def test_areas_by_hand() -> None:
    # The first class is positive at 0.9 and 0.4, negative at 0.4 and 0.1: of four pairs three are in order, one tied.
    first = np.array([0.9, 0.4, 0.4, 0.1], np.float32)
    measured = areas([np.stack([first, 1 - first], axis=1)], np.array([0, 0, 1, 1], np.uint8)).per_class[0]
    assert measured is not None
    assert measured.roc_auc.value == pytest.approx(3.5 / 4)
    # Precision 1 to a recall of a half, then 2 of 3.
    assert measured.average_precision.value == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_intervals_are_those_of_drawing_faces_one_by_one() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80).astype(np.uint8)
    seeds = [np.clip(0.5 + 0.2 * (labels - 0.5) + 0.2 * rng.normal(size=80), 0, 1).round(2) for _ in range(2)]
    probabilities = [np.stack([1 - one, one], axis=1).astype(np.float32) for one in seeds]
    measured = areas(probabilities, labels, resamples=60, seed=5).per_class[1]
    assert measured is not None
    values = []
    for rows in np.random.default_rng(5).integers(0, 80, (60, 80)):
        positive, pooled = np.tile(labels[rows] == 1, 2), np.concatenate([one[rows, 1] for one in probabilities])
        both = sklearn.roc_auc_score(positive, pooled), sklearn.average_precision_score(positive, pooled)
        values.append(both)
    expected = np.quantile(values, [0.025, 0.975], axis=0).T
    assert measured.roc_auc.interval == pytest.approx(expected[0], abs=1e-5)
    assert measured.average_precision.interval == pytest.approx(expected[1], abs=1e-5)


def test_95_of_100_intervals_hold_the_area_that_is_true() -> None:
    """Scores of two normal distributions, 1.2 deviations apart, whose area under the ROC curve is known exactly."""
    truth, rng, held = 0.5 * (1 + erf(1.2 / sqrt(2) / sqrt(2))), np.random.default_rng(1), 0
    for _ in range(250):
        labels = (rng.random(150) < 0.3).astype(np.uint8)
        scores = 1 / (1 + np.exp(-(1.2 * labels + rng.normal(size=150))))
        measured = areas([np.stack([1 - scores, scores], axis=1).astype(np.float32)], labels, resamples=200).per_class[
            1
        ]
        assert measured is not None
        low, high = measured.roc_auc.interval
        held += low <= truth <= high
    # Of 250 intervals of 95 % one expects 237.5, give or take 3.4.
    assert 227 <= held <= 248, held


def test_seeds_that_agree_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 90).astype(np.uint8)
    once = rng.dirichlet(np.ones(3), 90).astype(np.float32)
    one, five = (areas(seeds, labels).macro for seeds in ([once], [once] * 5))
    assert one is not None
    assert five is not None
    assert five.roc_auc.interval == pytest.approx(one.roc_auc.interval, abs=1e-5)


def test_the_same_numbers_each_time() -> None:
    rng = np.random.default_rng(3)
    case = [rng.dirichlet(np.ones(3), 50).astype(np.float32)], rng.integers(0, 3, 50).astype(np.uint8)
    assert areas(*case) == areas(*case)
    assert areas(*case, seed=1) != areas(*case)


def test_a_single_face_of_a_class_has_an_interval_of_the_samples_that_hold_it() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]], np.float32)
    measured = areas([probabilities], np.array([0, 1, 1], np.uint8))
    perfect = ClassAreas(Area(1.0, (1.0, 1.0)), Area(1.0, (1.0, 1.0)))
    assert measured.per_class == (perfect, perfect)
    assert measured.macro == perfect
    assert areas([probabilities[:1]], np.array([0], np.uint8)).per_class == (None, None)


def test_many_faces_have_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, drawn = np.random.default_rng(4), []
    case = [rng.dirichlet(np.ones(3), 50).astype(np.float32)], rng.integers(0, 3, 50).astype(np.uint8)
    monkeypatch.setattr(ranking, "_drawn", lambda *a, real=ranking._drawn: drawn.append(a[2]) or real(*a))
    for many, samples in ((100, 1000), (25, 500), (2, 200)):
        monkeypatch.setattr(ranking, "MANY", many)
        drawn.clear()
        areas(*case)
        assert sum(drawn) == samples
