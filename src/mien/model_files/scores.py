"""Scores: metrics of probabilities on labelled faces, as the plain numbers of `Facts.scores`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces import Faces
from mien.faces.duplicates import leaked
from mien.runs.metrics import accuracy, scores


def split_scores(
    split: str, probabilities: NDArray[np.float32], before: NDArray[np.float32], faces: Faces
) -> dict[str, Any]:
    """The scores of one split, under the names that `Facts.scores` lists.

    Args:
        split: validation or test.
        probabilities: of the model file, float32 [N, K].
        before: those at temperature 1, float32 [N, K].
        faces: all splits.
    """
    labels = faces.split(split).labels
    correct = probabilities.argmax(1) == labels
    entries: dict[str, Any] = {
        "faces": len(labels),
        **accuracy_entries(correct),
        **share_entries(probabilities, labels, faces.classes),
        "ece_before": scores([before], labels).ece,
    }
    if split == "test":
        copies = leaked(faces)
        entries |= {"leaked": int(copies.sum()), **leak_entries(correct, copies)}
    return {f"{split}_{name}": value for name, value in entries.items()}


def accuracy_entries(correct: NDArray[np.bool_]) -> dict[str, float]:
    """`accuracy` of the answers, bool [N], and its 95 % interval, `low` and `high`."""
    return _accuracy(correct, "accuracy", "low", "high")


def leak_entries(correct: NDArray[np.bool_], copies: NDArray[np.bool_]) -> dict[str, float]:
    """`accuracy_without_leaks`, `without_leaks_low` and `..._high`; {} where no face or every face is leaked.

    Args:
        correct: bool [N], which answers are correct.
        copies: bool [N], which faces are leaked.
    """
    if not copies.any() or copies.all():
        return {}
    return _accuracy(correct[~copies], "accuracy_without_leaks", "without_leaks_low", "without_leaks_high")


def share_entries(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], classes: Sequence[str]
) -> dict[str, Any]:
    """`macro_f1`, `balanced_accuracy`, `nll`, `ece`, and `per_class` by emotion.

    Args:
        probabilities: float32 [N, K].
        labels: uint8 [N].
        classes: the K emotions.
    """
    pooled = scores([probabilities], labels)
    return {
        "macro_f1": pooled.macro_f1,
        "balanced_accuracy": pooled.balanced_accuracy,
        "nll": pooled.nll,
        "ece": pooled.ece,
        "per_class": {name: asdict(one) for name, one in zip(classes, pooled.per_class, strict=True)},
    }


def _accuracy(correct: NDArray[np.bool_], mean: str, low: str, high: str) -> dict[str, float]:
    result = accuracy(correct[None])
    return {mean: result.mean, low: result.interval[0], high: result.interval[1]}
