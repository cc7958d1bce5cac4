"""The predictions of a net's runs, one a seed, taken together.

Legend: `S` seeds, `N` faces.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.runs.metrics import McNemar, mcnemar, scores
from mien.runs.predictions import Predictions
from mien.runs.ranking import areas
from mien.runs.results import SplitScores
from mien.runs.run import Run


def predictions_of(runs: Sequence[Run], split: str) -> list[Predictions]:
    """The predictions of a split by each run that finished; [] unless all of these were evaluated on it."""
    predictions = [run.predictions(split) for run in runs if run.status.state == "finished"]
    return [one for one in predictions if one is not None] if None not in predictions else []


def correct_of(predictions: Sequence[Predictions]) -> NDArray[np.bool_]:
    """Bool [S, N]: whether each seed's prediction of each face is correct."""
    return np.array([one.correct for one in predictions])


def mcnemar_of(a: Sequence[Predictions], b: Sequence[Predictions]) -> McNemar:
    """McNemar's test of two nets on the same faces, each by the run of its first seed."""
    return mcnemar(a[0].correct, b[0].correct)


def averaged(nets: Sequence[Sequence[Predictions]], weights: Sequence[float]) -> list[Predictions]:
    """The mean of the probabilities of all runs of several nets, as the predictions of one; [] where a net has none.

    Args:
        nets: for each net the predictions of its runs, of the same faces.
        weights: what each of a net's runs weighs in the mean, a number a net.
    """
    if not all(nets):
        return []
    each = [one for of_net in nets for one in of_net]
    shares = [weight for of_net, weight in zip(nets, weights, strict=True) for _ in of_net]
    mean = np.average([one.probabilities for one in each], axis=0, weights=shares)
    return [Predictions(mean.astype(np.float32), each[0].labels)]


def split_scores_of(predictions: Sequence[Predictions], split: str, classes: Sequence[str]) -> SplitScores:
    """The scores of a net's predictions of a split.

    Args:
        predictions: of each seed, of the same faces.
        split: its name.
        classes: the K names.
    """
    probabilities, labels = [one.probabilities for one in predictions], predictions[0].labels
    pooled, ranked = scores(probabilities, labels), areas(probabilities, labels)
    return SplitScores(
        evaluated_on=split,
        balanced_accuracy=pooled.balanced_accuracy,
        macro_f1=pooled.macro_f1,
        nll=pooled.nll,
        ece=pooled.ece,
        per_class=dict(zip(classes, pooled.per_class, strict=True)),
        confusion=tuple(tuple(row) for row in pooled.confusion.tolist()),
        reliability=pooled.reliability,
        areas=dict(zip(classes, ranked.per_class, strict=True)),
        macro_areas=ranked.macro,
    )
