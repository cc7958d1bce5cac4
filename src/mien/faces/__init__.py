"""Read faces: the `Faces` type, readers of every common form, the drawn faces, audits and contact sheets.

Names are imported when they are first used, so that predicting, which needs little of this, loads no reader.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.faces.fer2013 import EIGHT, EMOTIONS, SIZE, SPLITS, VOTES
    from mien.faces.packed import read_packed, write_packed
    from mien.faces.spec import FacesSpec, open_faces
    from mien.faces.types import Faces, in_split_order

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

_PLACES = {
    "Faces": "types",
    "FacesSpec": "spec",
    "in_split_order": "types",
    "open_faces": "spec",
    "read_packed": "packed",
    "write_packed": "packed",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mien.faces.{_PLACES.get(name, 'fer2013')}"), name)
