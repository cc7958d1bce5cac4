"""Nets: layer words, the networks they make, and the zoo of named nets.

What needs torch is imported on first use, so that reading a run or a study file does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.nets.net import Net
from mien.nets.zoo import SEED_RECIPES, ZOO

if TYPE_CHECKING:
    from mien.nets.model import Model, build, check, missing_weights
    from mien.nets.summaries import Row, parameters, summary, trainable

__all__ = [
    "SEED_RECIPES",
    "ZOO",
    "Model",
    "Net",
    "Row",
    "build",
    "check",
    "missing_weights",
    "parameters",
    "summary",
    "trainable",
]

_HOMES = dict.fromkeys(("Model", "build", "check", "missing_weights"), "mien.nets.model") | dict.fromkeys(
    ("Row", "parameters", "summary", "trainable"), "mien.nets.summaries"
)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
