"""Temperature: fitted so that probabilities mean what they say."""

import numpy as np
import pytest

from mien.export.temperature import RANGE, fit_temperature, reheated
from mien.training.statistics import scores


def softmax(logits: np.ndarray) -> np.ndarray:
    """Of each row."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 [20000, 7], and labels drawn with just the probabilities that they give."""
    dice = np.random.default_rng(0)
    logits = (2 * dice.standard_normal((20_000, 7))).astype(np.float32)
    chance = softmax(logits).cumsum(1)
    labels = (dice.random((20_000, 1)) > chance / chance[:, -1:]).sum(1).astype(np.uint8)
    return logits, labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_finds_by_how_much_logits_are_too_great(calibrated, factor: float) -> None:
    logits, labels = calibrated
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.03)


def test_the_fitted_temperature_makes_probabilities_honest_and_changes_no_answer(calibrated) -> None:
    logits, labels = calibrated
    sure = softmax(3 * logits)
    honest = reheated(sure, fit_temperature(3 * logits, labels))
    assert scores([sure], labels).ece > 0.15
    assert scores([honest], labels).ece < 0.02
    assert np.array_equal(honest.argmax(1), sure.argmax(1))


def test_no_temperature_near_it_is_more_likely(calibrated) -> None:
    logits, labels = calibrated
    found = fit_temperature(logits, labels)
    best = scores([softmax(logits / found)], labels).nll
    assert all(scores([softmax(logits / (found * near))], labels).nll > best for near in (0.97, 1.03))


def test_a_net_that_is_always_or_never_right_keeps_a_temperature_within_range() -> None:
    labels = np.array([0, 1, 2], np.uint8)
    right = 10 * np.eye(3, dtype=np.float32)
    assert RANGE[0] <= fit_temperature(right, labels) < 0.5
    assert fit_temperature(-right, labels) == pytest.approx(RANGE[1], rel=0.01)


def test_reheating_back_gives_what_was() -> None:
    said = softmax(np.random.default_rng(0).standard_normal((50, 7)))
    assert np.allclose(reheated(reheated(said, 2.5), 1 / 2.5), said, atol=1e-6)
