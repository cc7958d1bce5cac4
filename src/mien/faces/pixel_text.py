"""FER2013's text of pixels: 2,304 numbers 0..255 with spaces between, in rows of a csv file or a parquet column.

Rows in the common form are read by numpy, or, of long texts and where numba is installed, by a compiled kernel
(`read_rows`, about 2 GB/s on two cores, four times as fast).
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from mien.errors import counted
from mien.faces.fer2013 import SIZE
from mien.faces.mistakes import quoted

PIXELS = SIZE * SIZE

KERNEL_MIN_BYTES = 8_000_000
"""The least text, in bytes, for which the kernel saves more time than its import takes."""

_ROWS_PER_TASK = 512
_GRAYS = frozenset(map(str, range(256)))


@dataclass(frozen=True)
class Columns:
    """The number of columns of a table, and the indices of the known ones; -1 where there is none."""

    count: int
    pixels: int
    emotion: int = -1
    usage: int = -1
    separator: str = ","


@dataclass(frozen=True)
class Rows:
    """The content of n rows.

    Attributes:
        pixels: uint8 [n, 2304].
        labels: uint8 [n].
        splits: uint8 [n].
        good: bool [n]: whether the row has been read; the other arrays hold anything in rows that have not.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    good: NDArray[np.bool_]


def read_rows(text: bytes | mmap, cuts: NDArray[np.uint64], columns: Columns) -> Rows:
    """Read the pieces text[cuts[k]:cuts[k + 1]] that are rows in FER2013's own form.

    Args:
        text: where the columns are separated by anything but a comma, no row is read.
        cuts: uint64 [n + 1].
        columns: of the rows.
    """
    count = len(cuts) - 1
    rows = Rows(
        np.empty((count, PIXELS), np.uint8), np.empty(count, np.uint8), np.empty(count, np.uint8), np.zeros(count, bool)
    )
    if columns.separator != ",":
        return rows
    read_part = _reader(len(text))
    content = np.frombuffer(text, np.uint8)
    ended = count if text[-1:] == b"\n" else count - 1

    def read(first: int) -> None:
        part = slice(first, min(first + _ROWS_PER_TASK, ended))
        read_part(
            content,
            cuts[first : part.stop + 1],
            columns.count,
            columns.emotion,
            columns.pixels,
            columns.usage,
            rows.pixels[part],
            rows.labels[part],
            rows.splits[part],
            rows.good[part],
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(read, range(0, ended, _ROWS_PER_TASK)))
    return rows


def _reader(size: int) -> Callable[..., None]:
    """What reads rows of a text of so many bytes: the kernel, or what takes the same arguments."""
    from mien.faces import csv_vectorised

    if size < KERNEL_MIN_BYTES:
        return csv_vectorised.read_rows
    try:
        from mien.faces import csv_kernel
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        return csv_vectorised.read_rows
    kernel: Callable[..., None] = csv_kernel.read_rows
    return kernel


def pixel_mistakes(text: str) -> list[str]:
    """What is wrong with a face's text of pixels; [] if it is 2,304 numbers 0..255 with white space between."""
    words = text.split()
    mistakes = [] if len(words) == PIXELS else [f"{counted(len(words), 'pixel')}, {PIXELS:,} expected"]
    wrong = [place for place, word in enumerate(words) if word not in _GRAYS and not _is_gray(word)]
    if wrong:
        more = f" (and {len(wrong) - 1:,} more in this row)" if len(wrong) > 1 else ""
        mistakes.append(f"pixel {wrong[0] + 1:,} is {quoted(words[wrong[0]])}, 0..255 expected{more}")
    return mistakes


def _is_gray(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= 255
