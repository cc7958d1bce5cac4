"""Scores: what probabilities are worth on labelled faces, as plain numbers."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces import Faces
from mien.faces.duplicates import leaked
from mien.runs.metrics import accuracy, scores


def split_scores(split: str, said: NDArray[np.float32], before: NDArray[np.float32], faces: Faces) -> dict[str, Any]:
    """The scores of one split under the names that `Facts.scores` tells.

    Args:
        split: validation or test.
        said: what the file says of its faces, float32 [N, K].
        before: what it says of them at temperature 1, float32 [N, K].
        faces: all splits.
    """
    labels = faces.split(split).labels
    right = said.argmax(1) == labels
    entries: dict[str, Any] = {
        "faces": len(labels),
        **accuracy_entries(right),
        **share_entries(said, labels, faces.classes),
        "ece_before": scores([before], labels).ece,
    }
    if split == "test":
        copies = leaked(faces)
        entries |= {"leaked": int(copies.sum()), **leak_entries(right, copies)}
    return {f"{split}_{name}": value for name, value in entries.items()}


def accuracy_entries(right: NDArray[np.bool_]) -> dict[str, float]:
    """`accuracy` of bool [N], with its 95 % interval, `low` and `high`."""
    return _accuracy(right, "accuracy", "low", "high")


def leak_entries(right: NDArray[np.bool_], copies: NDArray[np.bool_]) -> dict[str, float]:
    """`accuracy_without_leaks`, `without_leaks_low` and `..._high`; {} where no face or every face is leaked.

    Args:
        right: bool [N], which faces are judged right.
        copies: bool [N], which of them are leaked.
    """
    if not copies.any() or copies.all():
        return {}
    return _accuracy(right[~copies], "accuracy_without_leaks", "without_leaks_low", "without_leaks_high")


def share_entries(said: NDArray[np.float32], labels: NDArray[np.uint8], classes: Sequence[str]) -> dict[str, Any]:
    """`macro_f1`, `balanced_accuracy`, `nll`, `ece`, and `per_class` by emotion.

    Args:
        said: probabilities, float32 [N, K].
        labels: uint8 [N].
        classes: the K emotions.
    """
    found = scores([said], labels)
    return {
        "macro_f1": found.macro_f1,
        "balanced_accuracy": found.balanced_accuracy,
        "nll": found.nll,
        "ece": found.ece,
        "per_class": {name: asdict(one) for name, one in zip(classes, found.per_class, strict=True)},
    }


def _accuracy(right: NDArray[np.bool_], mean: str, low: str, high: str) -> dict[str, float]:
    found = accuracy(right[None])
    return {mean: found.mean, low: found.interval[0], high: found.interval[1]}
