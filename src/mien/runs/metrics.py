"""Metrics of predictions, each with its spread.

Legend: `S` seeds (runs of one net), `N` faces, `K` classes. Where a net was trained with several seeds, their
predictions are pooled: laid end to end, so that every run and every face weighs the same, and the accuracy is the mean
of the runs' accuracies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
"""Bootstrap samples behind each interval."""

BINS = 15
"""Equal-width confidence bins of the calibration error."""


@dataclass(frozen=True)
class Accuracy:
    """An accuracy with its spread.

    Attributes:
        mean: share of faces predicted correctly, 0..1, the mean over seeds.
        interval: 95 % percentile bootstrap over faces (Efron 1979): what another sample of such faces would give.
        sd: sample standard deviation between the seeds' accuracies; None with a single seed.
        n: faces, N.
    """

    mean: float
    interval: tuple[float, float]
    sd: float | None
    n: int


@dataclass(frozen=True)
class ClassScore:
    """How one class fares: precision, recall and F1 in 0..1 (0 where undefined), and `support`, its faces."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: predictions whose confidence lies in (low, high].

    Attributes:
        low, high: the bin's edges, 0..1.
        count: predictions in it.
        confidence, accuracy: their means, 0..1; 0 in an empty bin.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Scores:
    """Scores of a net's pooled predictions of one split, beside their accuracy.

    Attributes:
        balanced_accuracy: mean recall of the classes that have faces, 0..1.
        macro_f1: mean F1 of these classes, 0..1.
        nll: mean negative log likelihood (natural logarithm) of the true class.
        ece: expected calibration error, 0..1, over `BINS` equal-width bins (Guo et al. 2017, arXiv 1706.04599).
        per_class: K class scores; `support` counts each face once.
        confusion: int [K, K], rows the truth, columns the prediction; its sum is S x N.
        reliability: the bins that `ece` sums over.
    """

    balanced_accuracy: float
    macro_f1: float
    nll: float
    ece: float
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    reliability: tuple[Bin, ...]


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact paired test of two nets on the same faces (McNemar 1947, Psychometrika 12:153-157).

    Attributes:
        only_a: faces that the first net alone predicts correctly.
        only_b: faces that the second net alone predicts correctly.
        p: two-sided probability of a split at least as uneven if both nets were equally good.
    """

    only_a: int
    only_b: int
    p: float


def accuracy(correct: NDArray[np.bool_], resamples: int = RESAMPLES, seed: int = 0) -> Accuracy:
    """The accuracy of a net and its spread.

    >>> import numpy as np
    >>> from mien.runs.metrics import accuracy
    >>> accuracy(np.array([[True, True, False, True], [True, False, False, True]])).mean
    0.625

    Args:
        correct: bool [S, N], whether each seed's run has each face right; N at least 1.
        resamples: bootstrap samples.
        seed: of the bootstrap.
    """
    seeds, faces = correct.shape
    each = correct.mean(axis=1)
    # Faces that the same number of seeds predict correctly are alike to a mean: drawing N faces with replacement
    # is drawing how many come from each of these S + 1 kinds, one multinomial draw a sample.
    kinds = np.bincount(correct.sum(axis=0), minlength=seeds + 1)
    drawn = np.random.default_rng(seed).multinomial(faces, kinds / faces, size=resamples)
    means = drawn @ np.arange(seeds + 1) / (faces * seeds)
    low, high = np.quantile(means, [0.025, 0.975])
    sd = float(np.std(each, ddof=1)) if seeds > 1 else None
    return Accuracy(float(each.mean()), (float(low), float(high)), sd, faces)


def scores(probabilities: Sequence[NDArray[np.float32]], labels: NDArray[np.uint8]) -> Scores:
    """Score the predictions of a net's seeds on one split.

    Args:
        probabilities: for each of the S seeds float32 [N, K], rows sum to 1.
        labels: uint8 [N], the truth.
    """
    pooled, truth = np.concatenate(probabilities), np.tile(labels, len(probabilities))
    classes = pooled.shape[1]
    predicted = pooled.argmax(axis=1)
    confusion = np.bincount(truth.astype(np.intp) * classes + predicted, minlength=classes**2).reshape(classes, classes)
    hits, support, guesses = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = hits / np.maximum(guesses, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + guesses, 1)
    there = support > 0
    bins = reliability(pooled.max(axis=1), predicted == truth)
    likelihood = pooled[np.arange(len(truth)), truth].astype(np.float64)
    return Scores(
        balanced_accuracy=float(recall[there].mean()),
        macro_f1=float(f1[there].mean()),
        nll=float(-np.log(np.maximum(likelihood, np.finfo(np.float32).tiny)).mean()),
        ece=sum(bar.count * abs(bar.accuracy - bar.confidence) for bar in bins) / len(truth),
        per_class=tuple(
            ClassScore(float(p), float(r), float(f), int(n) // len(probabilities))
            for p, r, f, n in zip(precision, recall, f1, support, strict=True)
        ),
        confusion=confusion,
        reliability=bins,
    )


def reliability(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Sort predictions into equal-width bins of confidence, each (low, high] as Guo et al. 2017 have them.

    Args:
        confidence: float [N], the probability of the predicted class, 0..1.
        correct: bool [N].
        bins: how many.
    """
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    least_one = np.maximum(count, 1)
    mean_confidence = np.bincount(place, weights=confidence, minlength=bins) / least_one
    mean_correct = np.bincount(place, weights=correct, minlength=bins) / least_one
    return tuple(
        Bin(float(edges[i]), float(edges[i + 1]), int(count[i]), float(mean_confidence[i]), float(mean_correct[i]))
        for i in range(bins)
    )


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Test whether two nets differ beyond chance.

    >>> import numpy as np
    >>> from mien.runs.metrics import mcnemar
    >>> mcnemar(np.array([True, True, True, False]), np.array([False, False, True, False]))
    McNemar(only_a=2, only_b=0, p=0.5)

    Args:
        first: bool [N], whether the first net predicts each face correctly.
        second: bool [N], the same faces by the second net.
    """
    only_a, only_b = int(np.sum(first & ~second)), int(np.sum(~first & second))
    return McNemar(only_a, only_b, _two_sided(only_a, only_b))


def _two_sided(one: int, other: int) -> float:
    """The probability of a split of `one + other` fair coins at least as uneven as this one, exactly."""
    if one == other:
        return 1.0
    total, term, tail = one + other, 1, 1
    for k in range(min(one, other)):
        term = term * (total - k) // (k + 1)
        tail += term
    p: float = tail / 2 ** (total - 1)
    return p
