"""Every source of faces: what the user's words mean, and reading that."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import UserError
from mien.faces.arrays import read_npz, read_parquet
from mien.faces.csv import read_csv
from mien.faces.images import READY, FaceReader, Labelled, labelled_files, read_folder
from mien.faces.names import split_of_file, split_of_word
from mien.faces.packed import is_packed, read_packed
from mien.faces.types import SPLITS, Faces, in_split_order
from mien.faces.votes import join_votes

DRAWN = 5000
"""How many faces the source "drawn" has."""

_DATA_FILE = re.compile(r"\.(csv|npz|parquet)(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
_COMPRESSION = re.compile(r"\.(gz|bz2|xz|zst)$", re.IGNORECASE)
_VOTES_FILE = re.compile(r"fer2013new\.csv(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A file or folder to read, and the split (index into `SPLITS`) that the user said it is, if so."""

    path: Path
    said: int | None = None

    @property
    def split(self) -> int | None:
        """The split that the user said or the name tells; None where neither does."""
        if self.said is not None:
            return self.said
        # A folder may be called anything ("my test faces"), so only a name that is nothing but a split counts.
        return split_of_word(self.path.name) if self.path.is_dir() else split_of_file(self.path.name)


@dataclass(frozen=True)
class Source:
    """What to read: parts, FER+ votes to join, or a number of faces to draw instead."""

    name: str
    parts: tuple[Part, ...] = ()
    votes: Path | None = None
    drawn: int | None = None

    @property
    def packed(self) -> Path | None:
        """The folder, where the source is packed faces and nothing is to be joined."""
        return self.parts[0].path if len(self.parts) == 1 and not self.votes and is_packed(self.parts[0].path) else None

    def paths(self) -> list[Path]:
        """The files and folders to read."""
        return [part.path for part in self.parts] + ([self.votes] if self.votes else [])

    def photos(self, endings: Collection[str]) -> list[Labelled]:
        """The files of its folders, where it is folders of image files: `mien.faces.images.labelled_files`.

        Raises:
            UserError: it is something else, or a folder is not laid out as faces are.
        """
        for part in self.parts:
            if is_packed(part.path) or not part.path.is_dir():
                raise UserError(f"{part.path}: no folder of photos; they lie in folders, as split/emotion/*.jpg")
        if not self.parts:
            raise UserError(f"{self.name}: no folder of photos")
        return [file for part in self.parts for file in labelled_files(part.path, part.split, endings)]


def find_source(words: Sequence[str], votes: str | None = None) -> Source:
    """Find the files that the user's words mean, as `mien.faces.spec.FacesSpec` tells them, without reading them.

    Raises:
        UserError: there is no such file or folder, or nothing in it that could be faces.
    """
    kind, _, count = words[0].partition(":")
    if kind == "drawn" and len(words) == 1:
        if count and not (count.isdigit() and int(count) > 0):
            raise UserError(f"{words[0]}: how many faces to draw? for example drawn:2000")
        return Source("drawn", drawn=int(count or DRAWN))
    parts: list[Part] = []
    joined = Path(votes) if votes else None
    for word in words:
        part = _part(word)
        if part.path.is_dir() and not is_packed(part.path):
            files = _data_files(part.path)
            beside = [file for file in part.path.iterdir() if _VOTES_FILE.search(file.name)] if files else []
            joined = joined or next(iter(sorted(beside)), None)
            parts += [Part(file, part.said) for file in files] or [part]
        else:
            parts.append(part)
    path = _part(words[0]).path.resolve()
    name = path.name.partition(".")[0] if len(words) == 1 else path.parent.name
    return Source(name or "faces", tuple(parts), joined)


def read_source(source: Source, reader: FaceReader = READY) -> Faces:
    """Read all of a source into memory, as it is, with the votes that are to be joined.

    Args:
        source: what to read.
        reader: makes faces of a folder's image files.

    Raises:
        UserError: the source cannot be read, or holds mistakes.
    """
    if source.drawn is not None:
        from mien.faces.drawn import draw_faces

        return draw_faces(source.drawn)
    faces = _joined([_read(part, reader) for part in source.parts], source)
    return join_votes(faces, source.votes) if source.votes else faces


def cache_folder() -> Path:
    """Where packed faces are kept: the folder named by MIEN_CACHE, or the user's cache."""
    if place := os.environ.get("MIEN_CACHE"):
        return Path(place)
    from platformdirs import user_cache_path

    return user_cache_path("mien")


def file_records(source: Source) -> list[dict[str, Any]]:
    """For the record: each file's name, bytes and SHA-256; those of a folder count as one file, in their order."""
    records = []
    for path in source.paths():
        digest, size = sha256(), 0
        for file in files_of(path):
            with file.open("rb") as content:
                while chunk := content.read(1 << 20):
                    digest.update(chunk)
                    size += len(chunk)
        records.append({"file": path.name, "bytes": size, "sha256": digest.hexdigest()})
    return records


def _part(word: str) -> Part:
    said, equals, rest = word.partition("=")
    split = split_of_word(said) if equals else None
    path = Path(word if split is None else rest).expanduser()
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    return Part(path, split)


def _data_files(folder: Path) -> list[Path]:
    """The files of a folder that hold its faces: those whose names tell a split, or else the only one there is."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and _DATA_FILE.search(file.name)]
    files = [file for file in files if not _VOTES_FILE.search(file.name)]
    # A file that also lies there unpacked is read unpacked.
    files = [file for file in files if file.with_name(_COMPRESSION.sub("", file.name)) not in {*files} - {file}]
    told = [file for file in files if split_of_file(file.name) is not None]
    if not told and len(files) > 1:
        raise UserError(f"{folder}: which of {', '.join(file.name for file in files)}? name the file")
    return told or files


def _read(part: Part, reader: FaceReader) -> Faces:
    suffix, split = part.path.suffix.lower(), part.split
    if is_packed(part.path):
        faces = read_packed(part.path)
    elif part.path.is_dir():
        faces = read_folder(part.path, split, reader)
    elif suffix == ".npz":
        faces = read_npz(part.path, split)
    elif suffix == ".parquet":
        faces = read_parquet(part.path, split)
    else:
        faces = read_csv(part.path, split)
    if part.said is not None and np.any(faces.splits != part.said):
        inside = " and ".join(faces.counts())
        raise UserError(
            f"{part.path}: given as {SPLITS[part.said]}, but itself tells {inside}; give it without a split"
        )
    return faces


def _joined(parts: list[Faces], source: Source) -> Faces:
    first = parts[0]
    for faces, part in zip(parts, source.parts, strict=True):
        if faces.classes != first.classes:
            raise UserError(
                f"{part.path}: its classes are {', '.join(faces.classes)}, "
                f"but those of {source.parts[0].path} are {', '.join(first.classes)}"
            )
        if faces.size != first.size:
            raise UserError(f"{part.path}: its faces are {faces.size} pixels wide, the first part's {first.size}")
    if len(parts) == 1:
        return replace(first, name=source.name, known_fingerprint=None)
    images, labels, splits = (
        np.concatenate([getattr(faces, field) for faces in parts]) for field in ("images", "labels", "splits")
    )
    joined = in_split_order(images, labels, splits, first.classes, name=source.name)
    return replace(joined, left_out=_sum_of([faces.left_out for faces in parts]))


def _sum_of(counts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """What was left out of several parts, by reason and split."""
    total: dict[str, dict[str, int]] = {}
    for reason, of_part in ((reason, numbers) for part in counts for reason, numbers in part.items()):
        for split, number in of_part.items():
            total.setdefault(reason, {})[split] = total.get(reason, {}).get(split, 0) + number
    return total


def files_of(path: Path) -> list[Path]:
    """A file, or all files below a folder, in order."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
