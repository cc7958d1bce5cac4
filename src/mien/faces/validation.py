"""A validation split taken from train, where a source comes without one."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.audit import copies
from mien.faces.types import SPLITS, Faces

MOST = 0.5
"""The largest share of train that may become validation."""

_SEED = 0


def check_share(share: float) -> None:
    """Raise a UserError where a share of train is none that may become validation; 0 leaves train whole."""
    if not 0 <= share <= MOST:
        raise UserError(f"validation {share:g}: give the share of train to judge on, above 0 and at most {MOST:g}")


def take_validation(faces: Faces, share: float) -> Faces:
    """Move a share of each emotion's train faces to validation, at random, the same ones of the same faces.

    Copies that are equal pixel for pixel stay together, so that no validation face stands in train too. Whom a face
    shows is not known, so pictures of a person may be in both. An emotion of a single face keeps it in train.

    Args:
        faces: with a train split, and without one of validation.
        share: above 0 and at most `MOST`.

    Raises:
        UserError: there is no train face, there are validation faces already, or too few faces to take any.
    """
    check_share(share)
    train, counts = faces.rows("train"), faces.counts()
    if "validation" in counts:
        count = sum(counts["validation"].values())
        raise UserError(
            f"{faces.name}: has {count:,} validation faces of its own; leave --validation (data.validation) out"
        )
    if "train" not in counts:
        raise UserError(f"{faces.name}: has no train faces to take validation from; it has: {', '.join(counts)}")
    labels = faces.labels[train]
    taken = _taken(labels, copies(faces.split("train")), share, len(faces.classes))
    if not taken.any():
        raise UserError(f"{faces.name}: too few train faces to take validation from")
    splits = faces.splits.copy()
    splits[train][taken] = SPLITS.index("validation")
    order = np.argsort(splits, kind="stable")
    told = f"validation: {int(taken.sum()):,} of {len(labels):,} train faces, {share:.0%} of each emotion, at random"
    return replace(
        faces,
        images=faces.images[order],
        labels=faces.labels[order],
        splits=splits[order],
        votes=None if faces.votes is None else faces.votes[order],
        notes=(*faces.notes, told),
        known_fingerprint=None,
    )


def _taken(labels: NDArray[np.uint8], group: NDArray[np.int64], share: float, classes: int) -> NDArray[np.bool_]:
    """Which of n train faces go to validation: bool [n]; `group` is that of `mien.faces.audit.copies`, int64 [n]."""
    group = np.where(group < 0, np.arange(len(group)), group)
    _, unit, sizes = np.unique(group, return_inverse=True, return_counts=True)
    units = np.split(np.argsort(unit, kind="stable"), np.cumsum(sizes)[:-1])
    rng, taken, count = np.random.default_rng(_SEED), np.zeros(len(labels), bool), np.zeros(classes, np.int64)
    for label, there in enumerate(np.bincount(labels, minlength=classes)):
        wanted = min(max(round(share * there), 1), there - 1)
        for number in rng.permutation(np.unique(unit[labels == label])):
            if count[label] >= wanted:
                break
            # Copies of a picture go together, also those with other labels; an emotion never goes as a whole.
            rows = units[number]
            more = np.bincount(labels[rows], minlength=classes)
            if not taken[rows[0]] and count[label] + more[label] < there:
                taken[rows], count = True, count + more
    return taken
