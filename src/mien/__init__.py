"""mien: a workbench for facial expression recognition."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.predict.predictor import Predictor as Predictor

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`mien.Predictor`, imported when it is first asked for."""
    if name == "Predictor":
        from mien.predict.predictor import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
