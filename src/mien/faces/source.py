"""Find the files of a source of faces, and read them."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from mien.disk import in_order, user_path
from mien.errors import UserError
from mien.faces.archives import ARCHIVE, unpacked
from mien.faces.arrays import holds_arrays, read_npy, read_npz
from mien.faces.classes import match_classes, name_classes
from mien.faces.csv import read_csv
from mien.faces.fer2013 import SPLITS
from mien.faces.images import (
    DEFAULT_READER,
    FaceReader,
    Labelled,
    PassedOver,
    labelled_files,
    passed_over,
    read_folder,
)
from mien.faces.listing import list_folder
from mien.faces.names import split_of_file, split_of_word
from mien.faces.packed import SourceFile, is_packed, read_packed
from mien.faces.parquet import read_parquet
from mien.faces.types import Faces, in_split_order
from mien.faces.votes import join_votes

DRAWN = 5000
"""How many faces the source "drawn" has."""


@dataclass(frozen=True)
class Part:
    """A file or folder to read, and the split (index into `SPLITS`) that the user gave for it; None if none."""

    path: Path
    given_split: int | None = None

    @property
    def split(self) -> int | None:
        """The split that the user gave, or else the one in the name; None where there is neither."""
        if self.given_split is not None:
            return self.given_split
        # A folder may have any name ("my test faces"), so only a name that is nothing but a split counts.
        return split_of_word(self.path.name) if self.path.is_dir() else split_of_file(self.path.name)


@dataclass(frozen=True)
class Source:
    """The files of a source.

    Attributes:
        name: of the source, in tables and in the cache.
        parts: the files and folders of faces.
        votes: FER+'s file of votes to join.
        drawn: the number of faces to draw, for the source "drawn"; else None.
        notes: on files that are not read, one sentence each.
    """

    name: str
    parts: tuple[Part, ...] = ()
    votes: Path | None = None
    drawn: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The source in a message: its path if it is one file or folder, else its name."""
        return str(self.parts[0].path) if len(self.parts) == 1 else self.name

    @property
    def packed(self) -> Path | None:
        """The folder, where the source is one folder of packed faces and no votes are joined; else None."""
        return self.parts[0].path if len(self.parts) == 1 and not self.votes and is_packed(self.parts[0].path) else None

    def paths(self) -> list[Path]:
        """The files and folders to read."""
        return [part.path for part in self.parts] + ([self.votes] if self.votes else [])

    def photos(self, suffixes: Collection[str], classes: Sequence[str] = ()) -> tuple[list[Labelled], dict[str, str]]:
        """The image files of the source's folders, by `mien.faces.images.labelled_files`.

        Args:
            suffixes: of the files' names, in lower case.
            classes: what folders' numbers mean, as `mien.faces.classes.name_classes` takes it.

        Returns:
            the files, and the class of each name of a folder.

        Raises:
            UserError: the source is no folder of images, a folder has another layout, or numbers have no names.
        """
        for part in self.parts:
            if ARCHIVE.search(part.path.name):
                raise UserError(f"{part.path}: is an archive; unpack it, and name the folder of its photos")
            if is_packed(part.path) or not part.path.is_dir():
                raise UserError(f"{part.path}: no folder of photos; they lie in folders, as split/emotion/*.jpg")
        if not self.parts:
            raise UserError(f"{self.name}: no folder of photos")
        files = [file for part in self.parts for file in labelled_files(part.path, part.split, suffixes)]
        names = name_classes({file.emotion for file in files}, classes, self.place)
        return [replace(file, emotion=names[file.emotion]) for file in files], names

    def passed_over(self) -> list[tuple[Path, PassedOver]]:
        """The folders of images in which some files are not read, and how many of what kind these are."""
        folders = [part for part in self.parts if part.path.is_dir() and not _holds_no_images(part.path)]
        counts = [
            (part.path, passed_over(part.path, [file.path for file in labelled_files(part.path, part.split)]))
            for part in folders
        ]
        return [(folder, count) for folder, count in counts if count]


def find_source(words: Sequence[str], votes: str | None = None) -> Source:
    """Find the files of a source, without reading them. `mien.faces.spec.FacesSpec` says what `words` may be.

    Raises:
        UserError: there is no such file or folder, or nothing in it could be faces.
    """
    if not words:
        raise UserError("no source of faces is given; name a file, a folder, or drawn")
    kind, _, count = words[0].partition(":")
    if kind == "drawn" and len(words) == 1:
        if count and not (count.isdigit() and int(count) > 0):
            raise UserError(f"{words[0]}: how many faces to draw? for example drawn:2000")
        return Source("drawn", drawn=int(count or DRAWN))
    parts: list[Part] = []
    notes: list[str] = []
    joined = user_path(votes) if votes else None
    for word in words:
        part = _part(word)
        if part.path.is_dir() and not is_packed(part.path):
            listing = list_folder(part.path, whole=part.given_split is None)
            joined = joined or listing.votes
            notes += listing.notes
            parts += [Part(path, part.given_split) for path in listing.paths]
        else:
            parts.append(part)
    path = _part(words[0]).path.resolve()
    name = path.name.partition(".")[0] if len(words) == 1 else path.parent.name
    return Source(name or "faces", tuple(parts), joined, notes=tuple(notes))


def read_source(source: Source, reader: FaceReader = DEFAULT_READER, classes: Sequence[str] = ()) -> Faces:
    """Read all of a source into memory, and join its votes.

    Args:
        source: what to read.
        reader: makes faces of a folder's image files.
        classes: what numbers mean, as `mien.faces.classes.name_classes` takes it; (): FER2013's files have FER2013's.

    Raises:
        UserError: the source cannot be read, holds mistakes, or has numbers without names.
    """
    if source.drawn is not None:
        from mien.faces.drawn import draw_faces

        drawn: Faces = draw_faces(source.drawn)
        return match_classes([drawn], ["drawn"], classes, "drawn")[0]
    _check_folders(source, reader, classes)
    parts = [faces for part in source.parts for faces in _read(part, reader, not classes)]
    faces = _joined(parts, [part.path for part in source.parts], classes, source)
    faces = join_votes(faces, source.votes) if source.votes else faces
    return replace(faces, notes=(*source.notes, *faces.notes))


def source_files(source: Source) -> list[SourceFile]:
    """Name, bytes and SHA-256 of each file of a source; the files of a folder count as one, in order."""
    records = []
    for path in source.paths():
        digest, size = sha256(), 0
        for file in files_of(path):
            with file.open("rb") as content:
                while chunk := content.read(1 << 20):
                    digest.update(chunk)
                    size += len(chunk)
        records.append(SourceFile(path.name, size, digest.hexdigest()))
    return records


def _part(word: str) -> Part:
    split_word, equals, rest = word.partition("=")
    split = split_of_word(split_word) if equals else None
    path = user_path(word if split is None else rest)
    if not os.path.exists(path):  # noqa: PTH110 - pathlib's raises where a folder on the way may not be read
        raise UserError(f"{path}: no such file or folder")
    return Part(path, split)


def _check_folders(source: Source, reader: FaceReader, classes: Sequence[str]) -> None:
    """Check the names of folders before their images are read, which may take long."""
    folders = [part for part in source.parts if part.path.is_dir() and not _holds_no_images(part.path)]
    if folders and (not classes or len(folders) == len(source.parts)):
        files = [file for part in folders for file in labelled_files(part.path, part.split, reader.suffixes)]
        name_classes({file.emotion for file in files}, classes, source.place)


def _holds_no_images(folder: Path) -> bool:
    return is_packed(folder) or holds_arrays(folder)


def _read(part: Part, reader: FaceReader, named: bool) -> list[Faces]:
    """The faces of a part; an archive may have several. Their classes are not matched yet."""
    path, suffix, split = part.path, part.path.suffix.lower(), part.split
    if is_packed(path):
        faces = read_packed(path)
    elif path.is_dir():
        faces = read_npy(path, split) if holds_arrays(path) else read_folder(path, split, reader)
    elif ARCHIVE.search(path.name):
        return _read_archive(part, reader, named)
    elif suffix == ".npz":
        faces = read_npz(path, split)
    elif suffix == ".npy":
        raise UserError(f"{path}: is one array; name its folder, which holds images.npy and labels.npy")
    elif suffix == ".parquet":
        faces = read_parquet(path, split, named)
    else:
        faces = read_csv(path, split, named)
    if part.given_split is not None and np.any(faces.splits != part.given_split):
        inside = " and ".join(faces.counts())
        raise UserError(f"{path}: given as {SPLITS[part.given_split]}, but it holds {inside}; give it without a split")
    return [faces]


def _read_archive(part: Part, reader: FaceReader, named: bool) -> list[Faces]:
    """The faces in a zip or tar file, read as those of the folder that it unpacks to."""
    with unpacked(part.path) as folder:
        try:
            listing = list_folder(folder, whole=part.given_split is None)
            if inner := next((path for path in listing.paths if ARCHIVE.search(path.name)), None):
                raise UserError(f"{inner}: is an archive within an archive; unpack the outer one yourself")
            parts = [Part(path, part.given_split) for path in listing.paths]
            # A file in train.zip that names no split is of train.
            parts = [one if one.split is not None else replace(one, given_split=part.split) for one in parts]
            read = [faces for one in parts for faces in _read(one, reader, named)]
            if listing.votes:
                read = [join_votes(_joined(read, listing.paths, (), Source(part.path.name)), listing.votes)]
        except UserError as error:
            raise UserError(str(error).replace(str(folder), str(part.path))) from None
        notes = [note.replace(str(folder), str(part.path)) for note in listing.notes]
        read[0] = replace(read[0], notes=(*notes, *read[0].notes))
        # Packed faces are memory-mapped from the folder, which is removed.
        return [replace(faces, images=np.array(faces.images)) for faces in read]


def _joined(parts: Sequence[Faces], places: Sequence[Path], classes: Sequence[str], source: Source) -> Faces:
    """Join all parts of a source; their classes are matched by name."""
    places = places if len(places) == len(parts) else [Path(part.name) for part in parts]
    parts = match_classes(parts, places, classes, source.place)
    first = parts[0]
    for faces, place in zip(parts, places, strict=True):
        if faces.size != first.size:
            raise UserError(f"{place}: its faces are {faces.size} pixels wide, the first part's {first.size}")
    if len(parts) == 1:
        return replace(first, name=source.name)
    images, labels, splits = (
        np.concatenate([getattr(faces, field) for faces in parts]) for field in ("images", "labels", "splits")
    )
    joined = in_split_order(images, labels, splits, first.classes, name=source.name)
    notes = dict.fromkeys(note for faces in parts for note in faces.notes)
    return replace(joined, left_out=_sum_of([faces.left_out for faces in parts]), notes=tuple(notes))


def _sum_of(counts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The sum of what was left out of several parts, by reason and split."""
    total: dict[str, dict[str, int]] = {}
    for reason, of_part in ((reason, numbers) for part in counts for reason, numbers in part.items()):
        for split, number in of_part.items():
            total.setdefault(reason, {})[split] = total.get(reason, {}).get(split, 0) + number
    return total


def files_of(path: Path) -> list[Path]:
    """A file, or all files below a folder, in order."""
    return in_order(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
