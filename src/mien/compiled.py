"""Compiling a function by numba, wherever its result can be kept."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(signature: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile at once, for calls without the interpreter's lock; keep the result on disk where a folder allows it."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            kernel: Callable[..., Any] = njit(signature, nogil=True, cache=True)(function)
        except (RuntimeError, OSError):  # numba finds no folder that it can write to
            kernel = njit(signature, nogil=True)(function)
        return kernel

    return decorate
