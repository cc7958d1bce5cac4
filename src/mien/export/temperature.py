"""Temperature: scaling that calibrates a net's probabilities and changes no answer."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

RANGE = 0.05, 20.0
"""Bounds of the shared temperature, which has no optimum for a net that is always correct or never."""

SPREAD = 0.3
"""Expected deviation of the classes' temperatures from the shared one: a standard deviation of logarithms."""


@dataclass(frozen=True)
class Temperatures:
    """Divisors of the logits: for each face a mean of the classes' temperatures, weighted by the face's probabilities.

    A face's temperature is the exponential of sum_k p_k log(each_k), p = softmax(logits / shared). So a net can be
    corrected that is overconfident in one class and underconfident in another.

    Attributes:
        shared: fitted on all faces together (Guo et al. 2017, arXiv 1706.04599).
        each: one for each class.
    """

    shared: float
    each: tuple[float, ...]

    @classmethod
    def none(cls, classes: int) -> Self:
        """Temperatures of 1, which do not change logits."""
        return cls(1.0, (1.0,) * classes)

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities of logits [N, K] -> float32 [N, K]."""
        return _scaled(logits.astype(np.float64), self.shared, np.log(self.each)).astype(np.float32)


def fit_temperatures(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> Temperatures:
    """Fit temperatures by maximum likelihood.

    The shared one maximises the likelihood of the labels. Those of the classes maximise the likelihood of which answers
    are correct, because a calibrated probability is the share of correct answers (Gupta and Ramdas 2022, arXiv
    2107.08353, top-label calibration). A normal prior of `SPREAD` holds each near the shared one, as some classes have
    few faces; a class that is never predicted gets the shared one.

    Args:
        logits: [N, K].
        labels: uint8 [N].
    """
    from scipy.optimize import minimize

    wide = logits.astype(np.float64)
    shared = fit_temperature(logits, labels)
    start = np.full(logits.shape[1], np.log(shared))
    correct = wide.argmax(1) == labels

    def loss(logarithms: NDArray[np.float64]) -> float:
        confidence = _scaled(wide, shared, logarithms).max(1)
        likely = np.where(correct, confidence, 1 - confidence)
        prior = np.sum((logarithms - start) ** 2) / (2 * SPREAD**2)
        return float(-np.sum(np.log(np.maximum(likely, np.finfo(np.float32).eps))) + prior) / len(labels)

    logarithms = minimize(loss, start, method="L-BFGS-B").x
    return Temperatures(shared, tuple(float(one) for one in np.exp(logarithms)))


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Fit the shared temperature, which maximises the likelihood of the labels. There is a single maximum.

    Args:
        logits: [N, K].
        labels: uint8 [N].
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    wide = logits.astype(np.float64)
    true = wide[np.arange(len(labels)), labels]

    def loss(logarithm: float) -> float:
        inverse = np.exp(-logarithm)
        return float(np.mean(logsumexp(wide * inverse, axis=1) - true * inverse))

    low, high = np.log(RANGE)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x))


def _scaled(logits: NDArray[np.float64], shared: float, logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import softmax

    faces = np.exp(softmax(logits / shared, axis=1) @ logarithms)
    scaled: NDArray[np.float64] = softmax(logits / faces[:, None], axis=1)
    return scaled
