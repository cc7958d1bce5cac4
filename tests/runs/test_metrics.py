import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.runs.metrics import accuracy, mcnemar, reliability, scores


def test_accuracy_of_one_seed() -> None:
    correct = np.zeros((1, 1000), bool)
    correct[0, :600] = True
    measured = accuracy(correct)
    assert measured.mean == pytest.approx(0.6)
    # The normal approximation of a share of 0.6 among 1,000.
    assert measured.interval == pytest.approx((0.6 - 1.96 * 0.01549, 0.6 + 1.96 * 0.01549), abs=0.003)
    assert measured.sd is None
    assert measured.n == 1000


def test_accuracy_over_seeds_is_their_mean_and_sample_deviation() -> None:
    correct = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], bool)
    measured = accuracy(correct)
    assert measured.mean == pytest.approx(0.75)
    assert measured.sd == pytest.approx(0.25)


def test_interval_equals_drawing_faces_one_by_one() -> None:
    correct = np.random.default_rng(1).random((3, 200)) < 0.7
    rows = np.random.default_rng(2).integers(0, 200, size=(4000, 200))
    drawn = correct.mean(axis=0)[rows].mean(axis=1)
    assert accuracy(correct).interval == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.01)


def test_seeds_that_agree_do_not_narrow_the_interval() -> None:
    once = np.random.default_rng(1).random((1, 300)) < 0.6
    assert accuracy(np.repeat(once, 5, axis=0)).interval == pytest.approx(accuracy(once).interval, abs=0.01)


@given(hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 40))))
def test_the_accuracy_lies_in_its_interval_within_0_and_1(correct: np.ndarray) -> None:
    measured = accuracy(correct, resamples=200)
    low, high = measured.interval
    assert 0 <= low <= high <= 1
    assert low - 0.15 <= measured.mean <= high + 0.15
    assert accuracy(correct, resamples=200) == measured


def rows_of(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_scores_by_hand() -> None:
    probabilities = rows_of((0.8, 0.2, 0), (0.6, 0.4, 0), (0.1, 0.9, 0), (0.3, 0.7, 0))
    measured = scores([probabilities], np.array([0, 0, 1, 0], np.uint8))
    assert measured.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    happy, sad, none = measured.per_class
    assert (happy.precision, happy.recall, happy.f1, happy.support) == pytest.approx((1, 2 / 3, 0.8, 3))
    assert (sad.precision, sad.recall, sad.f1, sad.support) == pytest.approx((0.5, 1, 2 / 3, 1))
    assert (none.precision, none.recall, none.f1, none.support) == (0, 0, 0, 0)
    assert measured.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert measured.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert measured.nll == pytest.approx(-np.log([0.8, 0.6, 0.9, 0.3]).mean(), rel=1e-5)
    # Four predictions in four bins: gaps 0.2, 0.4, 0.1 and 0.7.
    assert measured.ece == pytest.approx((0.2 + 0.4 + 0.1 + 0.7) / 4, rel=1e-5)


def test_seeds_are_pooled_and_support_counts_faces() -> None:
    correct, wrong = rows_of((0.9, 0.1), (0.1, 0.9)), rows_of((0.1, 0.9), (0.1, 0.9))
    measured = scores([correct, wrong], np.array([0, 1], np.uint8))
    assert measured.confusion.tolist() == [[1, 1], [0, 2]]
    assert [one.support for one in measured.per_class] == [1, 1]


def test_a_certain_mistake_has_a_finite_likelihood() -> None:
    assert np.isfinite(scores([rows_of((1, 0))], np.array([1], np.uint8)).nll)


def test_reliability_bins_are_open_below_and_closed_above() -> None:
    bins = reliability(np.array([0.2, 0.2001, 1.0, 0.0]), np.array([True, False, True, False]), bins=5)
    assert [bar.count for bar in bins] == [2, 1, 0, 0, 1]
    assert bins[0].accuracy == 0.5
    assert bins[4].confidence == 1.0
    assert (bins[2].confidence, bins[2].accuracy) == (0, 0)


@given(hnp.arrays(np.float32, 50, elements=st.floats(0, 1, width=32)), hnp.arrays(bool, 50))
def test_bins_hold_every_prediction_once(confidence: np.ndarray, correct: np.ndarray) -> None:
    bins = reliability(confidence, correct)
    assert sum(bar.count for bar in bins) == 50
    assert sum(bar.count * bar.accuracy for bar in bins) == pytest.approx(correct.sum())


def test_mcnemar_by_hand() -> None:
    first = np.array([True] * 5 + [False] * 1 + [True] * 4)
    second = np.array([False] * 5 + [True] * 1 + [True] * 4)
    measured = mcnemar(first, second)
    assert (measured.only_a, measured.only_b) == (5, 1)
    # Six discordant faces, one on the lesser side: 2 * (1 + 6) / 64.
    assert measured.p == pytest.approx(2 * 7 / 64)


def test_nets_that_are_correct_alike_do_not_differ() -> None:
    correct = np.array([True, False, True])
    assert mcnemar(correct, correct).p == 1.0


@given(hnp.arrays(bool, 60), hnp.arrays(bool, 60))
def test_mcnemar_does_not_mind_the_order(first: np.ndarray, second: np.ndarray) -> None:
    one, other = mcnemar(first, second), mcnemar(second, first)
    assert (one.only_a, one.only_b) == (other.only_b, other.only_a)
    assert one.p == pytest.approx(other.p)
    assert 0 <= one.p <= 1


def test_scores_and_p_are_those_of_scikit_learn_and_scipy() -> None:
    from scipy.stats import binomtest
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 300).astype(np.uint8)  # the seventh class has no faces
    probabilities = rng.dirichlet(np.ones(7), 300).astype(np.float32)
    measured = scores([probabilities], labels)
    predicted, classes = probabilities.argmax(axis=1), range(7)
    columns = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    assert [(one.precision, one.recall, one.f1, one.support) for one in measured.per_class] == list(
        zip(*(column.tolist() for column in columns), strict=True)
    )
    assert np.array_equal(measured.confusion, confusion_matrix(labels, predicted, labels=classes))
    for _ in range(50):
        first, second = rng.random(400) < 0.6, rng.random(400) < 0.65
        test = mcnemar(first, second)
        assert test.p == pytest.approx(binomtest(test.only_a, test.only_a + test.only_b).pvalue, rel=1e-9)
