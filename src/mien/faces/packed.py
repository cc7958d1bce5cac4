"""Packed faces: a folder of plain NumPy arrays, which opens in milliseconds, memory-mapped."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.disk import read_json, whole_folder, write_json
from mien.errors import UserError
from mien.faces.fer2013 import SPLITS, VOTES
from mien.faces.types import Faces

VERSION = 1
HEAD = "faces.json"


@dataclass(frozen=True)
class SourceFile:
    """A file that faces were read from, as faces.json lists it: its name, bytes and SHA-256 (hex)."""

    file: str
    bytes: int
    sha256: str


def is_packed(folder: Path) -> bool:
    """Whether a folder holds packed faces."""
    return os.path.isfile(folder / HEAD)  # noqa: PTH113 - pathlib's raises where it may not look


def check_replaceable(folder: Path) -> None:
    """Raise a UserError if the folder exists and holds anything but packed faces; an empty one may be replaced."""
    if folder.exists() and not is_packed(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder}: exists and holds no packed faces; choose another folder, or remove it first")


def write_packed(faces: Faces, folder: Path, sources: Sequence[SourceFile] = ()) -> None:
    """Write faces into a folder: images.npy, labels.npy, splits.npy, votes.npy where there are votes, and faces.json.

    The folder appears when all is written. Packed faces that are there are replaced.

    Args:
        faces: what to write.
        folder: where; a folder that holds anything but packed faces is not replaced.
        sources: the files that the faces were read from, to be listed in faces.json.

    Raises:
        UserError: the folder may not be replaced, the disk is full, or writing is not allowed.
    """
    check_replaceable(folder)
    arrays = {"images": faces.images, "labels": faces.labels, "splits": faces.splits, "votes": faces.votes}
    head = {
        "format": VERSION,
        "name": faces.name,
        "faces": len(faces),
        "size": faces.size,
        "classes": faces.classes,
        "votes": faces.votes is not None,
        "fingerprint": faces.fingerprint,
        "counts": faces.counts(),
        "left_out": faces.left_out,
        "notes": list(faces.notes),
        "sources": [asdict(source) for source in sources],
    }
    try:
        with whole_folder(folder) as temporary:
            for name, array in arrays.items():
                if array is not None:
                    np.save(temporary / f"{name}.npy", array, allow_pickle=False)
            write_json(temporary / HEAD, head)
    except OSError as error:
        needed = sum(array.nbytes for array in arrays.values() if array is not None)
        raise UserError(
            f"{folder}: cannot be written ({error.strerror or error}); it takes {needed / 1e6:,.1f} MB, "
            f"{_free(folder) / 1e6:,.1f} MB are free there"
        ) from None


def read_packed(folder: Path) -> Faces:
    """Open packed faces; their images stay on disk, memory-mapped and read-only.

    Raises:
        UserError: the folder holds no packed faces, damaged ones, or ones of another version.
    """
    if not is_packed(folder):
        raise UserError(f"{folder}: no packed faces here; make them by: mien faces import SOURCE -o {folder}")
    try:
        head = read_json(folder / HEAD)
        if head["format"] != VERSION:
            raise UserError(
                f"{folder}: packed in format {head['format']}, this mien reads {VERSION}; import the faces again"
            )
        rows, size, classes = head["faces"], head["size"], tuple(head["classes"])
        faces = Faces(
            images=_array(folder / "images.npy", (rows, size, size), mapped=True),
            labels=_array(folder / "labels.npy", (rows,)),
            splits=_array(folder / "splits.npy", (rows,)),
            classes=classes,
            votes=_array(folder / "votes.npy", (rows, len(VOTES))) if head["votes"] else None,
            name=head["name"],
            left_out=head.get("left_out", {}),
            notes=tuple(head.get("notes", ())),
        ).with_fingerprint(head["fingerprint"])
        if rows and (faces.labels.max() >= len(classes) or faces.splits.max() >= len(SPLITS)):
            raise ValueError("labels or splits are out of range")
        if head["counts"] != faces.counts():
            raise ValueError("labels or splits were changed")
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise UserError(f"{folder}: damaged packed faces ({error}); import them again") from None
    return faces


def _array(path: Path, shape: tuple[int, ...], mapped: bool = False) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    if array.dtype != np.uint8 or array.shape != shape:
        raise ValueError(f"{path.name} is {array.dtype} {list(array.shape)}, uint8 {list(shape)} expected")
    return array


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.absolute().parent
    return shutil.disk_usage(folder).free
