"""Faces in: the `Faces` type, readers for every common form of them, the drawn faces, audit and look."""

from mien.faces.packed import read_packed, write_packed
from mien.faces.source import open_faces
from mien.faces.types import EIGHT, EMOTIONS, SIZE, SPLITS, VOTES, Faces, in_split_order

__all__ = [
    "EIGHT",
    "EMOTIONS",
    "SIZE",
    "SPLITS",
    "VOTES",
    "Faces",
    "in_split_order",
    "open_faces",
    "read_packed",
    "write_packed",
]
