"""Temperature: fitted so that probabilities mean what they say."""

import numpy as np
import pytest

from mien.export.temperature import RANGE, Temperatures, fit_temperature, fit_temperatures
from mien.runs.metrics import scores


def softmax(logits: np.ndarray) -> np.ndarray:
    """Of each row."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 [20000, 7], and labels drawn with just the probabilities that they give."""
    rng = np.random.default_rng(0)
    logits = (2 * rng.standard_normal((20_000, 7))).astype(np.float32)
    chance = softmax(logits).cumsum(1)
    labels = (rng.random((20_000, 1)) > chance / chance[:, -1:]).sum(1).astype(np.uint8)
    return logits, labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_finds_by_how_much_logits_are_too_great(calibrated, factor: float) -> None:
    logits, labels = calibrated
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.03)


def test_the_fitted_temperature_makes_probabilities_honest_and_changes_no_answer(calibrated) -> None:
    logits, labels = calibrated
    sure = softmax(3 * logits)
    honest = softmax(3 * logits / fit_temperature(3 * logits, labels))
    assert scores([sure], labels).ece > 0.15
    assert scores([honest], labels).ece < 0.02
    assert np.array_equal(honest.argmax(1), sure.argmax(1))


def test_no_temperature_near_it_is_more_likely(calibrated) -> None:
    logits, labels = calibrated
    fitted = fit_temperature(logits, labels)
    best = scores([softmax(logits / fitted)], labels).nll
    assert all(scores([softmax(logits / (fitted * near))], labels).nll > best for near in (0.97, 1.03))


def test_a_net_that_is_always_or_never_correct_keeps_a_temperature_within_range() -> None:
    labels = np.array([0, 1, 2], np.uint8)
    certain = 10 * np.eye(3, dtype=np.float32)
    assert RANGE[0] <= fit_temperature(certain, labels) < 0.5
    assert fit_temperature(-certain, labels) == pytest.approx(RANGE[1], rel=0.01)


@pytest.fixture(scope="module")
def partial(calibrated) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a net that is too sure of the first class, and not sure enough of the last."""
    logits, labels = calibrated
    faces = np.exp(softmax(logits) @ np.linspace(0.6, -0.6, 7))
    return logits * faces[:, None], labels


def test_classes_that_it_is_too_sure_of_are_cooled_and_others_heated(partial) -> None:
    logits, labels = partial
    fitted = fit_temperatures(logits, labels)
    assert fitted.shared == pytest.approx(fit_temperature(logits, labels))
    assert list(fitted.each) == sorted(fitted.each, reverse=True)
    assert fitted.each[0] > 1.2
    assert fitted.each[-1] < 0.8
    alike, honest = softmax(logits / fitted.shared), fitted.apply(logits)
    assert np.array_equal(honest.argmax(1), logits.argmax(1))
    assert scores([alike], labels).ece > 0.025
    assert scores([honest], labels).ece < 0.01


def test_equal_temperatures_are_one_temperature(calibrated) -> None:
    logits, _ = calibrated
    assert np.allclose(Temperatures(0.7, (2.0,) * 7).apply(logits), softmax(logits / 2), atol=1e-6)
    assert np.allclose(Temperatures.none(7).apply(logits), softmax(logits), atol=1e-6)


def test_few_faces_move_the_classes_temperatures_little(partial) -> None:
    logits, labels = partial
    few = fit_temperatures(logits[:20], labels[:20])
    assert np.abs(np.log(few.each) - np.log(few.shared)).max() < 0.25


def test_a_class_that_is_never_predicted_keeps_the_shared_temperature() -> None:
    logits = np.tile(np.array([3, 2, -60], np.float32), (40, 1))
    labels = (np.arange(40) % 2).astype(np.uint8)
    fitted = fit_temperatures(logits, labels)
    assert fitted.each[2] == pytest.approx(fitted.shared, rel=1e-3)
    assert np.isfinite(fitted.each).all()
