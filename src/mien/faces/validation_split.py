"""Take a validation split from train, for a source that has none."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, counted
from mien.faces.duplicates import copies
from mien.faces.fer2013 import SPLITS
from mien.faces.types import Faces

MAX_SHARE = 0.5
"""The largest share of train that may become validation."""

_SEED = 0


def check_share(share: float) -> None:
    """Raise a UserError unless the share of train is 0 (no validation is taken) to `MAX_SHARE`."""
    if not 0 <= share <= MAX_SHARE:
        raise UserError(f"validation {share:g}: give the share of train to take, above 0 and at most {MAX_SHARE:g}")


def take_validation(faces: Faces, share: float) -> Faces:
    """Move a share of each emotion's train faces to validation, at random; the choice depends on the faces alone.

    Copies that are equal pixel for pixel stay together, so that no validation face is also in train. Who a face shows
    is not known, so pictures of one person may be in both. An emotion's only face stays in train.

    Args:
        faces: with a train split, without a validation split.
        share: above 0 and at most `MAX_SHARE`.

    Raises:
        UserError: there is no train face, there are validation faces already, or there are too few train faces.
    """
    check_share(share)
    train, counts = faces.rows("train"), faces.counts()
    if "validation" in counts:
        count = sum(counts["validation"].values())
        own = counted(count, "validation face")
        raise UserError(f"{faces.name}: has {own} of its own; leave --validation (data.validation) out")
    if "train" not in counts:
        raise UserError(f"{faces.name}: has no train faces to take validation from; it has: {', '.join(counts)}")
    labels = faces.labels[train]
    taken = _choose(labels, copies(faces.split("train")), share, len(faces.classes))
    if not taken.any():
        raise UserError(f"{faces.name}: too few train faces to take validation from")
    splits = faces.splits.copy()
    splits[train][taken] = SPLITS.index("validation")
    order = np.argsort(splits, kind="stable")
    train_faces = counted(len(labels), "train face")
    note = f"validation: {int(taken.sum()):,} of {train_faces}, {share:.0%} of each emotion, at random"
    return replace(
        faces,
        images=faces.images[order],
        labels=faces.labels[order],
        splits=splits[order],
        votes=None if faces.votes is None else faces.votes[order],
        notes=(*faces.notes, note),
    )


def _choose(labels: NDArray[np.uint8], group: NDArray[np.int64], share: float, classes: int) -> NDArray[np.bool_]:
    """Which of n train faces go to validation: bool [n]. `group`, int64 [n], is what `copies` gives for them."""
    group = np.where(group < 0, np.arange(len(group)), group)
    _, unit, sizes = np.unique(group, return_inverse=True, return_counts=True)
    units = np.split(np.argsort(unit, kind="stable"), np.cumsum(sizes)[:-1])
    rng, taken, count = np.random.default_rng(_SEED), np.zeros(len(labels), bool), np.zeros(classes, np.int64)
    for label, total in enumerate(np.bincount(labels, minlength=classes)):
        wanted = min(max(round(share * total), 1), total - 1)
        for number in rng.permutation(np.unique(unit[labels == label])):
            if count[label] >= wanted:
                break
            # Copies go together, also those with other labels; at least one face of each emotion stays.
            rows = units[number]
            more = np.bincount(labels[rows], minlength=classes)
            if not taken[rows[0]] and count[label] + more[label] < total:
                taken[rows], count = True, count + more
    return taken
