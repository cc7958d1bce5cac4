"""mien: a workbench for facial expression recognition."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.api.evaluation import evaluate as evaluate
    from mien.api.results import StudyResults as StudyResults
    from mien.api.study import Study as Study
    from mien.faces.spec import open_faces as open_faces
    from mien.faces.types import Faces as Faces
    from mien.predict.predictor import Predictor as Predictor

__version__ = "0.1.0"

_PLACES = {
    "Faces": "mien.faces.types",
    "Predictor": "mien.predict.predictor",
    "Study": "mien.api.study",
    "StudyResults": "mien.api.results",
    "evaluate": "mien.api.evaluation",
    "open_faces": "mien.faces.spec",
}
"""The modules of the names that `mien` gives; each is imported when its name is first used."""

# onnxruntime reports its use to its makers unless this stands before its first import. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    """`mien.Study` and the others, each imported on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_PLACES[name]), name)
    except ModuleNotFoundError as error:
        from mien.extras import explained

        raise explained(error) or error from None


def __dir__() -> list[str]:
    """The names in the module, those that are imported on first use too."""
    return sorted({*globals(), *_PLACES} - {"Any", "TYPE_CHECKING", "import_module", "os"})
