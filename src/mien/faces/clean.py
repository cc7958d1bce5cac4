"""Cleaning train: leaving out what teaches nothing, teaches twice, or teaches what is asked later.

Validation and test stay as they are, so that scores remain comparable with anybody else's.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, did_you_mean
from mien.faces.audit import conflicting, copies, is_constant
from mien.faces.types import VOTES, Faces
from mien.faces.votes import majority

CLEAN = {
    "constant": "images of one gray",
    "no_face": "images that most of FER+'s annotators call no face",
    "conflicts": "copies that carry different labels",
    "leaks": "images that are also in validation or test",
    "copies": "copies of an image that stays",
}
"""What can be left out of train, in words. An image counts for the first that holds for it and is asked for.

Of conflicting copies all go, as no one knows which label is right; of other copies all but the first.
"""

REASONS = {
    **CLEAN,
    "disagreed": "faces whose label is not what most of FER+'s annotators say",
    "no_majority": "faces on which FER+'s annotators disagree",
    "no_face_found": "photos in which no face was found",
    "unknown": "faces that most of FER+'s annotators call unknown",
}
"""Every reason in `Faces.left_out`, in words."""


def check_clean(what: Sequence[str]) -> None:
    """Raise a UserError where something else than names of `CLEAN` is to be left out."""
    for name in what:
        if name not in CLEAN:
            raise UserError(f"clean: cannot leave out {name!r}; {did_you_mean(name, list(CLEAN))}")


def clean(faces: Faces, what: Sequence[str]) -> Faces:
    """Leave images out of train; copies are equal pixel for pixel.

    Args:
        faces: all splits.
        what: names of `CLEAN`.

    Raises:
        UserError: a name is unknown, "no_face" is asked for without FER+'s votes, or nothing of train would stay.
    """
    check_clean(what)
    for name in (name for name in CLEAN if name in what):
        found = np.zeros(len(faces), bool)
        train = faces.rows("train")
        found[train] = _found(name, faces)[train]
        if len(faces.split("train")) and found[train].all():
            raise UserError(f"{faces.name}: no image of train stays when {REASONS[name]} are left out of it")
        faces = faces.without(found, name)
    return faces


def told(left_out: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What of `Faces.left_out`, a line a reason: `1,226 copies of an image that stays (train 1,226)`."""
    return [
        f"{sum(counts.values()):,} {REASONS[reason]} ({', '.join(f'{split} {n:,}' for split, n in counts.items())})"
        for reason, counts in left_out.items()
    ]


def _found(name: str, faces: Faces) -> NDArray[np.bool_]:
    """Which images of train are such: bool [N]; what it says of other splits does not count."""
    if name == "constant":
        return is_constant(faces)
    if name == "no_face":
        if faces.votes is None:
            raise UserError(f"{faces.name}: has no votes that tell what is no face; name FER+'s file as votes")
        return np.asarray(majority(faces.votes) == VOTES.index("NF"))
    group, train = copies(faces), faces.rows("train")
    if name == "leaks":
        elsewhere = group[train.stop :]
        return np.isin(group, elsewhere[elsewhere >= 0])
    if name == "conflicts":
        return np.isin(group, conflicting(faces.split("train"), group[train]))
    return np.asarray((group >= 0) & (group != np.arange(len(faces))))
