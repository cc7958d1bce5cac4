"""Doubtful labels: those that a run's predictions contradict, by confident learning.

Northcutt, Jiang, Chuang (2021), "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.runs.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Doubts:
    """The labels of a split, the most doubtful first.

    Attributes:
        places: int64 [N], places in the split of the labels that are probably wrong, most doubtful first.
        quality: float64 [faces of the split], the probability that the run gives to each label.
        predicted: int64 [faces of the split], the class that it predicts.
    """

    places: NDArray[np.int64]
    quality: NDArray[np.float64]
    predicted: NDArray[np.int64]


def doubts(predictions: Predictions) -> Doubts:
    """Find labels that are probably wrong.

    A run must not have been trained on the faces, or it will believe their labels: predictions on validation are fit.

    Args:
        predictions: of a run for the split.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels = predictions.labels.astype(np.int64)
    shares = predictions.probabilities.astype(np.float64)
    # One process: the pool that cleanlab would start costs more than a few thousand faces are worth.
    issues = find_label_issues(labels, shares, n_jobs=1)
    quality = get_label_quality_scores(labels, shares, method="self_confidence")
    places = np.flatnonzero(issues)
    return Doubts(places[np.argsort(quality[places], kind="stable")], quality, shares.argmax(axis=1))
