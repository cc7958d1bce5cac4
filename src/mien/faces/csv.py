"""FER2013's csv files: columns `emotion`, `pixels` and perhaps `Usage`, one face a line.

A block of lines is read by whole-array operations on its bytes (`_read_fast`, about 1 GB/s on two cores). Only a block
that this cannot vouch for is read again line by line (`_read_carefully`), which takes every form that means the same
and otherwise names what is wrong.
"""

import csv
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.names import split_of_word
from mien.faces.pixels import PixelParser, pixel_mistakes, shown
from mien.faces.problems import Problems
from mien.faces.streams import line_blocks
from mien.faces.types import EMOTIONS, SIZE, Faces, in_split_order

PIXELS = SIZE * SIZE

_BOM = b"\xef\xbb\xbf"
_LABELS = {str(number).encode(): number for number in range(len(EMOTIONS))}
_USAGES = {b"Training": 0, b"PublicTest": 1, b"PrivateTest": 2}


@dataclass(frozen=True)
class _Columns:
    """How many columns there are and where the known ones stand, told by the file's first line."""

    count: int
    emotion: int
    pixels: int
    usage: int | None


@dataclass(frozen=True)
class _Rows:
    """The faces of some lines: pixels uint8 [n, 2304], labels uint8 [n], splits uint8 [n] (zeros without a Usage)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    lines: int


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
    blocks = line_blocks(path)
    header, _, body = next(blocks, b"").removeprefix(_BOM).partition(b"\n")
    columns = _columns(header, path)
    if columns.usage is None and split is None:
        raise UserError(
            f"{path}: no column Usage and no split in its name; say which split it is: "
            f"train={path}, validation={path} or test={path}"
        )

    parser = PixelParser(PIXELS)

    def read(text: bytes) -> _Rows | bytes:
        return _read_fast(text, columns, parser) or text

    problems = Problems(path, "mend or remove these lines, or fetch the file again")
    # As many rows as plain text could hold, at two bytes a pixel: memory that no row touches costs nothing.
    images = np.empty((path.stat().st_size // (2 * PIXELS) + 1, PIXELS), np.uint8)
    labels, splits, count, line = [], [], 0, 2
    for result in _in_parallel(read, chain([body], blocks)):
        rows = _read_carefully(result, columns, line, problems) if isinstance(result, bytes) else result
        if count + len(rows.pixels) > len(images):  # of a compressed file
            images.resize((2 * (count + len(rows.pixels)), PIXELS), refcheck=False)
        images[count : count + len(rows.pixels)] = rows.pixels
        labels.append(rows.labels)
        splits.append(rows.splits)
        count += len(rows.pixels)
        line += rows.lines
    problems.raise_if_any()
    if not count:
        raise UserError(f"{path}: holds no face: nothing follows its header line")

    return in_split_order(
        images[:count].reshape(-1, SIZE, SIZE),
        np.concatenate(labels),
        np.concatenate(splits) if columns.usage is not None else np.full(count, split),
        name=path.name.partition(".")[0],
    )


def _in_parallel(read: Callable[[bytes], _Rows | bytes], blocks: Iterable[bytes]) -> Iterator[_Rows | bytes]:
    """Yield `read(block)` for each block in order, working on a few blocks at a time, so that memory stays small."""
    workers = os.cpu_count() or 1
    pending: deque[Future[_Rows | bytes]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for block in blocks:
            pending.append(pool.submit(read, block))
            if len(pending) > 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _columns(header: bytes, path: Path) -> _Columns:
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
    usage = names.index("usage") if "usage" in names else None
    return _Columns(len(names), names.index("emotion"), names.index("pixels"), usage)


def _read_fast(text: bytes, columns: _Columns, parser: PixelParser) -> _Rows | None:
    """Read a block of lines in the common form; None if there is anything about it that only a careful look tells."""
    labels, splits, starts, stops = [], [], [], []
    fields = bytearray(text)  # in which everything that is no pixel gets blanked
    line, done, lines = 0, 0, 0
    while line < len(text):
        end = text.find(b"\n", line)
        end = len(text) if end < 0 else end
        start, stop = _pixel_field(text, line, end, columns)
        others = (text[line:start] + text[stop:end]).split(b",")
        if start > stop or len(others) != columns.count:
            return None
        labels.append(_LABELS.get(others[columns.emotion]))
        splits.append(0 if columns.usage is None else _USAGES.get(others[columns.usage]))
        starts.append(start)
        stops.append(stop)
        fields[done:start] = b" " * (start - done)
        line, done, lines = end + 1, stop, lines + 1
    fields[done:] = b" " * (len(text) - done)
    if not labels or None in labels or None in splits:
        return None
    pixels = parser.parse(fields, starts, stops)
    if pixels is None:
        return None
    return _Rows(pixels, np.array(labels, np.uint8), np.array(splits, np.uint8), lines)


def _pixel_field(text: bytes, line: int, end: int, columns: _Columns) -> tuple[int, int]:
    """Where the pixels of the line `text[line:end]` start and stop, without their quotes."""
    start, stop = line, end
    for _ in range(columns.pixels):
        start = text.find(b",", start, end) + 1 or end
    for _ in range(columns.pixels + 1, columns.count):
        stop = max(text.rfind(b",", line, stop), line)
    if text[start : start + 1] == b'"' == text[stop - 1 : stop] and stop - start > 1:
        return start + 1, stop - 1
    return start, stop


def _read_carefully(text: bytes, columns: _Columns, first_line: int, problems: Problems) -> _Rows:
    """Read a block of lines one by one and note every problem; rows with problems are left out."""
    pixels, labels, splits = [], [], []
    lines = text.split(b"\n")  # after the last line end comes an empty one, or the line within which the file ends
    for number, line in enumerate(lines, first_line):
        if not line.strip():
            continue
        row = _fields(line.decode(errors="replace"))
        label, split, mistakes = _judge(row, columns)
        cut_off = number == first_line + len(lines) - 1
        for mistake in mistakes:
            problems.add(f"line {number}", mistake + " (the file ends within this line: cut off?)" * cut_off)
        if not mistakes:
            pixels.append([int(word) for word in row[columns.pixels].split()])
            labels.append(label)
            splits.append(split)
    return _Rows(
        np.array(pixels, np.uint8).reshape(-1, PIXELS),
        np.array(labels, np.uint8),
        np.array(splits, np.uint8),
        len(lines) - 1,
    )


def _judge(row: list[str], columns: _Columns) -> tuple[int | None, int | None, list[str]]:
    """A row's label and split, and what is wrong with it in words."""
    if len(row) != columns.count:
        return None, None, [f"{len(row)} columns, {columns.count} expected"]
    mistakes = []
    label = _LABELS.get(row[columns.emotion].strip().encode())
    if label is None:
        mistakes.append(f"emotion {shown(row[columns.emotion])}, 0..{len(EMOTIONS) - 1} expected")
    mistakes += pixel_mistakes(row[columns.pixels], PIXELS)
    split = 0 if columns.usage is None else split_of_word(row[columns.usage])
    if columns.usage is not None and split is None:
        mistakes.append(f"Usage {shown(row[columns.usage])}, Training, PublicTest or PrivateTest expected")
    return label, split, mistakes


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:  # a quotation without an end, or nothing like a row of text
        return line.split(",")
