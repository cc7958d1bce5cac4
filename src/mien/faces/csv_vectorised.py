r"""Read rows of FER2013's csv files by numpy alone, where numba is not installed.

It accepts what the kernel (`mien.faces.csv_kernel`) accepts, to the same numbers. The bytes of many rows are looked at
together: separators are found and counted, and each pixel's digits are summed for all rows at once.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mien.faces.fer2013 import EMOTIONS, SIZE

PIXELS = SIZE * SIZE

_USAGES = [np.frombuffer(word, np.uint8) for word in (b"Training", b"PublicTest", b"PrivateTest")]
_SPACE, _COMMA, _QUOTE, _NEWLINE, _ZERO = (np.uint8(ord(mark)) for mark in ' ,"\n0')

Places = NDArray[np.int64]
"""Indices of bytes."""


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
    r"""Read those of the n rows text[cuts[k]:cuts[k + 1]] that are in the common form, and mark them.

    Args:
        text: uint8 [bytes].
        cuts: uint64 [n + 1]; a "\n" stands before each but the first.
        columns: how many columns there are.
        emotion: the index of this column, -1 where there is none.
        pixels: the same.
        usage: the same.
        images: uint8 [n, 2304], filled.
        labels: uint8 [n], filled.
        splits: uint8 [n], filled.
        good: bool [n], filled: whether the row is in the common form. Of other rows the other arrays hold anything.
    """
    part = text[cuts[0] : cuts[-1]]
    bounds = (cuts - cuts[0]).astype(np.int64)
    begins, ends = bounds[:-1], bounds[1:] - 1  # each row's "\n" stands at its end
    marks = np.flatnonzero(part - _ZERO > 9)  # all that is no digit; smaller bytes wrap around
    kinds = part[marks]
    commas = marks[kinds == _COMMA]
    rows = np.flatnonzero(
        (_count(commas, begins, ends) == columns - 1) & (_count(marks[kinds == _NEWLINE], begins, ends) == 0)
    )
    begins, ends = begins[rows], ends[rows]
    edges = np.empty((len(rows), columns + 1), np.int64)
    edges[:, 0], edges[:, -1] = begins - 1, ends
    edges[:, 1:-1] = commas[np.searchsorted(commas, begins)[:, None] + np.arange(columns - 1)]

    first, end = edges[:, pixels] + 1, edges[:, pixels + 1]
    quoted = (end - first >= 2) & (part[first] == _QUOTE) & (part[end - 1] == _QUOTE)
    correct = _count(marks[kinds == _QUOTE], begins, ends) == 2 * quoted
    if emotion >= 0:
        place, number = edges[:, emotion] + 1, part[edges[:, emotion] + 1] - _ZERO
        correct &= (edges[:, emotion + 1] - place == 1) & (number < len(EMOTIONS))
        labels[rows] = number
    if usage >= 0:
        splits[rows], known = _splits(part, edges[:, usage] + 1, edges[:, usage + 1])
        correct &= known
    first, end = first + quoted, end - quoted
    correct &= _count(marks, first, end) == PIXELS - 1
    if correct.any():
        images[rows[correct]], good[rows[correct]] = _pixels(part, marks, kinds, first[correct])


def _count(places: Places, begins: Places, ends: Places) -> NDArray[np.int64]:
    """How many of the sorted places lie in each range, int64 [n]."""
    return np.searchsorted(places, ends) - np.searchsorted(places, begins)


def _splits(part: NDArray[np.uint8], begins: Places, ends: Places) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The splits that words of `Usage` name, uint8 [n], and whether each word is one of them, bool [n]."""
    splits, known = np.zeros(len(begins), np.uint8), np.zeros(len(begins), bool)
    for split, word in enumerate(_USAGES):
        rows = np.flatnonzero(ends - begins == len(word))
        rows = rows[(part[begins[rows, None] + np.arange(len(word))] == word).all(axis=1)]
        splits[rows], known[rows] = split, True
    return splits, known


def _pixels(
    part: NDArray[np.uint8], marks: Places, kinds: NDArray[np.uint8], begins: Places
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The numbers of fields with 2,303 marks in each, uint8 [n, 2304], and whether each field is correct, bool [n].

    Args:
        part: the bytes.
        marks: the places of all that are no digits.
        kinds: the bytes at these places.
        begins: of the fields, one at least.
    """
    digits = part - _ZERO
    is_digit = digits <= 9
    digits *= is_digit
    sums = digits.astype(np.uint16)  # of up to three digits that end at each byte
    sums[1:] += np.uint16(10) * digits[:-1]
    sums[2:] += np.uint16(100) * (digits[:-2] * is_digit[1:-1])
    numbers, lengths = sums[marks - 1], np.diff(marks, prepend=-1) - 1  # what ends at each mark
    fine = (lengths >= 1) & (lengths <= 3) & (numbers <= 255)
    first = np.searchsorted(marks, begins)
    numeric = np.all(sliding_window_view(fine, PIXELS)[first], axis=1)
    spaced = np.all(sliding_window_view(kinds == _SPACE, PIXELS - 1)[first], axis=1)
    return sliding_window_view(numbers.astype(np.uint8), PIXELS)[first], numeric & spaced
