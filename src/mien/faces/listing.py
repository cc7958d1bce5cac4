"""What of a folder holds faces: tables and arrays of them, folders of images, or an archive, as people have them."""

import re
from dataclasses import dataclass
from pathlib import Path

from mien.errors import UserError
from mien.faces.archives import ARCHIVE
from mien.faces.arrays import holds_arrays
from mien.faces.csv import Columns, columns_of
from mien.faces.names import split_of_file, split_of_word
from mien.faces.packed import is_packed

DATA_FILE = re.compile(r"\.(csv|npz|parquet)(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
"""How the names of files of faces end."""

_COMPRESSION = re.compile(r"\.(gz|bz2|xz|zst)$", re.IGNORECASE)
_VOTES_FILE = re.compile(r"fer2013new\.csv(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)
_DEPTH = 4
"""How many folders may stand around the one that holds the faces."""


@dataclass(frozen=True)
class Listing:
    """What of a folder is to be read.

    Attributes:
        paths: files, or folders of images or of npy files.
        votes: FER+'s file beside files of faces.
        notes: what was passed over, a sentence each.
    """

    paths: tuple[Path, ...]
    votes: Path | None = None
    notes: tuple[str, ...] = ()


def list_folder(folder: Path, whole: bool = True) -> Listing:
    """Find what of a folder holds faces; the folder itself where nothing in it does for certain.

    Args:
        folder: no packed faces.
        whole: whether it holds all splits, so that the faces may lie one folder further down; else its folders are
            emotions.

    Raises:
        UserError: there are several files of faces, and nothing tells which to read.
    """
    return _search(folder, _DEPTH if whole else 0) or Listing((folder,))


def header_of(path: Path) -> Columns | None:
    """The columns of a csv file; None where that takes more than a look: it is compressed, or not a csv."""
    if path.suffix.lower() != ".csv":
        return None
    try:
        with path.open("rb") as file:
            line = re.split(rb"[\r\n]", file.read(1 << 16).removeprefix(b"\xef\xbb\xbf"))[0]
    except OSError:
        return None
    # What is compressed, whatever its name, is looked at when it is read.
    return columns_of(line.decode(errors="replace")) if line.isascii() and b"\0" not in line else None


def _search(folder: Path, deeper: int) -> Listing | None:
    if is_packed(folder):
        return Listing((folder,))
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "__")))
    files, folders = [entry for entry in entries if entry.is_file()], [entry for entry in entries if entry.is_dir()]
    tables = [file for file in files if DATA_FILE.search(file.name) and not _VOTES_FILE.search(file.name)]
    # A file that also lies there unpacked is read unpacked.
    tables = [file for file in tables if file.with_name(_COMPRESSION.sub("", file.name)) not in {*tables} - {file}]
    columns = {file: found for file in tables if (found := header_of(file)) is not None}
    without_pixels = [file for file, found in columns.items() if found.pixels < 0]
    faces = [file for file in tables if file not in without_pixels]
    if faces:
        # A table of a split that no other tells is one with a wrong header: it is not to be missed.
        told = {split_of_file(file.name) for file in faces}
        if told != {None}:
            faces = sorted(
                [*faces, *(file for file in without_pixels if split_of_file(file.name) not in {*told, None})]
            )
        votes = next((file for file in files if _VOTES_FILE.search(file.name)), None)
        return _of_tables(folder, faces, columns, votes)
    notes = tuple(f"{file} holds no pixels and is not read" for file in without_pixels)
    if any(split_of_word(sub.name) is not None for sub in folders) or holds_arrays(folder):
        return Listing((folder,), notes=notes)
    below = [_search(sub, deeper - 1) for sub in folders] if deeper else []
    inner = [one for one in below if one is not None]
    if len(inner) > 1:
        places = ", ".join(str(one.paths[0]) for one in inner)
        raise UserError(f"{folder}: holds several sets of faces: {places}; name one of them, or their splits")
    if inner:
        return Listing(inner[0].paths, inner[0].votes, (*notes, *inner[0].notes))
    # An archive that is unpacked beside itself is not read a second time.
    archives = [file for file in files if ARCHIVE.search(file.name)]
    if archives:
        return Listing(tuple(_of_splits(folder, archives)), notes=notes)
    # A table without pixels, and no image anywhere: whoever reads the table says what it lacks.
    return Listing(tuple(without_pixels)) if without_pixels and not folders else None


def _of_tables(folder: Path, faces: list[Path], columns: dict[Path, Columns], votes: Path | None) -> Listing:
    """Which files of faces to read: where one has no labels, the one that is complete, if there is one."""
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
    """The files whose names tell a split, or else the only one there is."""
    told = [file for file in files if split_of_file(file.name) is not None]
    if not told and len(files) > 1:
        raise UserError(f"{folder}: which of {', '.join(file.name for file in files)}? name the file")
    return told or files
