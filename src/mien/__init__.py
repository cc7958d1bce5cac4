"""mien: a workbench for facial expression recognition."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.faces.spec import open_faces as open_faces
    from mien.faces.types import Faces as Faces
    from mien.predict.predictor import Predictor as Predictor

__version__ = "0.1.0"

# onnxruntime reports its use to its makers unless this stands before its first import. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_PLACES = {
    "Faces": "mien.faces.types",
    "Predictor": "mien.predict.predictor",
    "open_faces": "mien.faces.spec",
}
"""The modules of the names that `mien` gives; each is imported when its name is first used."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES} - {"Any", "TYPE_CHECKING", "os"})
