"""mien: a workbench for facial expression recognition."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.predict.predictor import Predictor as Predictor

__version__ = "0.1.0"

# onnxruntime reports its use to its makers unless this stands before its first import. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    """`mien.Predictor`, imported on first use."""
    if name == "Predictor":
        from mien.predict.predictor import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
