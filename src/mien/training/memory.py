"""Keep the process's memory: what a training step frees, the next one takes again."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_NEVER = 2**31 - 1


def keep_memory() -> None:
    """Tell glibc's malloc to hand no memory back to the system while the process lives.

    A step's activations are tens of megabytes, freed and taken again each step. By default glibc maps and unmaps every
    block of that size, and each page is faulted in and zeroed anew: almost half of the time of a step of a small
    convolutional net (docs/decisions/0003-fast-step.md). Elsewhere than on glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
        libc.mallopt(_M_ARENA_MAX, 1)
