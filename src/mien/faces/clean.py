"""Clean train: leave out images that show no face, copies, and images that are also in validation or test.

Validation and test stay as they are, so that scores remain comparable with those of others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, counted, did_you_mean
from mien.faces.duplicates import conflicting, copies, is_constant
from mien.faces.fer2013 import VOTES
from mien.faces.votes import majority

if TYPE_CHECKING:
    from mien.faces.types import Faces

CLEAN = {
    "constant": "images of one gray",
    "no_face": "images that most of FER+'s annotators call no face",
    "conflicts": "copies that carry different labels",
    "leaks": "images that are also in validation or test",
    "copies": "copies of an image that stays",
}
"""What can be left out of train, in words. An image counts under the first of the given reasons that is true of it.

Of conflicting copies all are left out, because the correct label is not known; of other copies all but the first.
"""

REASONS = {
    **CLEAN,
    "disagreed": "faces whose label is not what most of FER+'s annotators say",
    "no_majority": "faces on which FER+'s annotators disagree",
    "no_face_found": "photos in which no face was found",
    "unknown": "faces that most of FER+'s annotators call unknown",
}
"""Every reason in `Faces.left_out`, in words, for several faces."""

_REASONS_OF_ONE = {
    "constant": "image of one gray",
    "no_face": "image that most of FER+'s annotators call no face",
    "conflicts": "copy that carries a different label",
    "leaks": "image that is also in validation or test",
    "copies": "copy of an image that stays",
    "disagreed": "face whose label is not what most of FER+'s annotators say",
    "no_majority": "face on which FER+'s annotators disagree",
    "no_face_found": "photo in which no face was found",
    "unknown": "face that most of FER+'s annotators call unknown",
}


def check_clean(what: Sequence[str]) -> None:
    """Raise a UserError unless all names are in `CLEAN`."""
    for name in what:
        if name not in CLEAN:
            raise UserError(f"clean: cannot leave out {name!r}; {did_you_mean(name, list(CLEAN))}")


def clean(faces: Faces, what: Sequence[str]) -> Faces:
    """Leave images out of train; copies are equal pixel for pixel.

    Args:
        faces: all splits.
        what: names of `CLEAN`.

    Raises:
        UserError: a name is unknown, "no_face" is given without FER+'s votes, or nothing of train would stay.
    """
    check_clean(what)
    for name in (name for name in CLEAN if name in what):
        rows = np.zeros(len(faces), bool)
        train = faces.rows("train")
        rows[train] = _matching(name, faces)[train]
        if len(faces.split("train")) and rows[train].all():
            raise UserError(f"{faces.name}: no image of train stays when {REASONS[name]} are left out of it")
        faces = faces.without(rows, name)
    return faces


def describe_left_out(left_out: Mapping[str, Mapping[str, int]]) -> list[str]:
    """`Faces.left_out` as text, one line for each reason: `1,226 copies of an image that stays (train 1,226)`."""
    lines = []
    for reason, counts in left_out.items():
        number = counted(sum(counts.values()), _REASONS_OF_ONE[reason], REASONS[reason])
        lines.append(f"{number} ({', '.join(f'{split} {n:,}' for split, n in counts.items())})")
    return lines


def _matching(name: str, faces: Faces) -> NDArray[np.bool_]:
    """Which images of train the reason is true of: bool [N]; its values for other splits mean nothing."""
    if name == "constant":
        return is_constant(faces)
    if name == "no_face":
        if faces.votes is None:
            raise UserError(f"{faces.name}: has no votes, which say what is no face; name FER+'s file as votes")
        return np.asarray(majority(faces.votes) == VOTES.index("NF"))
    group, train = copies(faces), faces.rows("train")
    if name == "leaks":
        elsewhere = group[train.stop :]
        return np.isin(group, elsewhere[elsewhere >= 0])
    if name == "conflicts":
        return np.isin(group, conflicting(faces.split("train"), group[train]))
    return np.asarray((group >= 0) & (group != np.arange(len(faces))))
