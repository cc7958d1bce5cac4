"""Compile a function with numba, and cache the result on disk where that is possible."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit


def compiled(signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function at import, to run without the interpreter's lock; cache it where a folder is writable.

    Args:
        signature: numba's types of the arguments and the result.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            kernel: Callable[..., Any] = njit(signature, nogil=True, cache=_can_cache(function))(function)
        except (RuntimeError, OSError):  # numba finds no folder that it can write to
            kernel = njit(signature, nogil=True)(function)
        return kernel

    return decorate


def _can_cache(function: Callable[..., Any]) -> bool:
    """Whether numba has a folder for its cache. Where there is no home, it would make a folder named ~ right here."""
    beside = Path(function.__code__.co_filename).parent
    return "NUMBA_CACHE_DIR" in os.environ or os.access(beside, os.W_OK) or os.path.expanduser("~") != "~"  # noqa: PTH111
