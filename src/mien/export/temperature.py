"""Temperature: one number that makes a net's probabilities mean what they say."""

import numpy as np
from numpy.typing import NDArray

RANGE = 0.05, 20.0
"""Where the temperature is sought: a net that has all or nothing right would send it to 0 or without end."""


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The temperature at which the labels are most likely: Guo et al. 2017, arXiv 1706.04599.

    Dividing logits by it changes no answer, only how sure it is. The likelihood has a single maximum.

    Args:
        logits: float32 [N, K].
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


def reheated(probabilities: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Probabilities float32 [N, K] as they were with `factor` times their temperature."""
    from scipy.special import softmax

    logits = np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float32).tiny))
    changed: NDArray[np.float32] = softmax(logits / factor, axis=1).astype(np.float32)
    return changed
