"""FER2013's csv files: columns `emotion`, `pixels` and perhaps `Usage`, one face a line.

Rows in the common form are read by a compiled kernel (`read_rows`, about 2 GB/s on two cores). Every other line is
looked at on its own (`_read_the_others`), which takes all forms that mean the same and otherwise names what is wrong.
"""

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.names import split_of_word
from mien.faces.pixels import pixel_mistakes, shown
from mien.faces.problems import Problems
from mien.faces.streams import read_text
from mien.faces.types import EMOTIONS, SIZE, Faces, in_split_order

PIXELS = SIZE * SIZE

KERNEL_FROM = 8_000_000
"""Bytes of text from which on the kernel saves more time than its import takes."""

_BOM = b"\xef\xbb\xbf"
_LABELS = {str(number): number for number in range(len(EMOTIONS))}
_ROWS_AT_A_TIME = 512


@dataclass(frozen=True)
class Columns:
    """How many columns there are and where the known ones stand; -1 where there is none."""

    count: int
    pixels: int
    emotion: int = -1
    usage: int = -1


@dataclass(frozen=True)
class Rows:
    """What n rows hold: pixels uint8 [n, 2304], labels uint8 [n], splits uint8 [n]; void where good bool [n] is not."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    good: NDArray[np.bool_]


def read_csv(path: Path, split: int | None = None) -> Faces:
    """Read one csv file, plain or compressed, whose first line names the columns (in any order and case).

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, for a file without a column `Usage`.

    Returns:
        Faces with images uint8 [N, 48, 48] and FER2013's seven classes.

    Raises:
        UserError: the file cannot be read or holds mistakes; all are counted, the first ten listed.
    """
    text = read_text(path)
    body = text.find(b"\n") + 1 or len(text)
    columns = _columns(text[:body].removeprefix(_BOM), path)
    if columns.usage < 0 and split is None:
        raise UserError(
            f"{path}: no column Usage and no split in its name; say which split it is: "
            f"train={path}, validation={path} or test={path}"
        )
    cuts = _cuts(text, body)
    rows = read_rows(text, cuts, columns)
    if not rows.good.all():
        _read_the_others(
            text, cuts, columns, rows, Problems(path, "mend or remove these lines, or fetch the file again")
        )
        rows = Rows(rows.pixels[rows.good], rows.labels[rows.good], rows.splits[rows.good], rows.good[rows.good])
    if not rows.good.size:
        raise UserError(f"{path}: holds no face: nothing follows its header line")
    return in_split_order(
        rows.pixels.reshape(-1, SIZE, SIZE),
        rows.labels,
        rows.splits if columns.usage >= 0 else np.full(len(rows.labels), split),
        name=path.name.partition(".")[0],
    )


def _columns(header: bytes, path: Path) -> Columns:
    text = header.decode(errors="replace").strip()
    if not text:
        raise UserError(f"{path}: is empty; expected a csv file with the columns emotion and pixels")
    names = [name.strip().strip('"').lower() for name in text.split(",")]
    if "emotion" not in names or "pixels" not in names:
        shown = text if len(text) <= 60 else text[:60] + "..."
        raise UserError(
            f"{path}, line 1: wrong header {shown!r}; expected the columns emotion and pixels, and Usage "
            "where one file holds all splits"
        )
    usage = names.index("usage") if "usage" in names else -1
    return Columns(len(names), names.index("pixels"), names.index("emotion"), usage)


def _cuts(text: bytes | mmap, start: int) -> NDArray[np.uint64]:
    """Cut text into pieces of whole lines that hold one face at most: in a sound file, its lines.

    A face takes more than two bytes a pixel: the piece that begins with one ends at the first line end after these.
    """
    cuts = [start]
    while cuts[-1] < len(text):
        cuts.append(text.find(b"\n", cuts[-1] + 2 * PIXELS) + 1 or len(text))
    return np.array(cuts, np.uint64)


def read_rows(text: bytes | mmap, cuts: NDArray[np.uint64], columns: Columns) -> Rows:
    """Read those of the pieces text[cuts[k]:cuts[k + 1]] that are rows in FER2013's own form; none of a short text."""
    count = len(cuts) - 1
    rows = Rows(
        np.empty((count, PIXELS), np.uint8), np.empty(count, np.uint8), np.empty(count, np.uint8), np.zeros(count, bool)
    )
    if len(text) < KERNEL_FROM:
        return rows
    from mien.faces import csv_kernel

    content = np.frombuffer(text, np.uint8)
    ended = count if text[-1:] == b"\n" else count - 1

    def read(first: int) -> None:
        part = slice(first, min(first + _ROWS_AT_A_TIME, ended))
        csv_kernel.read_rows(
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
        list(pool.map(read, range(0, ended, _ROWS_AT_A_TIME)))
    return rows


def _read_the_others(
    text: bytes | mmap, cuts: NDArray[np.uint64], columns: Columns, rows: Rows, problems: Problems
) -> None:
    """Read the pieces that are not good yet line by line, and raise one UserError about all problems with them."""
    skipped = 2  # lines before a piece, apart from one for each piece before it; counted from 1, like the header
    for row in np.flatnonzero(~rows.good):
        lines = text[cuts[row] : cuts[row + 1]].split(b"\n")
        # After the last line end comes an empty line, or the one within which the file ends.
        for place, line in enumerate(lines):
            if not line.strip():
                continue
            fields = _fields(line.decode(errors="replace"))
            label, split, mistakes = _judge(fields, columns)
            cut_off = " (the file ends within this line: cut off?)" * (place == len(lines) - 1)
            for mistake in mistakes:
                problems.add(f"line {row + skipped + place}", mistake + cut_off)
            if not mistakes:
                rows.pixels[row] = [int(word) for word in fields[columns.pixels].split()]
                rows.labels[row], rows.splits[row], rows.good[row] = label, split, True
        skipped += len(lines) - 2
    problems.raise_if_any()


def _judge(row: list[str], columns: Columns) -> tuple[int, int, list[str]]:
    """A row's label and split, and what is wrong with it in words."""
    if len(row) != columns.count:
        return -1, -1, [f"{len(row)} columns, {columns.count} expected"]
    mistakes = []
    label = _LABELS.get(row[columns.emotion].strip(), -1)
    if label < 0:
        mistakes.append(f"emotion {shown(row[columns.emotion])}, 0..{len(EMOTIONS) - 1} expected")
    mistakes += pixel_mistakes(row[columns.pixels], PIXELS)
    split = 0 if columns.usage < 0 else split_of_word(row[columns.usage])
    if split is None:
        mistakes.append(f"Usage {shown(row[columns.usage])}, Training, PublicTest or PrivateTest expected")
    return label, -1 if split is None else split, mistakes


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:  # a quotation without an end, or nothing like a row of text
        return line.split(",")
