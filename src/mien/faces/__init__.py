"""Faces in: the `Faces` type, readers for every common form of them, the drawn faces, audit and look.

Each name is imported when it is first asked for: predicting takes from here how an image is made small, and no reader.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.faces.packed import read_packed, write_packed
    from mien.faces.spec import FacesSpec, open_faces
    from mien.faces.types import EIGHT, EMOTIONS, SIZE, SPLITS, VOTES, Faces, in_split_order

__all__ = [
    "EIGHT",
    "EMOTIONS",
    "SIZE",
    "SPLITS",
    "VOTES",
    "Faces",
    "FacesSpec",
    "in_split_order",
    "open_faces",
    "read_packed",
    "write_packed",
]

_PLACES = {"FacesSpec": "spec", "open_faces": "spec", "read_packed": "packed", "write_packed": "packed"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mien.faces.{_PLACES.get(name, 'types')}"), name)
