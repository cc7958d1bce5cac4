"""What is wrong with a set of faces: constant images, copies, leaks between splits, labels that contradict each other.

An image is constant if all its pixels are equal; constant images are counted once and left out of everything else,
since they show no face to copy. Copies are equal pixel for pixel. Near duplicates share a difference hash.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces.types import EMOTIONS, SPLITS, VOTED, VOTES, Faces

Rows = NDArray[np.int64]

PAIRS = (("validation", "train"), ("test", "train"), ("test", "validation"))
"""Which split's images must not be in which other."""


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
class Agreement:
    """Of images with one clear top vote, how many carry the label voted for."""

    clear: int
    agree: int
    agreement: float


@dataclass(frozen=True)
class Votes(Agreement):
    """What FER+'s annotators say about the labels (Barsoum et al. 2016, arXiv 1608.01041).

    A vote is clear if one of the seven emotions has more votes than each other one, than "unknown" and than "not a
    face"; contempt, which is no class here, is not counted.

    Attributes:
        by_emotion: the same among the images of each label.
        not_a_face: images of which every annotator said so.
        incomplete: images with fewer than ten votes.
    """

    by_emotion: dict[str, Agreement]
    not_a_face: int
    incomplete: int


@dataclass(frozen=True)
class Audit:
    """The figures of an audit.

    Attributes:
        name: of the faces.
        fingerprint: of the faces.
        images: how many were audited.
        constant: constant images per split, and "total".
        duplicates: copies within each split.
        leaks: images that have a copy in another split, keyed like "test_in_train".
        conflicts: copies with different labels, wherever they are.
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
    votes: Votes | None

    def as_json(self) -> dict[str, Any]:
        """The figures under plain names, ready for JSON."""
        return asdict(self)


def audit(faces: Faces, distance: int = 0) -> Audit:
    """Look for what makes results on these faces worth less than they seem.

    Args:
        faces: the faces, any number of splits.
        distance: how many of the 64 bits of two difference hashes may differ in a near duplicate.
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


def leaked(faces: Faces) -> NDArray[np.bool_]:
    """Which test images are also in train, pixel for pixel: bool [number of test rows]. Constant images never are."""
    group = copies(faces)
    test = group[faces.rows("test")]
    return (test >= 0) & np.isin(test, group[faces.rows("train")])


def is_constant(faces: Faces) -> NDArray[np.bool_]:
    """Which images have one gray only: bool [N]."""
    return np.asarray(faces.images.min(axis=(1, 2)) == faces.images.max(axis=(1, 2)))


def copies(faces: Faces) -> Rows:
    """For every image the row of the first that equals it pixel for pixel, its own if there is none before: int64 [N].

    Constant images have -1.
    """
    first: dict[bytes, int] = {}
    rows = (first.setdefault(image.tobytes(), row) for row, image in enumerate(faces.images))
    return np.where(is_constant(faces), -1, np.fromiter(rows, np.int64, len(faces)))


def conflicting(faces: Faces, group: Rows) -> Rows:
    """The groups of `copies` whose images carry different labels, ascending."""
    known = group >= 0
    pairs = np.unique(np.stack([group[known], faces.labels[known]]), axis=1)
    groups, labels = np.unique(pairs[0], return_counts=True)
    return groups[labels > 1]


def difference_hash(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The 64-bit difference hash (N. Krawetz 2013, "Kind of Like That", hackerfactor.com).

    Images are reduced to 9x8 by Lanczos's filter; each pixel brighter than the one to its left sets a bit.

    Args:
        images: uint8 [N, H, W].

    Returns:
        uint64 [N].
    """
    from PIL import Image  # the one filter whose hashes others can compare with

    n, height, width = images.shape
    if n == 0:
        return np.zeros(0, np.uint64)
    # All images at once, as one tall picture: first every row is made 9 wide, then, turned, every column 8 high.
    rows = Image.fromarray(images.reshape(n * height, width)).resize((9, n * height), Image.Resampling.LANCZOS)
    columns = np.ascontiguousarray(np.asarray(rows).reshape(n, height, 9).swapaxes(1, 2)).reshape(n * 9, height)
    small = np.asarray(Image.fromarray(columns).resize((8, n * 9), Image.Resampling.LANCZOS)).reshape(n, 9, 8)
    brighter = small[:, 1:] > small[:, :-1]
    return np.packbits(brighter.swapaxes(1, 2).reshape(n, 64), axis=1).view(">u8").ravel().astype(np.uint64)


def nearest(
    hashes: NDArray[np.uint64], among: NDArray[np.uint64], block: int = 256
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """For every hash the least number of bits in which it differs from one of the others, and that one's place.

    Args:
        hashes: uint64 [N].
        among: uint64 [M], M > 0.
        block: how many of `hashes` to compare at once.

    Returns:
        bits uint8 [N], 0..64, and places int64 [N], 0..M-1.
    """
    bits, places = np.empty(len(hashes), np.uint8), np.empty(len(hashes), np.int64)
    for start in range(0, len(hashes), block):
        differ = np.bitwise_count(hashes[start : start + block, None] ^ among[None, :])
        at = differ.argmin(axis=1)
        places[start : start + block] = at
        bits[start : start + block] = differ[np.arange(len(at)), at]
    return bits, places


@dataclass(frozen=True)
class Example:
    """Images that belong together and should not be there twice: what is wrong, and their rows, int64 [2 to 4]."""

    wrong: str
    rows: Rows


def examples(faces: Faces, count: int = 8, seed: int = 0) -> list[Example]:
    """Pick groups to look at, at most `count` a kind: conflicting labels, leaks, near duplicates that are no copies."""
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

    found = [Example("same picture, different labels", alike(of)[:4]) for of in pick(conflicting(faces, group))]
    originals = ((np.flatnonzero(in_train == group[row])[0], row) for row in pick(copied))
    found += [Example("test image that is also in train", np.array(pair)) for pair in originals]
    others = np.setdiff1d(in_test[group[in_test] >= 0], copied)
    train = np.flatnonzero(in_train >= 0)
    if len(others) and len(train):
        hashes = difference_hash(faces.images)
        bits, places = nearest(hashes[others], hashes[train])
        pairs = ((train[places[at]], others[at]) for at in pick(np.flatnonzero(bits == 0)))
        found += [Example("test image much like one in train", np.array(pair)) for pair in pairs]
    return found


def _present(group: Rows, faces: Faces, split: str) -> Rows:
    rows = group[faces.rows(split)]
    return rows[rows >= 0]


def _duplicates(faces: Faces, group: Rows, rows: slice) -> Duplicates:
    known = group[rows]
    _, sizes = np.unique(known[known >= 0], return_counts=True)
    within = Faces(faces.images[rows], faces.labels[rows], faces.splits[rows], faces.classes)
    return Duplicates(
        groups=int((sizes > 1).sum()),
        images=int(sizes[sizes > 1].sum()),
        conflicting_groups=len(conflicting(within, known)),
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


def _votes(faces: Faces) -> Votes | None:
    if faces.votes is None or faces.classes != EMOTIONS:
        return None
    votes = faces.votes.astype(np.int64)
    seven = votes[:, [VOTES.index(VOTED[name]) for name in EMOTIONS]]
    ranked = np.sort(seven, axis=1)
    others = np.maximum(votes[:, VOTES.index("unknown")], votes[:, VOTES.index("NF")])
    clear = ranked[:, -1] > np.maximum(ranked[:, -2], others)
    agree = seven.argmax(axis=1) == faces.labels

    def among(rows: NDArray[np.bool_]) -> Agreement:
        said, same = int((clear & rows).sum()), int((clear & rows & agree).sum())
        return Agreement(said, same, round(same / said, 4) if said else 0.0)

    return Votes(
        **asdict(among(np.ones(len(faces), bool))),
        by_emotion={name: among(faces.labels == label) for label, name in enumerate(faces.classes)},
        not_a_face=int((votes[:, VOTES.index("NF")] == votes.sum(axis=1)).sum()),
        incomplete=int((votes.sum(axis=1) < 10).sum()),
    )
