"""Temperature: what makes a net's probabilities mean what they say, and changes no answer."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

RANGE = 0.05, 20.0
"""Where the shared temperature is sought: a net that has all or nothing right would send it to 0 or without end."""

SPREAD = 0.3
"""How far the classes' temperatures are expected to lie from the shared one, a standard deviation of logarithms."""


@dataclass(frozen=True)
class Temperatures:
    """What logits are divided by: for each face the mean of its classes' temperatures, by what the net says of it.

    A face's temperature is the exponential of sum_k p_k log(each_k), p = softmax(logits / shared). So a net that is
    too sure of neutral and not sure enough of happy is cooled where it says one and heated where it says the other.

    Attributes:
        shared: fitted on all faces alike (Guo et al. 2017, arXiv 1706.04599).
        each: one a class.
    """

    shared: float
    each: tuple[float, ...]

    @classmethod
    def none(cls, classes: int) -> Self:
        """Temperatures that leave logits as they are."""
        return cls(1.0, (1.0,) * classes)

    def heated(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities of logits [N, K] -> float32 [N, K]."""
        return _heated(logits.astype(np.float64), self.shared, np.log(self.each)).astype(np.float32)


def fit_temperatures(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> Temperatures:
    """The temperatures at which it is most likely that a net is right just where it is, and wrong where it is wrong.

    The shared one makes the labels most likely. Those of the classes make most likely for which faces the answer is
    right, as what is asked of a probability is how often the answer is (Gupta and Ramdas 2022, arXiv 2107.08353, of
    top-label calibration). Few faces say little of a class, so each is held near the shared one by a normal prior of
    `SPREAD`; a class that is never said keeps it.

    Args:
        logits: [N, K].
        labels: uint8 [N], the truth.
    """
    from scipy.optimize import minimize

    wide = logits.astype(np.float64)
    shared = fit_temperature(logits, labels)
    start = np.full(logits.shape[1], np.log(shared))
    right = wide.argmax(1) == labels

    def loss(logarithms: NDArray[np.float64]) -> float:
        sure = _heated(wide, shared, logarithms).max(1)
        likely = np.where(right, sure, 1 - sure)
        prior = np.sum((logarithms - start) ** 2) / (2 * SPREAD**2)
        return float(-np.sum(np.log(np.maximum(likely, np.finfo(np.float32).eps))) + prior) / len(labels)

    found = minimize(loss, start, method="L-BFGS-B").x
    return Temperatures(shared, tuple(float(one) for one in np.exp(found)))


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The one temperature at which the labels are most likely. The likelihood has a single maximum.

    Args:
        logits: [N, K].
        labels: uint8 [N], the truth.
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


def _heated(logits: NDArray[np.float64], shared: float, logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import softmax

    faces = np.exp(softmax(logits / shared, axis=1) @ logarithms)
    heated: NDArray[np.float64] = softmax(logits / faces[:, None], axis=1)
    return heated
