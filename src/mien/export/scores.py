"""Scores: what an exported file is worth on the splits that may be looked at, as plain numbers."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.export.temperature import reheated
from mien.faces import Faces
from mien.faces.audit import leaked
from mien.training.statistics import accuracy, scores


def split_scores(split: str, said: NDArray[np.float32], faces: Faces, temperature: float) -> dict[str, Any]:
    """The scores of one split under the names that `Facts.scores` tells.

    Args:
        split: validation or test.
        said: what the file says of its faces, float32 [N, K].
        faces: all splits.
        temperature: of the file, so that the calibration without it can be told.
    """
    labels = faces.split(split).labels
    found, right = scores([said], labels), said.argmax(1) == labels
    entries: dict[str, Any] = {
        "faces": len(labels),
        **_accuracy(right, "accuracy", "low", "high"),
        "macro_f1": found.macro_f1,
        "balanced_accuracy": found.balanced_accuracy,
        "nll": found.nll,
        "ece": found.ece,
        "ece_before": scores([reheated(said, 1 / temperature)], labels).ece,
        "per_class": {name: asdict(one) for name, one in zip(faces.classes, found.per_class, strict=True)},
    }
    if split == "test":
        copies = leaked(faces)
        entries["leaked"] = int(copies.sum())
        if copies.any() and not copies.all():
            names = "accuracy_without_leaks", "without_leaks_low", "without_leaks_high"
            entries |= _accuracy(right[~copies], *names)
    return {f"{split}_{name}": value for name, value in entries.items()}


def _accuracy(right: NDArray[np.bool_], mean: str, low: str, high: str) -> dict[str, float]:
    found = accuracy(right[None])
    return {mean: found.mean, low: found.interval[0], high: found.interval[1]}
