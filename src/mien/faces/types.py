"""Faces: the labelled images that everything else works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's classes in the order of its `emotion` column, 0..6 (Goodfellow et al. 2013, arXiv 1307.0414)."""

EIGHT = (*EMOTIONS, "contempt")
"""FER+'s emotions, in this order (Barsoum et al. 2016, arXiv 1608.01041)."""

SPLITS = ("train", "validation", "test")

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
"""FER+'s columns in their order: votes of ten annotators (Barsoum et al. 2016, arXiv 1608.01041)."""

VOTE_OF = dict(
    zip(EIGHT, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt"), strict=True)
)
"""The column of FER+ for each emotion."""

SIZE = 48
"""The side of a FER2013 face in pixels."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Gray face images with their emotions, each in one of the three splits.

    Rows are sorted by split (all of train, then validation, then test), so that a split is a slice without a copy;
    within a split they have the order of the source. Legend of the package: `N` faces, `H` and `W` pixels, `K` classes.

    Attributes:
        images: uint8 [N, H, W], 0 black to 255 white; may be a read-only memory map.
        labels: uint8 [N], 0..K-1, indices into `classes`.
        splits: uint8 [N], indices into `SPLITS`, ascending.
        classes: the K names of the emotions.
        votes: uint8 [N, 10], FER+'s votes in the order of `VOTES`; None where there are none.
        name: of the faces in a table, usually the source's file name.
        left_out: the number of faces of the source that are not among these, by reason and split:
            `left_out["copies"]["train"]`.
        notes: how the source was understood, one sentence each: the meaning of numbers, which of several files was
            read.
        known_fingerprint: the fingerprint, where it has been computed before; None: compute it when it is needed.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    classes: tuple[str, ...] = EMOTIONS
    votes: NDArray[np.uint8] | None = None
    name: str = "faces"
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    known_fingerprint: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        rows = len(self.images)
        assert self.images.dtype == np.uint8
        assert self.images.ndim == 3
        assert len(self.labels) == len(self.splits) == rows
        assert np.all(np.diff(self.splits.astype(np.int16)) >= 0), "rows must lie in the order of their splits"

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> int:
        """The side of an image in pixels."""
        return int(self.images.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of pixels, labels, splits, class names and votes. Equal fingerprints mean equal faces."""
        if self.known_fingerprint is not None:
            return self.known_fingerprint
        digest = sha256(f"{self.images.shape} {self.classes}".encode())
        for array in (self.images, self.labels, self.splits, self.votes):
            digest.update(b"" if array is None else np.ascontiguousarray(array).reshape(-1).data)
        return digest.hexdigest()

    def rows(self, split: str) -> slice:
        """The rows of a split, one of `SPLITS`."""
        first, last = np.searchsorted(self.splits, [SPLITS.index(split), SPLITS.index(split) + 1])
        return slice(int(first), int(last))

    def split(self, split: str) -> "Faces":
        """The faces of one split, as views on the same memory."""
        return self._select(self.rows(split))

    def without(self, rows: NDArray[np.bool_], reason: str) -> "Faces":
        """Leave out the faces where `rows`, bool [N], is true, and count them in `left_out` under the reason."""
        if not rows.any():
            return self
        counts = {split: int(rows[self.rows(split)].sum()) for split in SPLITS}
        before = self.left_out.get(reason, {})
        total = {split: before.get(split, 0) + count for split, count in counts.items()}
        left_out = {**self.left_out, reason: {split: count for split, count in total.items() if count}}
        return replace(self._select(~rows), left_out=left_out)

    def _select(self, rows: slice | NDArray[np.bool_]) -> "Faces":
        votes = None if self.votes is None else self.votes[rows]
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            splits=self.splits[rows],
            votes=votes,
            known_fingerprint=None,
        )

    def first(self, count: int) -> "Faces":
        """The first faces, as views on the same memory."""
        return self._select(slice(0, count))

    def counts(self) -> dict[str, dict[str, int]]:
        """Faces per split and emotion: `counts()["train"]["happy"]`. A split without faces is not listed."""
        table = {}
        for split in SPLITS:
            labels = self.labels[self.rows(split)]
            if len(labels):
                numbers = np.bincount(labels, minlength=len(self.classes))
                table[split] = {name: int(n) for name, n in zip(self.classes, numbers, strict=True)}
        return table


def in_split_order(
    images: NDArray[np.uint8],
    labels: Sequence[int] | NDArray[np.integer],
    splits: Sequence[int] | NDArray[np.integer],
    classes: tuple[str, ...] = EMOTIONS,
    votes: NDArray[np.uint8] | None = None,
    name: str = "faces",
) -> Faces:
    """Make Faces of rows in any order: sort them by split, stably. Shapes and ranges are those of `Faces`."""
    label_column, split_column = np.asarray(labels, np.uint8), np.asarray(splits, np.uint8)
    if np.any(np.diff(split_column.astype(np.int16)) < 0):
        order = np.argsort(split_column, kind="stable")
        images, label_column, split_column = images[order], label_column[order], split_column[order]
        votes = None if votes is None else votes[order]
    return Faces(images, label_column, split_column, classes, votes, name)
