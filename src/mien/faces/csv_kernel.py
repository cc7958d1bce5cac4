r"""Read rows of FER2013's csv files byte by byte; compiled by numba.

Every row ends with "\n", which is no part of any field. So the byte after one of a field can always be read, and
nothing here reads beyond the end of a row.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from mien.compiled import compiled
from mien.faces.fer2013 import EMOTIONS, SIZE

PIXELS = SIZE * SIZE

_CLASSES = np.uint64(len(EMOTIONS))
_USAGES = np.array([b"Training", b"PublicTest", b"PrivateTest"], "S12").view(np.uint8).reshape(3, 12)  # padded by 0

# All are unsigned: a byte below "0" wraps around and is no digit, and indices need no check for a sign.
_ZERO, _NINE, _TEN, _MOST, _ONE = (np.uint64(number) for number in (ord("0"), 9, 10, 255, 1))
_SPACE, _COMMA, _QUOTE, _NEWLINE = (np.uint8(ord(mark)) for mark in ' ,"\n')

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_ROWS = types.void(
    _BYTES,
    types.uint64[::1],
    *[types.int64] * 4,
    types.uint8[:, ::1],
    types.uint8[::1],
    types.uint8[::1],
    types.boolean[::1],
)


@njit(nogil=True)
def _pixels(text: NDArray[np.uint8], at: np.uint64, to: NDArray[np.uint8]) -> np.uint64:
    """Read numbers 0..255 with a space between into `to`; return where they end, 0 if the text is anything else."""
    for place in range(PIXELS):
        if place:
            if text[at] != _SPACE:
                return np.uint64(0)
            at += _ONE
        number = text[at] - _ZERO
        if number > _NINE:
            return np.uint64(0)
        at += _ONE
        digit = text[at] - _ZERO
        if digit <= _NINE:
            number = number * _TEN + digit
            at += _ONE
            digit = text[at] - _ZERO
            if digit <= _NINE:
                number = number * _TEN + digit
                at += _ONE
                if number > _MOST:
                    return np.uint64(0)
        to[place] = number
    return at


@njit(nogil=True)
def _usage(text: NDArray[np.uint8], at: np.uint64) -> tuple[int, np.uint64]:
    """The split of a word of `_USAGES`, and where the word ends; that is 0 for any other word."""
    for split in range(len(_USAGES)):
        word, end, letter = _USAGES[split], at, 0
        while word[letter] and word[letter] == text[end]:
            end += _ONE
            letter += 1
        if not word[letter]:
            return split, end
    return 0, np.uint64(0)


@compiled(_ROWS)
def read_rows(
    text: NDArray[np.uint8],
    cuts: NDArray[np.uint64],
    columns: int,
    emotion: int,
    pixels: int,
    usage: int,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    splits: NDArray[np.uint8],
    good: NDArray[np.bool_],
) -> None:
    """As `mien.faces.csv_vectorised.read_rows`, a byte at a time."""
    for row in range(len(images)):
        at = cuts[row]
        for column in range(columns):
            if column == pixels:
                quoted = text[at] == _QUOTE
                at = _pixels(text, at + np.uint64(quoted), images[row])
                if quoted:
                    at = at + _ONE if text[at] == _QUOTE else np.uint64(0)
            elif column == emotion:
                label = text[at] - _ZERO
                labels[row] = label
                at = at + _ONE if label < _CLASSES else np.uint64(0)
            elif column == usage:
                splits[row], at = _usage(text, at)
            else:
                while text[at] != _COMMA and text[at] != _QUOTE and text[at] != _NEWLINE:
                    at += _ONE
            if at == 0 or text[at] != (_COMMA if column < columns - 1 else _NEWLINE):
                break
            at += _ONE
        good[row] = at == cuts[row + 1]
