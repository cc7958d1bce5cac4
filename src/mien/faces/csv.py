"""FER2013's csv files: columns `emotion` (or `label`), `pixels` and perhaps `Usage`, one face a line.

Rows in the common form are read by a compiled kernel (`read_rows`, about 2 GB/s on two cores). Every other line is
looked at on its own (`_read_the_others`), which takes all forms that mean the same and otherwise names what is wrong.
Emotions are FER2013's numbers, 7 is contempt; or names, in all of a file.
"""

import csv
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from mmap import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.mistakes import Problems
from mien.faces.names import LABEL_COLUMNS, USAGE_COLUMNS, classes_of, split_of_word
from mien.faces.pixels import pixel_mistakes, shown
from mien.faces.streams import read_text
from mien.faces.types import EIGHT, EMOTIONS, SIZE, Faces, in_split_order

PIXELS = SIZE * SIZE

KERNEL_FROM = 8_000_000
"""Bytes of text from which on the kernel saves more time than its import takes."""

_BOM = b"\xef\xbb\xbf"
_NAMES_MOST = 64
"""How many different names of emotions a file may have: with more, the column holds something else."""

_ROWS_AT_A_TIME = 512


@dataclass(frozen=True)
class Columns:
    """How many columns there are and where the known ones stand; -1 where there is none."""

    count: int
    pixels: int
    emotion: int = -1
    usage: int = -1
    separator: str = ","


@dataclass(frozen=True)
class Rows:
    """What n rows hold: pixels uint8 [n, 2304], labels uint8 [n], splits uint8 [n]; void where good bool [n] is not."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    good: NDArray[np.bool_]


@dataclass
class LabelParser:
    """What stands in the column of emotions: whole numbers below `numbers`, or names, which get numbers as they come.

    Attributes:
        numbers: how many there are; 0: names are expected.
        names: the names found so far.
    """

    numbers: int
    names: dict[str, int] = field(default_factory=dict)

    def parse(self, word: str) -> int:
        """The number that a field stands for, -1 where it is wrong: "3", "3.0", "Happy"."""
        word = word.strip()
        if self.numbers:
            whole = re.fullmatch(r"([0-9]{1,2})(\.0*)?", word)
            return int(whole[1]) if whole and int(whole[1]) < self.numbers else -1
        known = word in self.names or len(self.names) < _NAMES_MOST
        return self.names.setdefault(word, len(self.names)) if is_name(word) and known else -1

    @property
    def expected(self) -> str:
        """What the column may hold, in words."""
        if not self.numbers:
            return "an emotion's name expected, as in the first row"
        return "0..6 expected, or 7 for contempt" if self.numbers == len(EIGHT) else "a number expected"


def read_csv(path: Path, split: int | None = None, named: bool = True) -> Faces:
    """Read one csv file, plain or compressed, whose first line names the columns (in any order and case).

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, for a file without a column `Usage`.
        named: whether numbers are FER2013's and so get its names; else they stay numbers, as the names of classes.

    Returns:
        Faces with images uint8 [N, 48, 48]; numbers 0..6 are FER2013's seven classes, with a 7 they are eight.

    Raises:
        UserError: the file cannot be read or holds mistakes; all are counted, the first ten listed.
    """
    text = read_text(path)
    body = text.find(b"\n") + 1 or len(text)
    columns = _columns(text[:body].removeprefix(_BOM), path, split)
    if columns.separator != "," and text.find(b",") < 0:
        text, columns = text[:].replace(columns.separator.encode(), b","), replace(columns, separator=",")
    cuts = _cuts(text, body)
    first = _first_label(text, cuts, columns)
    labels = LabelParser(0 if is_name(first) else len(EIGHT) if named else 100)
    # The kernel knows one digit alone: whatever else labels are, it reads the other columns, and this the labels.
    digits = re.fullmatch("[0-6]", first) is not None
    rows = read_rows(text, cuts, columns if digits else replace(columns, emotion=-1))
    if not digits:
        for row in np.flatnonzero(rows.good):
            fields = _fields(text[cuts[row] : cuts[row + 1]].decode(errors="replace").rstrip("\n"), columns)
            label = labels.parse(fields[columns.emotion])
            rows.labels[row], rows.good[row] = max(label, 0), label >= 0
    if not rows.good.all():
        problems = Problems(path, "mend or remove these lines, or fetch the file again")
        _read_the_others(text, cuts, columns, labels, rows, problems)
        rows = Rows(rows.pixels[rows.good], rows.labels[rows.good], rows.splits[rows.good], rows.good[rows.good])
    if not rows.good.size:
        raise UserError(f"{path}: holds no face: nothing follows its header line")
    numbers, classes = _named(rows.labels, labels, named)
    faces = in_split_order(
        rows.pixels.reshape(-1, SIZE, SIZE),
        numbers,
        rows.splits if columns.usage >= 0 else np.full(len(numbers), split),
        classes,
        name=path.name.partition(".")[0],
    )
    # FER2013's own file needs no word on its numbers; one that is only like it does.
    if not (named and labels.numbers) or (classes == EMOTIONS and b"emotion" in text[:body].lower()):
        return faces
    told = ", ".join(f"{number} = {name}" for number, name in enumerate(classes))
    return replace(faces, notes=(f"{path.name}: numbers read as {told}",))


def _named(numbers: NDArray[np.uint8], labels: LabelParser, named: bool) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """LabelParser as indices into classes, and the classes."""
    if labels.numbers and named:
        return numbers, EIGHT if (numbers >= len(EMOTIONS)).any() else EMOTIONS
    words = list(labels.names) if labels.names else [str(number) for number in range(labels.numbers)]
    present = np.unique(numbers)
    classes, index = classes_of(words[number] for number in present)
    places = np.zeros(len(words), np.uint8)
    places[present] = [index[words[number]] for number in present]
    return places[numbers], classes


def is_name(word: str) -> bool:
    """Whether a field of a table may be a class's name: two letters or more, and no word for a missing value."""
    word = word.strip()
    return sum(map(str.isalpha, word)) > 1 and len(word) <= 40 and word.lower() not in ("nan", "none", "null")


def columns_of(header: str) -> Columns:
    """Which columns a header names; -1 where it names none."""
    separator = next((mark for mark in ",;\t" if mark in header), ",")
    names = [name.strip().strip('"').strip().lower() for name in header.split(separator)]

    def place(*words: str) -> int:
        return next((names.index(word) for word in words if word in names), -1)

    return Columns(len(names), place("pixels", "pixel"), place("emotion", *LABEL_COLUMNS), place("usage"), separator)


def _columns(header: bytes, path: Path, split: int | None) -> Columns:
    text = header.decode(errors="replace").strip()
    if not text:
        raise UserError(f"{path}: is empty; expected a csv file with the columns emotion and pixels")
    columns = columns_of(text)
    if columns.emotion < 0 or columns.pixels < 0:
        shown = text if len(text) <= 60 else text[:60] + "..."
        lacks = "; it has no labels" if columns.pixels >= 0 else ""
        raise UserError(
            f"{path}, line 1: wrong header {shown!r}{lacks}; expected the columns emotion and pixels, and Usage "
            "where one file holds all splits"
        )
    if columns.usage < 0 and split is None:
        names = [name.strip().strip('"').strip().lower() for name in text.split(columns.separator)]
        usage = next((names.index(word) for word in USAGE_COLUMNS if word in names), -1)
        if usage < 0:
            raise UserError(
                f"{path}: no column Usage and no split in its name; say which split it is: "
                f"train={path}, validation={path} or test={path}"
            )
        return replace(columns, usage=usage)
    return columns


def _first_label(text: bytes | mmap, cuts: NDArray[np.uint64], columns: Columns) -> str:
    """The label of the first row, "" where there is none."""
    lines = text[cuts[0] : cuts[1]].split(b"\n") if len(cuts) > 1 else []
    line = next((line for line in lines if line.strip()), b"")
    fields = _fields(line.decode(errors="replace"), columns)
    return fields[columns.emotion].strip() if columns.emotion < len(fields) else ""


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
    if len(text) < KERNEL_FROM or columns.separator != ",":
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
    text: bytes | mmap, cuts: NDArray[np.uint64], columns: Columns, labels: LabelParser, rows: Rows, problems: Problems
) -> None:
    """Read the pieces that are not good yet line by line, and raise one UserError about all problems with them."""
    skipped = 2  # lines before a piece, apart from one for each piece before it; counted from 1, like the header
    for row in np.flatnonzero(~rows.good):
        lines = text[cuts[row] : cuts[row + 1]].split(b"\n")
        # After the last line end comes an empty line, or the one within which the file ends.
        for place, line in enumerate(lines):
            if not line.strip():
                continue
            fields = _fields(line.decode(errors="replace"), columns)
            label, split, mistakes = _judge(fields, columns, labels)
            cut_off = " (the file ends within this line: cut off?)" * (place == len(lines) - 1)
            for mistake in mistakes:
                problems.add(f"line {row + skipped + place}", mistake + cut_off)
            if not mistakes:
                rows.pixels[row] = [int(word) for word in fields[columns.pixels].split()]
                rows.labels[row], rows.splits[row], rows.good[row] = label, split, True
        skipped += len(lines) - 2
    problems.raise_if_any()


def _judge(row: list[str], columns: Columns, labels: LabelParser) -> tuple[int, int, list[str]]:
    """A row's label and split, and what is wrong with it in words."""
    if len(row) != columns.count:
        return -1, -1, [f"{len(row)} columns, {columns.count} expected"]
    mistakes = []
    label = labels.parse(row[columns.emotion])
    if label < 0:
        mistakes.append(f"emotion {shown(row[columns.emotion])}, {labels.expected}")
    mistakes += pixel_mistakes(row[columns.pixels], PIXELS)
    split = 0 if columns.usage < 0 else split_of_word(row[columns.usage])
    if split is None:
        mistakes.append(f"Usage {shown(row[columns.usage])}, Training, PublicTest or PrivateTest expected")
    return label, -1 if split is None else split, mistakes


def _fields(line: str, columns: Columns) -> list[str]:
    try:
        return next(csv.reader([line], strict=True, delimiter=columns.separator))
    except (csv.Error, StopIteration):  # a quotation without an end, nothing like a row of text, or nothing
        return line.split(columns.separator)
