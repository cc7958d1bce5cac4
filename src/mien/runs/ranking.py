"""How well probabilities rank the faces of an emotion before all others: ROC and precision-recall curves, their areas.

Each class stands against the rest: its faces are the positive ones, the others the negative ones, and a face is
answered positive where the probability of the class is at least a threshold. Legend: `S` seeds, `N` faces, `K` classes,
`n` predictions, `P` thresholds. Several seeds are pooled as in `mien.runs.metrics`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES, FEWEST = 1000, 200
"""Bootstrap samples behind each interval: 3,589 faces of 7 classes take a third of a second. Beyond `MANY` predictions
there are fewer, in proportion, down to `FEWEST`: intervals are narrow there."""

MANY = 20_000
"""Predictions for which `RESAMPLES` samples are drawn."""

AT_ONCE = 200_000
"""Numbers of a part of the samples that is computed at once, so that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A receiver operating characteristic (Fawcett 2006, Pattern Recognition Letters 27:861-874).

    Attributes:
        false_positive_rate: float64 [P + 1], share of the negative faces that are answered positive, 0 to 1, ascending.
        true_positive_rate: float64 [P + 1], share of the positive faces that are answered positive: the recall.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision against recall.

    Between two points the curve is a step, not a line: a line would promise precisions that no threshold has (Davis and
    Goadrich 2006, "The relationship between precision-recall and ROC curves").

    Attributes:
        recall: float64 [P], share of the positive faces that are answered positive, ascending to 1.
        precision: float64 [P], share of positive faces among those that are answered positive.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True)
class Area:
    """The area under a curve.

    Attributes:
        value: 0..1.
        interval: 95 % percentile bootstrap over faces; samples without a positive or a negative face do not count.
    """

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class ClassAreas:
    """How well a class is ranked.

    Attributes:
        roc_auc: area under the ROC curve: how often a positive face has a higher probability than a negative one, ties
            counted half (Hanley and McNeil 1982, Radiology 143:29-36). Guesses have 0.5.
        average_precision: mean of the precisions of the precision-recall curve, each weighted by the step in recall
            that leads to it. Guesses have about the class's share of the faces.
    """

    roc_auc: Area
    average_precision: Area


@dataclass(frozen=True)
class Areas:
    """The areas of K classes.

    Attributes:
        per_class: by class; None for one that has no positive or no negative face.
        macro: means over the classes that have areas; None if none has.
    """

    per_class: tuple[ClassAreas | None, ...]
    macro: ClassAreas | None


def roc_curve(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> RocCurve:
    """Compute the ROC curve: its first point is (0, 0), its last (1, 1), and each threshold has one.

    >>> import numpy as np
    >>> from mien.runs.ranking import roc_curve
    >>> curve = roc_curve(np.array([0.9, 0.7, 0.4, 0.2]), np.array([True, False, True, False]))
    >>> curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])

    Args:
        scores: float [n], higher for what is more probably positive.
        positive: bool [n], the truth; both values must occur.
    """
    hits, answered = _cumulated(scores, positive)
    misses = answered - hits
    return RocCurve(np.append(0.0, misses / misses[-1]), np.append(0.0, hits / hits[-1]))


def precision_recall_curve(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> PrecisionRecallCurve:
    """Compute the precision-recall curve; each threshold has a point.

    Args:
        scores: float [n], higher for what is more probably positive.
        positive: bool [n], the truth; true must occur.
    """
    hits, answered = _cumulated(scores, positive)
    return PrecisionRecallCurve(hits / hits[-1], hits / answered)


def areas(
    probabilities: Sequence[NDArray[np.float32]], labels: NDArray[np.uint8], resamples: int | None = None, seed: int = 0
) -> Areas:
    """Compute the areas under the curves of each class, with their intervals.

    Args:
        probabilities: for each of the S seeds float32 [N, K].
        labels: uint8 [N], the truth; N at least 1.
        resamples: bootstrap samples, each of N faces drawn with replacement; by default as `RESAMPLES` says.
        seed: of the bootstrap.
    """
    classes, faces = probabilities[0].shape[1], len(labels)
    counts = np.bincount(labels, minlength=classes)
    there = np.flatnonzero((counts > 0) & (counts < faces))
    if not len(there):
        return Areas((None,) * classes, None)
    orders = [_Order(np.stack([one[:, k] for one in probabilities]), labels == k) for k in there]
    values = np.array([order.areas(np.ones((faces, 1))) for order in orders])[..., 0]
    rng, predictions = np.random.default_rng(seed), faces * len(probabilities)
    at_once = max(16, AT_ONCE // predictions)
    if resamples is None:
        resamples = min(RESAMPLES, max(FEWEST, RESAMPLES * MANY // predictions))
    parts = []
    for first in range(0, resamples, at_once):
        weights = _drawn(rng, faces, min(at_once, resamples - first))
        parts.append([order.areas(weights) for order in orders])
    drawn = np.concatenate(parts, axis=2)
    of_class = dict(zip(there.tolist(), map(_class_areas, values, drawn), strict=True))
    known = np.isfinite(drawn)
    means = np.where(known, drawn, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    macro = _class_areas(values.mean(axis=0), np.where(known.any(axis=0), means, np.nan))
    return Areas(tuple(of_class.get(k) for k in range(classes)), macro)


class _Order:
    """The order of one class's scores, in which faces of any weights are added up.

    Args:
        scores: float32 [S, N].
        positive: bool [N].
    """

    def __init__(self, scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> None:
        flat = scores.reshape(-1)
        order = np.argsort(-flat, kind="stable")
        ranked, self.face = flat[order], order % len(positive)
        self.positive = positive[self.face]
        starts = np.append(0, np.flatnonzero(np.diff(ranked)) + 1)
        ends = np.append(starts[1:], len(ranked))
        tied = np.repeat(np.arange(len(starts)), ends - starts)[self.positive]
        # for each positive score: how many scores, and how many positive ones, stand before and within its ties
        self.before, self.within = starts[tied], ends[tied]
        hits = np.append(0, np.cumsum(self.positive))
        self.hits_before, self.hits_within = hits[self.before], hits[self.within]

    def areas(self, weights: NDArray[np.floating]) -> NDArray[np.floating]:
        """The area under the ROC curve and the average precision, [2, W], NaN where they are not defined.

        >>> from mien.runs.ranking import areas
        >>> predictions = run.predictions("validation")
        >>> happy = areas([predictions.probabilities], predictions.labels).per_class[faces.classes.index("happy")]
        >>> 0 <= happy.roc_auc.interval[0] <= happy.roc_auc.interval[1] <= 1
        True

        Args:
            weights: how often each face counts, float [N, W], in each of W samples.
        """
        each = weights[self.face]
        positive = each[self.positive]
        answered, hits = _sums(each), _sums(positive)
        total = hits[-1]
        answered_within, hits_within = answered[self.within], hits[self.hits_within]
        misses = answered_within - hits_within + answered[self.before] - hits[self.hits_before]
        with np.errstate(invalid="ignore", divide="ignore"):
            roc_auc = 1 - (positive * misses).sum(axis=0) / (2 * total * (answered[-1] - total))
            precision = hits_within / np.maximum(answered_within, 1)
            average_precision = (positive * precision).sum(axis=0) / total
        average_precision[np.isnan(roc_auc)] = np.nan
        both: NDArray[np.floating] = np.stack([roc_auc, average_precision])
        return both


def _cumulated(
    scores: NDArray[np.floating], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each distinct score, from the highest: the positive ones at least as high, [P], and all of these, [P]."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    return np.cumsum(positive[order], dtype=np.int64)[ends], ends + 1


def _drawn(rng: np.random.Generator, faces: int, samples: int) -> NDArray[np.floating]:
    """How often each face is in each of some bootstrap samples, float [N, samples]."""
    drawn = rng.integers(faces, size=(samples, faces))
    drawn = drawn * samples + np.arange(samples)[:, None]
    counts = np.bincount(drawn.reshape(-1), minlength=faces * samples).reshape(faces, samples)
    # float32 is twice as fast, and counts without error to 16.7 million
    return counts.astype(np.float32 if faces < 100_000 else np.float64)


def _sums(weights: NDArray[np.floating]) -> NDArray[np.floating]:
    """The sums of the first rows, of none to all: [n + 1, W]."""
    sums = np.zeros((len(weights) + 1, weights.shape[1]), weights.dtype)
    np.cumsum(weights, axis=0, out=sums[1:])
    return sums


def _class_areas(values: NDArray[np.floating], drawn: NDArray[np.floating]) -> ClassAreas:
    """Areas and their intervals, of values [2] and bootstrapped values [2, resamples]."""
    both = []
    for value, samples in zip(values, drawn, strict=True):
        known = samples[np.isfinite(samples)].astype(np.float64)
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (value, value)
        both.append(Area(float(value), (float(low), float(high))))
    return ClassAreas(*both)
