"""Augmentation: random changes of each face, every time that it is trained on.

What needs torch is imported at its first use, so that reading a recipe does not wait for it.
"""

from typing import TYPE_CHECKING, Any

from mien.augmentation.registry import GENERATORS, WORDS, check

if TYPE_CHECKING:
    from mien.augmentation.apply import Augmentation

__all__ = ["GENERATORS", "WORDS", "Augmentation", "check"]


def __getattr__(name: str) -> Any:
    if name != "Augmentation":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mien.augmentation.apply import Augmentation

    return Augmentation
