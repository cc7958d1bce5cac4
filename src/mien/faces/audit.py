"""Audit a set of faces: count constant images, copies, leaks between splits, and copies with different labels.

Constant images are counted as such and nowhere else. `mien.faces.duplicates` says what copies and near duplicates are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import counted
from mien.faces.duplicates import Rows, conflicting, copies, difference_hash, is_constant, leaked, nearest
from mien.faces.fer2013 import EMOTIONS, SPLITS, VOTE_OF, VOTES

if TYPE_CHECKING:
    from mien.faces.types import Faces

PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
"""(inner, outer): images of the inner split must not be in the outer one."""


@dataclass(frozen=True)
class Duplicates:
    """Copies within one split: groups of equal images, the images in them, groups whose labels differ."""

    groups: int
    images: int
    conflicting_groups: int


@dataclass(frozen=True)
class Conflicts:
    """Groups of equal images, over all splits, whose labels differ, and the images in them."""

    groups: int
    images: int


@dataclass(frozen=True)
class LabelAgreement:
    """How many images have a clear top vote, and how many of these carry its label; `agreement` is the share, 0..1."""

    clear: int
    agree: int
    agreement: float


@dataclass(frozen=True)
class VoteAgreement(LabelAgreement):
    """How FER+'s votes agree with the labels (Barsoum et al. 2016, arXiv 1608.01041).

    A vote is clear if one of the seven emotions has more votes than each other one, than "unknown" and than "not a
    face". Contempt, which is no class here, is not counted.

    Attributes:
        by_emotion: the same for the images of each label.
        not_a_face: images that every annotator called no face.
        incomplete: images with fewer than ten votes.
    """

    by_emotion: dict[str, LabelAgreement]
    not_a_face: int
    incomplete: int


@dataclass(frozen=True)
class Audit:
    """The results of an audit.

    >>> audit = faces.audit()
    >>> audit.images, audit.constant["total"], audit.leaks["test_in_train"]
    (200, 0, 0)

    Attributes:
        name: of the faces.
        fingerprint: of the faces.
        images: their number.
        constant: constant images per split, and "total".
        duplicates: copies within each split.
        leaks: images that have a copy in another split, keyed like "test_in_train".
        conflicts: copies with different labels, over all splits.
        distance: how many bits the hashes of near duplicates may differ.
        near_duplicates: images with a near duplicate in another split, copies among them, keyed as leaks are.
        votes: how FER+'s votes agree with the labels; None where there are no votes.
    """

    name: str
    fingerprint: str
    images: int
    constant: dict[str, int]
    duplicates: dict[str, Duplicates]
    leaks: dict[str, int]
    conflicts: Conflicts
    distance: int
    near_duplicates: dict[str, int]
    votes: VoteAgreement | None

    def to_dict(self) -> dict[str, Any]:
        """The results as plain values, for JSON."""
        return asdict(self)

    def _repr_html_(self) -> str:
        from mien.faces.notebook import audit_as_html

        return audit_as_html(self)

    def advice(self) -> list[str]:
        """What the figures mean, and what to do about them."""
        lines = []
        if total := self.constant["total"]:
            lines.append(f"{counted(total, 'image')} of a single gray: no net can learn from such images.")
        if leaked := self.leaks["test_in_train"]:
            lines.append(
                f"{counted(leaked, 'test image')} pixel for pixel in train too: a net may know such images by heart. "
                "Trust the test accuracy without them; reports give both."
            )
        if leaked := self.leaks["validation_in_train"]:
            lines.append(
                f"{counted(leaked, 'validation image')} in train too: selection slightly favours nets that memorise."
            )
        if self.conflicts.groups:
            lines.append(
                f"{counted(self.conflicts.groups, 'picture')} with different labels "
                f"({counted(self.conflicts.images, 'image')}): no net can be correct on all of them."
            )
        if self.votes is not None:
            lines.append(
                f"FER+'s annotators agree with {100 * self.votes.agreement:.1f} % of the labels where they are clear; "
                f"they all see no face in {counted(self.votes.not_a_face, 'image')}."
            )
        return lines or ["no faults: no constant image, no copy across splits, no contradicting labels."]


def audit(faces: Faces, distance: int = 0) -> Audit:
    """Count what makes results on these faces less reliable than they seem.

    Args:
        faces: the faces, any number of splits.
        distance: the number of bits, 0..64, in which the difference hashes of near duplicates may differ.
    """
    group, constant = copies(faces), is_constant(faces)
    per_split = {split: int(constant[faces.rows(split)].sum()) for split in SPLITS}
    return Audit(
        name=faces.name,
        fingerprint=faces.fingerprint,
        images=len(faces),
        constant={**per_split, "total": int(constant.sum())},
        duplicates={split: _duplicates(faces, group, faces.rows(split)) for split in SPLITS},
        leaks={
            f"{inner}_in_{outer}": int(np.isin(_present(group, faces, inner), _present(group, faces, outer)).sum())
            for inner, outer in PAIRS
        },
        conflicts=_conflicts(faces, group),
        distance=distance,
        near_duplicates=_near_duplicates(faces, constant, distance),
        votes=_votes(faces),
    )


@dataclass(frozen=True)
class AuditExample:
    """Images that should not be there together: their problem, and their rows, int64 [2 to 4]."""

    problem: str
    rows: Rows


def examples(faces: Faces, count: int = 8, seed: int = 0) -> list[AuditExample]:
    """Pick groups to look at, at random, at most `count` of each kind.

    Args:
        faces: the audited faces.
        count: the most groups of a kind: conflicting labels, leaks, near duplicates that are no copies.
        seed: fixes the choice.
    """
    rng = np.random.default_rng(seed)
    group = copies(faces)
    known = np.flatnonzero(group >= 0)
    test = faces.rows("test")
    in_train, in_test = group[faces.rows("train")], np.arange(test.start, test.stop)
    copied = in_test[leaked(faces)]

    def pick(candidates: Rows) -> Rows:
        return np.sort(rng.permutation(candidates)[:count])

    def alike(of: np.int64) -> Rows:
        return np.asarray(known[group[known] == of])

    groups = [AuditExample("same picture, different labels", alike(of)[:4]) for of in pick(conflicting(faces, group))]
    originals = ((np.flatnonzero(in_train == group[row])[0], row) for row in pick(copied))
    groups += [AuditExample("test image that is also in train", np.array(pair)) for pair in originals]
    others = np.setdiff1d(in_test[group[in_test] >= 0], copied)
    train = np.flatnonzero(in_train >= 0)
    if len(others) and len(train):
        hashes = difference_hash(faces.images)
        bits, places = nearest(hashes[others], hashes[train])
        pairs = ((train[places[at]], others[at]) for at in pick(np.flatnonzero(bits == 0)))
        groups += [AuditExample("test image much like one in train", np.array(pair)) for pair in pairs]
    return groups


def _present(group: Rows, faces: Faces, split: str) -> Rows:
    rows = group[faces.rows(split)]
    return rows[rows >= 0]


def _duplicates(faces: Faces, group: Rows, rows: slice) -> Duplicates:
    known = group[rows]
    _, sizes = np.unique(known[known >= 0], return_counts=True)
    return Duplicates(
        groups=int((sizes > 1).sum()),
        images=int(sizes[sizes > 1].sum()),
        conflicting_groups=len(conflicting(faces[rows], known)),
    )


def _conflicts(faces: Faces, group: Rows) -> Conflicts:
    groups = conflicting(faces, group)
    return Conflicts(groups=len(groups), images=int(np.isin(group, groups).sum()))


def _near_duplicates(faces: Faces, constant: NDArray[np.bool_], distance: int) -> dict[str, int]:
    hashes = difference_hash(faces.images)
    present = {split: hashes[faces.rows(split)][~constant[faces.rows(split)]] for split in SPLITS}

    def near(inner: str, outer: str) -> int:
        if distance == 0 or len(present[outer]) == 0:
            return int(np.isin(present[inner], present[outer]).sum())
        return int((nearest(present[inner], present[outer])[0] <= distance).sum())

    return {f"{inner}_in_{outer}": near(inner, outer) for inner, outer in PAIRS}


def _votes(faces: Faces) -> VoteAgreement | None:
    if faces.votes is None or faces.classes != EMOTIONS:
        return None
    votes = faces.votes.astype(np.int64)
    seven = votes[:, [VOTES.index(VOTE_OF[name]) for name in EMOTIONS]]
    ranked = np.sort(seven, axis=1)
    others = np.maximum(votes[:, VOTES.index("unknown")], votes[:, VOTES.index("NF")])
    clear = ranked[:, -1] > np.maximum(ranked[:, -2], others)
    agree = seven.argmax(axis=1) == faces.labels

    def among(rows: NDArray[np.bool_]) -> LabelAgreement:
        total, same = int((clear & rows).sum()), int((clear & rows & agree).sum())
        return LabelAgreement(total, same, round(same / total, 4) if total else 0.0)

    return VoteAgreement(
        **asdict(among(np.ones(len(faces), bool))),
        by_emotion={name: among(faces.labels == label) for label, name in enumerate(faces.classes)},
        not_a_face=int((votes[:, VOTES.index("NF")] == votes.sum(axis=1)).sum()),
        incomplete=int((votes.sum(axis=1) < 10).sum()),
    )
