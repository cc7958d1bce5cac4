"""Numbers written as text, to bytes: FER2013's field of 2,304 pixels, at memory's speed rather than Python's."""

import threading

import numpy as np
from numpy.typing import NDArray


class PixelParser(threading.local):
    """Reads gray values 0..255 out of the pixel fields of many lines at once.

    A number is computed where its last digit stands, out of that byte and the two before it, for every byte of the text
    alike; then those places alone are picked. So nothing loops over numbers, and nothing branches on digits. Arrays as
    long as the text are kept for the next text, one set a thread: fresh memory would cost as much as the work.

    Args:
        count: numbers in a field.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.bytes = np.empty((3, 0), np.uint8)
        self.flags = np.empty((3, 0), np.bool_)

    def parse(self, text: bytearray, starts: list[int], stops: list[int]) -> NDArray[np.uint8] | None:
        """Parse the fields `text[start:stop]`, between which only spaces stand.

        Returns:
            uint8 [n, count], one row a field; None unless each field is `count` numbers 0..255 of at most three digits
            parted by spaces.
        """
        if len(text) > self.bytes.shape[1]:
            self.bytes = np.empty((3, len(text)), np.uint8)
            self.flags = np.empty((3, len(text)), np.bool_)
        digit, hundreds, below = self.bytes[:, : len(text)]
        is_digit, flag, four = self.flags[:, : len(text)]
        byte = np.frombuffer(text, np.uint8)

        np.equal(byte, ord(" "), out=flag)
        spaces = np.count_nonzero(flag)
        np.subtract(byte, np.uint8(ord("0")), out=digit)
        np.less(digit, 10, out=is_digit)
        if spaces + np.count_nonzero(is_digit) != len(text):
            return None
        np.multiply(digit, is_digit, out=digit)

        np.logical_and(is_digit[1:], is_digit[:-1], out=flag[1:])
        hundreds[:2] = 0
        np.multiply(digit[:-2], flag[2:], out=hundreds[2:])
        if hundreds.max() > 2 or np.logical_and(flag[3:], flag[1:-2], out=four[3:]).any():  # four digits
            return None
        np.greater(is_digit[:-1], is_digit[1:], out=flag[:-1])
        flag[-1] = is_digit[-1]
        found = np.flatnonzero(flag)
        if found.size != len(starts) * self.count:
            return None
        ends = found.reshape(len(starts), self.count)
        if np.any(ends[:, 0] < starts) or np.any(ends[:, -1] >= stops):
            return None

        # One byte holds a number up to 255; what is larger wraps around to less than its last two digits.
        below[0] = digit[0]
        np.multiply(digit[:-1], np.uint8(10), out=below[1:])
        np.add(below[1:], digit[1:], out=below[1:])
        np.multiply(hundreds, np.uint8(100), out=hundreds)
        np.add(hundreds, below, out=hundreds)
        return None if np.less(hundreds, below, out=flag).any() else hundreds[ends]


def pixel_mistakes(text: str, count: int) -> list[str]:
    """What is wrong with one pixel field, in words; [] if it is `count` numbers 0..255 with white space between."""
    words = text.split()
    mistakes = [] if len(words) == count else [f"{len(words):,} pixels, {count:,} expected"]
    wrong = [place for place, word in enumerate(words) if not _is_gray(word)]
    if wrong:
        more = f" (and {len(wrong) - 1:,} more in this row)" if len(wrong) > 1 else ""
        mistakes.append(f"pixel {wrong[0] + 1:,} is {shown(words[wrong[0]])}, 0..255 expected{more}")
    return mistakes


def shown(word: str) -> str:
    """A word as a message shows it: quoted, and short."""
    return repr(word if len(word) <= 20 else word[:20] + "...")


def _is_gray(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= 255
