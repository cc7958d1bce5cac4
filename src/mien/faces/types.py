"""Faces: the labelled images that everything else works on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, did_you_mean
from mien.faces.fer2013 import EMOTIONS, SPLITS

if TYPE_CHECKING:
    from PIL.Image import Image

    from mien.faces.audit import Audit


class Counts(dict[str, dict[str, int]]):
    """Faces per split and emotion, a plain dictionary that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from mien.faces.notebook import counts_as_html

        return counts_as_html(self)


@dataclass(frozen=True, eq=False, repr=False)
class Faces:
    """Gray face images with their emotions, each in one of the three splits.

    Rows are sorted by split (all of train, then validation, then test), so that a split is a slice without a copy;
    within a split they have the order of the source. Legend of the package: `N` faces, `H` and `W` pixels, `K` classes.

    A notebook shows them as a table with a few faces. They are a data set for torch, too: a number gives a face and its
    label, and `torch.utils.data.DataLoader` takes them as they are.

    >>> import mien
    >>> faces = mien.open_faces("drawn:200")
    >>> faces
    Faces 'drawn': 200 faces of 48x48 pixels, 7 classes; train 160, validation 20, test 20
    >>> faces.counts()["test"]["happy"]
    4
    >>> faces["train", "happy"].images.shape
    (32, 48, 48)
    >>> image, label = faces[3]
    >>> image.shape, faces.classes[label]
    ((48, 48), 'happy')

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
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    classes: tuple[str, ...] = EMOTIONS
    votes: NDArray[np.uint8] | None = None
    name: str = "faces"
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = len(self.images)
        assert self.images.dtype == np.uint8
        assert self.images.ndim == 3
        assert len(self.labels) == len(self.splits) == rows
        assert np.all(np.diff(self.splits.astype(np.int16)) >= 0), "rows must lie in the order of their splits"

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        splits = ", ".join(f"{split} {sum(numbers.values()):,}" for split, numbers in self.counts().items())
        return (
            f"Faces {self.name!r}: {len(self):,} faces of {self.size}x{self.size} pixels, {len(self.classes)} classes"
            + (f"; {splits}" if splits else "")
        )

    def _repr_html_(self) -> str:
        from mien.faces.notebook import faces_as_html

        return faces_as_html(self)

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], int]]:
        return (self[row] for row in range(len(self)))

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> tuple[NDArray[np.uint8], int]: ...

    @overload
    def __getitem__(self, key: str | tuple[str, ...] | slice | Sequence[int] | NDArray[np.generic]) -> Faces: ...

    def __getitem__(
        self, key: int | np.integer[Any] | str | tuple[str, ...] | slice | Sequence[int] | NDArray[np.generic]
    ) -> tuple[NDArray[np.uint8], int] | Faces:
        """Select faces.

        Args:
            key: a number: this face, uint8 [H, W], and its label, as torch's data sets give them. A split, an emotion,
                or both, as `faces["train", "happy"]`; a slice; numbers of faces, or one bool for each face, [N]: Faces
                of these. They are sorted by split, as all Faces are; within a split they have the order that is given.

        Raises:
            UserError: there is no such split or emotion, or the key is of another kind.
            IndexError: there is no face of this number.
        """
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            if not -len(self) <= key < len(self):
                raise IndexError(f"there is no face {key}: {self.name} has {len(self):,}, from 0 on")
            return np.array(self.images[key]), int(self.labels[key])
        if isinstance(key, str):
            return self._select(self._named([key]))
        if isinstance(key, tuple):
            return self._select(self._named(key))
        if isinstance(key, slice) and key.step in (None, 1):
            return self._select(key)
        rows = np.arange(len(self))[key] if isinstance(key, slice) else self._numbered(np.asarray(key))
        return self._select(rows[np.argsort(self.splits[rows], kind="stable")])

    @property
    def size(self) -> int:
        """The side of an image in pixels."""
        return int(self.images.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of pixels, labels, splits, class names and votes. Equal fingerprints mean equal faces."""
        digest = sha256(f"{self.images.shape} {self.classes}".encode())
        for array in (self.images, self.labels, self.splits, self.votes):
            digest.update(b"" if array is None else np.ascontiguousarray(array).reshape(-1).data)
        return digest.hexdigest()

    def with_fingerprint(self, fingerprint: str) -> Faces:
        """The same faces, whose fingerprint is known and is not computed again; no change of them keeps it."""
        faces = replace(self)
        faces.__dict__["fingerprint"] = fingerprint
        return faces

    def rows(self, split: str) -> slice:
        """The rows of a split, one of `SPLITS`."""
        first, last = np.searchsorted(self.splits, [SPLITS.index(split), SPLITS.index(split) + 1])
        return slice(int(first), int(last))

    def split(self, split: str) -> Faces:
        """The faces of one split, as views on the same memory."""
        return self._select(self.rows(split))

    def without(self, rows: NDArray[np.bool_], reason: str) -> Faces:
        """Leave out the faces where `rows`, bool [N], is true, and count them in `left_out` under the reason."""
        if not rows.any():
            return self
        counts = {split: int(rows[self.rows(split)].sum()) for split in SPLITS}
        before = self.left_out.get(reason, {})
        total = {split: before.get(split, 0) + count for split, count in counts.items()}
        left_out = {**self.left_out, reason: {split: count for split, count in total.items() if count}}
        return replace(self._select(~rows), left_out=left_out)

    def _named(self, names: Sequence[str]) -> slice | NDArray[np.bool_]:
        """The rows of a split, of an emotion, or of an emotion in a split."""
        splits = [name for name in names if name in SPLITS]
        emotions = [name for name in names if name in self.classes and name not in SPLITS]
        for name in names:
            if name not in (*splits, *emotions):
                raise UserError(f"{self.name}: no split and no emotion {name!r}; {did_you_mean(name, self._names)}")
        if not names or len(splits) > 1 or len(emotions) > 1:
            raise UserError(f'{self.name}: give a split, an emotion, or both, as faces["train", "{self.classes[0]}"]')
        rows = self.rows(splits[0]) if splits else slice(0, len(self))
        if not emotions:
            return rows
        chosen = np.zeros(len(self), bool)
        chosen[rows] = self.labels[rows] == self.classes.index(emotions[0])
        return chosen

    @property
    def _names(self) -> list[str]:
        return [*SPLITS, *self.classes]

    def _numbered(self, key: NDArray[np.generic]) -> NDArray[np.intp]:
        """The rows that numbers or bools select."""
        if key.dtype == np.bool_ and key.shape == (len(self),):
            return np.flatnonzero(key)
        if key.ndim != 1 or (len(key) and key.dtype.kind not in "iu"):
            raise UserError(
                f"{self.name}: {key.dtype} {list(key.shape)} selects no faces; give a number, a slice, numbers [n], "
                f"bools [{len(self)}], or names: {', '.join(self._names)}"
            )
        return np.arange(len(self))[key.astype(np.intp)]

    def _select(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Faces:
        votes = None if self.votes is None else self.votes[rows]
        return replace(
            self,
            images=self.images[rows],
            labels=self.labels[rows],
            splits=self.splits[rows],
            votes=votes,
        )

    def first(self, count: int) -> Faces:
        """The first faces, as views on the same memory."""
        return self._select(slice(0, count))

    def counts(self) -> Counts:
        """Faces per split and emotion: `counts()["train"]["happy"]`. A split without faces is not listed."""
        table = Counts()
        for split in SPLITS:
            labels = self.labels[self.rows(split)]
            if len(labels):
                numbers = np.bincount(labels, minlength=len(self.classes))
                table[split] = {name: int(n) for name, n in zip(self.classes, numbers, strict=True)}
        return table

    def show(self, n: int = 2, *, split: str | None = None, seed: int = 0, standardise: bool = False) -> Image:
        """Draw random faces of each emotion, as `mien faces show --grid` does; a notebook shows the picture.

        Args:
            n: the number for each emotion, from 1 on.
            split: where they are from; None: train, or else the first split that has faces.
            seed: fixes the choice.
            standardise: draw each face as (x - its mean) / its standard deviation.

        Raises:
            UserError: there is no such split, it has no faces, or `n` is less than 1.
        """
        from mien.faces.contact_sheets import contact_sheet

        splits = list(self.counts())
        if split is not None and split not in SPLITS:
            raise UserError(f"no split {split!r}; {did_you_mean(split, SPLITS)}")
        if not splits or (split is not None and split not in splits):
            where = "no faces at all" if not splits else f"no faces in {split}, only in {', '.join(splits)}"
            raise UserError(f"{self.name}: {where}; there is nothing to show")
        if n < 1:
            raise UserError(f"n={n}: give the number of faces to show of each emotion, from 1 on")
        return contact_sheet(self, n, seed, standardise, split or splits[0])

    def audit(self, distance: int = 0) -> Audit:
        """Count constant images, copies, leaks between splits and contradicting labels, as `mien faces audit` does.

        Args:
            distance: the number of bits, 0 to 64, in which the difference hashes of near duplicates may differ.

        Raises:
            UserError: `distance` is out of its range.
        """
        from mien.faces.audit import audit

        if not 0 <= distance <= 64:
            raise UserError(f"distance={distance}: give a number of bits, from 0 to 64")
        return audit(self, distance)


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
