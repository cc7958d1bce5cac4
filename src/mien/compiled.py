"""Compiling a function by numba, wherever its result can be kept."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit


def compiled(signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile at once, for calls without the interpreter's lock; keep the result on disk where a folder allows it."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            kernel: Callable[..., Any] = njit(signature, nogil=True, cache=_can_keep(function))(function)
        except (RuntimeError, OSError):  # numba finds no folder that it can write to
            kernel = njit(signature, nogil=True)(function)
        return kernel

    return decorate


def _can_keep(function: Callable[..., Any]) -> bool:
    """Whether numba has a folder for the result: where there is no home, it makes one that is called ~, here."""
    beside = Path(function.__code__.co_filename).parent
    return "NUMBA_CACHE_DIR" in os.environ or os.access(beside, os.W_OK) or os.path.expanduser("~") != "~"  # noqa: PTH111
