"""List what holds faces in a folder: tables or arrays of them, folders of images, or an archive."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.disk import in_order
from mien.errors import UserError
from mien.faces.archives import ARCHIVE
from mien.faces.arrays import holds_arrays
from mien.faces.csv import columns_of
from mien.faces.names import split_of_file, split_of_word
from mien.faces.packed import is_packed
from mien.faces.pixel_text import Columns

DATA_FILE = re.compile(r"\.(csv|npz|parquet)(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
"""How the names of files of faces end."""

_COMPRESSION = re.compile(r"\.(gz|bz2|xz|zst)$", re.IGNORECASE)
_VOTES_FILE = re.compile(r"fer2013new\.csv(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
_MAX_DEPTH = 4
"""How many folders may be around the one that holds the faces."""


@dataclass(frozen=True)
class Listing:
    """What to read of a folder.

    Attributes:
        paths: files, or folders of images or of npy files.
        votes: FER+'s file beside files of faces.
        notes: what is not read, one sentence each.
    """

    paths: tuple[Path, ...]
    votes: Path | None = None
    notes: tuple[str, ...] = ()


def list_folder(folder: Path, whole: bool = True) -> Listing:
    """List what holds faces in a folder; the folder itself where nothing in it is certain to hold any.

    Args:
        folder: one that is not packed faces.
        whole: whether it holds all splits, so that the faces may be in folders inside it; else its folders are
            emotions.

    Raises:
        UserError: there are several files of faces, and nothing says which to read.
    """
    return _search(folder, _MAX_DEPTH if whole else 0) or Listing((folder,))


def _search(folder: Path, depth: int) -> Listing | None:
    """What to read of a folder and, down to `depth`, of those inside it; None where nothing holds faces."""
    if is_packed(folder):
        return Listing((folder,))
    entries = in_order(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))
    files, folders = [entry for entry in entries if entry.is_file()], [entry for entry in entries if entry.is_dir()]
    tables = [file for file in files if DATA_FILE.search(file.name) and not _VOTES_FILE.search(file.name)]
    # A compressed file is not read where the same file is there uncompressed.
    tables = [file for file in tables if file.with_name(_COMPRESSION.sub("", file.name)) not in {*tables} - {file}]
    columns = {file: header for file in tables if (header := _header_of(file)) is not None}
    without_pixels = [file for file, header in columns.items() if header.pixels < 0]
    faces = [file for file in tables if file not in without_pixels]
    if faces:
        votes = next((file for file in files if _VOTES_FILE.search(file.name)), None)
        return _of_tables(folder, in_order([*faces, *_other_splits(faces, without_pixels)]), columns, votes)
    notes = tuple(f"{file} holds no pixels and is not read" for file in without_pixels)
    if any(split_of_word(sub.name) is not None for sub in folders) or holds_arrays(folder):
        return Listing((folder,), notes=notes)
    below = [_search(sub, depth - 1) for sub in folders] if depth else []
    inner = [listing for listing in below if listing is not None]
    if len(inner) > 1:
        places = ", ".join(str(listing.paths[0]) for listing in inner)
        raise UserError(f"{folder}: holds several sets of faces: {places}; name one of them, or their splits")
    if inner:
        return Listing(inner[0].paths, inner[0].votes, (*notes, *inner[0].notes))
    # An archive is read only where its unpacked files are not beside it.
    archives = [file for file in files if ARCHIVE.search(file.name)]
    if archives:
        return Listing(tuple(_of_splits(folder, archives)), notes=notes)
    # There is a table without pixels, and no image: the table's reader reports what it lacks.
    return Listing(tuple(without_pixels)) if without_pixels and not folders else None


def _header_of(path: Path) -> Columns | None:
    """The columns of a csv file; None where the file is compressed, cannot be read, or is no csv file."""
    if path.suffix.lower() != ".csv":
        return None
    try:
        with path.open("rb") as file:
            line = re.split(rb"[\r\n]", file.read(1 << 16).removeprefix(b"\xef\xbb\xbf"))[0]
    except OSError:
        return None
    # A compressed file with such a name is examined when it is read.
    return columns_of(line.decode(errors="replace")) if line.isascii() and b"\0" not in line else None


def _other_splits(faces: Sequence[Path], without_pixels: Sequence[Path]) -> list[Path]:
    """Tables without pixels that are named for a split which no table of faces has: their header must be wrong.

    They are read as well, so that the user hears of the mistake.
    """
    present = {split_of_file(file.name) for file in faces}
    if present == {None}:
        return []
    return [file for file in without_pixels if split_of_file(file.name) not in {*present, None}]


def _of_tables(folder: Path, faces: list[Path], columns: Mapping[Path, Columns], votes: Path | None) -> Listing:
    """Which files of faces to read: where one has no labels, the one with all splits, if there is one."""
    unlabelled = [file for file in faces if file in columns and columns[file].emotion < 0 <= columns[file].pixels]
    labelled = [file for file in faces if file not in unlabelled]
    nameless = [file for file in labelled if split_of_file(file.name) is None]
    complete = [file for file in nameless if file in columns and columns[file].usage >= 0]
    if unlabelled and complete:
        [one] = _of_splits(folder, complete)
        others = [file.name for file in faces if file != one]
        rest = f"{', '.join(others)} beside it {'is' if len(others) == 1 else 'are'} not"
        return Listing((one,), votes, (f"{one} holds every split and is read; {rest}",))
    notes = tuple(f"{file} has no labels and is not read" for file in unlabelled) if labelled else ()
    return Listing(tuple(_of_splits(folder, labelled or faces)), votes, notes)


def _of_splits(folder: Path, files: list[Path]) -> list[Path]:
    """The files that are named for a split, or else the only file."""
    named = [file for file in files if split_of_file(file.name) is not None]
    if not named and len(files) > 1:
        raise UserError(f"{folder}: which of {', '.join(file.name for file in files)}? name the file")
    return named or files
