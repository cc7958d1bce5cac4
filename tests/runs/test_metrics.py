import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.runs.metrics import accuracy, mcnemar, reliability, scores


def test_accuracy_of_one_seed() -> None:
    right = np.zeros((1, 1000), bool)
    right[0, :600] = True
    found = accuracy(right)
    assert found.mean == pytest.approx(0.6)
    # The normal approximation of a share of 0.6 among 1,000.
    assert found.interval == pytest.approx((0.6 - 1.96 * 0.01549, 0.6 + 1.96 * 0.01549), abs=0.003)
    assert found.sd is None
    assert found.n == 1000


def test_accuracy_over_seeds_is_their_mean_and_sample_deviation() -> None:
    right = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], bool)
    found = accuracy(right)
    assert found.mean == pytest.approx(0.75)
    assert found.sd == pytest.approx(0.25)


def test_interval_equals_drawing_faces_one_by_one() -> None:
    right = np.random.default_rng(1).random((3, 200)) < 0.7
    rows = np.random.default_rng(2).integers(0, 200, size=(4000, 200))
    drawn = right.mean(axis=0)[rows].mean(axis=1)
    assert accuracy(right).interval == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.01)


def test_seeds_that_agree_do_not_narrow_the_interval() -> None:
    once = np.random.default_rng(1).random((1, 300)) < 0.6
    assert accuracy(np.repeat(once, 5, axis=0)).interval == pytest.approx(accuracy(once).interval, abs=0.01)


@given(hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 40))))
def test_the_accuracy_lies_in_its_interval_within_0_and_1(right: np.ndarray) -> None:
    found = accuracy(right, resamples=200)
    low, high = found.interval
    assert 0 <= low <= high <= 1
    assert low - 0.15 <= found.mean <= high + 0.15
    assert accuracy(right, resamples=200) == found


def _said(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_scores_by_hand() -> None:
    said = _said((0.8, 0.2, 0), (0.6, 0.4, 0), (0.1, 0.9, 0), (0.3, 0.7, 0))
    found = scores([said], np.array([0, 0, 1, 0], np.uint8))
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    happy, sad, none = found.per_class
    assert (happy.precision, happy.recall, happy.f1, happy.support) == pytest.approx((1, 2 / 3, 0.8, 3))
    assert (sad.precision, sad.recall, sad.f1, sad.support) == pytest.approx((0.5, 1, 2 / 3, 1))
    assert (none.precision, none.recall, none.f1, none.support) == (0, 0, 0, 0)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.nll == pytest.approx(-np.log([0.8, 0.6, 0.9, 0.3]).mean(), rel=1e-5)
    # Four predictions in four bins: gaps 0.2, 0.4, 0.1 and 0.7.
    assert found.ece == pytest.approx((0.2 + 0.4 + 0.1 + 0.7) / 4, rel=1e-5)


def test_seeds_are_pooled_and_support_counts_faces() -> None:
    right, wrong = _said((0.9, 0.1), (0.1, 0.9)), _said((0.1, 0.9), (0.1, 0.9))
    found = scores([right, wrong], np.array([0, 1], np.uint8))
    assert found.confusion.tolist() == [[1, 1], [0, 2]]
    assert [one.support for one in found.per_class] == [1, 1]


def test_a_certain_mistake_has_a_finite_likelihood() -> None:
    assert np.isfinite(scores([_said((1, 0))], np.array([1], np.uint8)).nll)


def test_reliability_bins_are_open_below_and_closed_above() -> None:
    bins = reliability(np.array([0.2, 0.2001, 1.0, 0.0]), np.array([True, False, True, False]), bins=5)
    assert [bar.count for bar in bins] == [2, 1, 0, 0, 1]
    assert bins[0].accuracy == 0.5
    assert bins[4].confidence == 1.0
    assert (bins[2].confidence, bins[2].accuracy) == (0, 0)


@given(hnp.arrays(np.float32, 50, elements=st.floats(0, 1, width=32)), hnp.arrays(bool, 50))
def test_bins_hold_every_prediction_once(confidence: np.ndarray, right: np.ndarray) -> None:
    bins = reliability(confidence, right)
    assert sum(bar.count for bar in bins) == 50
    assert sum(bar.count * bar.accuracy for bar in bins) == pytest.approx(right.sum())


def test_mcnemar_by_hand() -> None:
    first = np.array([True] * 5 + [False] * 1 + [True] * 4)
    second = np.array([False] * 5 + [True] * 1 + [True] * 4)
    found = mcnemar(first, second)
    assert (found.only_a, found.only_b) == (5, 1)
    # Six discordant faces, one on the lesser side: 2 * (1 + 6) / 64.
    assert found.p == pytest.approx(2 * 7 / 64)


def test_nets_that_are_right_alike_do_not_differ() -> None:
    right = np.array([True, False, True])
    assert mcnemar(right, right).p == 1.0


@given(hnp.arrays(bool, 60), hnp.arrays(bool, 60))
def test_mcnemar_does_not_mind_the_order(first: np.ndarray, second: np.ndarray) -> None:
    one, other = mcnemar(first, second), mcnemar(second, first)
    assert (one.only_a, one.only_b) == (other.only_b, other.only_a)
    assert one.p == pytest.approx(other.p)
    assert 0 <= one.p <= 1
