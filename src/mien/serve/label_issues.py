"""Doubtful labels: those that a run's predictions contradict, by confident learning.

Northcutt, Jiang, Chuang (2021), "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.serve.run_folders import Said


@dataclass(frozen=True, eq=False)
class Doubts:
    """The labels of a split, the most doubtful first.

    Attributes:
        places: int64 [N], places in the split of the labels that are probably wrong, most doubtful first.
        quality: float64 [faces of the split], the probability that the run gives to each label.
        predicted: int64 [faces of the split], its own answer.
    """

    places: NDArray[np.int64]
    quality: NDArray[np.float64]
    predicted: NDArray[np.int64]


def doubts(said: Said) -> Doubts:
    """Find labels that are probably wrong.

    A run must not have been trained on the faces, or it will believe their labels: predictions on validation are fit.

    Args:
        said: what a run says of the split.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels, shares = said.labels.astype(np.int64), said.probabilities.astype(np.float64)
    # One process: the pool that cleanlab would start costs more than a few thousand faces are worth.
    wrong = find_label_issues(labels, shares, n_jobs=1)
    quality = get_label_quality_scores(labels, shares, method="self_confidence")
    places = np.flatnonzero(wrong)
    return Doubts(places[np.argsort(quality[places], kind="stable")], quality, shares.argmax(axis=1))
