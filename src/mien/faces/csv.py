"""FER2013's csv files: columns `emotion` (or `label`), `pixels` and perhaps `Usage`, one face a line.

The kernel reads rows in the common form (`mien.faces.pixel_text`). Every other line is parsed on its own
(`_read_other_rows`), which accepts all forms with the same meaning and reports what is wrong with the rest.
Emotions are FER2013's numbers, where 7 is contempt; or names, in all of a file.
"""

import csv
import re
from dataclasses import dataclass, field, replace
from mmap import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, counted
from mien.faces.fer2013 import EIGHT, EMOTIONS, SIZE
from mien.faces.mistakes import Mistakes, quoted
from mien.faces.names import LABEL_COLUMNS, USAGE_COLUMNS, USAGE_EXPECTED, classes_of, split_of_word
from mien.faces.pixel_text import PIXELS, Columns, Rows, pixel_mistakes, read_rows
from mien.faces.text_files import read_text
from mien.faces.types import Faces, in_split_order

_BOM = b"\xef\xbb\xbf"
_MAX_NAMES = 64
"""The most different emotion names that a file may have: with more, the column holds something else."""


@dataclass
class LabelParser:
    """Parse the column of emotions: whole numbers below `numbers`, or names, which are numbered in order of appearance.

    Attributes:
        numbers: how many numbers there are; 0: names are expected.
        names: the number of each name so far.
    """

    numbers: int
    names: dict[str, int] = field(default_factory=dict)

    def parse(self, word: str) -> int:
        """The number of a field such as "3", "3.0" or "Happy"; -1 if the field is wrong."""
        word = word.strip()
        if self.numbers:
            whole = re.fullmatch(r"([0-9]{1,2})(\.0*)?", word)
            return int(whole[1]) if whole and int(whole[1]) < self.numbers else -1
        accepted = is_name(word) and (word in self.names or len(self.names) < _MAX_NAMES)
        return self.names.setdefault(word, len(self.names)) if accepted else -1

    @property
    def expected(self) -> str:
        """What the column may hold, for a message."""
        if not self.numbers:
            return "an emotion's name expected, as in the first row"
        return "0..6 expected, or 7 for contempt" if self.numbers == len(EIGHT) else "a number expected"


def read_csv(path: Path, split: int | None = None, named: bool = True) -> Faces:
    """Read one csv file, plain or compressed, whose first line names the columns (in any order and case).

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, for a file without a column `Usage`.
        named: whether numbers get FER2013's names; else they stay numbers, as names of classes.

    Returns:
        Faces with images uint8 [N, 48, 48]. Numbers 0..6 are FER2013's seven classes; with a 7 there are eight.

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
    # The kernel reads labels of one digit only. In files with other labels it reads the other columns.
    digits = re.fullmatch("[0-6]", first) is not None
    rows = read_rows(text, cuts, columns if digits else replace(columns, emotion=-1))
    if not digits:
        for row in np.flatnonzero(rows.good):
            fields = _fields(text[cuts[row] : cuts[row + 1]].decode(errors="replace").rstrip("\n"), columns)
            label = labels.parse(fields[columns.emotion])
            rows.labels[row], rows.good[row] = max(label, 0), label >= 0
    if not rows.good.all():
        mistakes = Mistakes(path, "correct or remove these lines, or fetch the file again")
        _read_other_rows(text, cuts, columns, labels, rows, mistakes)
        rows = Rows(rows.pixels[rows.good], rows.labels[rows.good], rows.splits[rows.good], rows.good[rows.good])
    if not rows.good.size:
        raise UserError(f"{path}: holds no face: nothing follows its header line")
    numbers, classes = _classes(rows.labels, labels, named)
    faces = in_split_order(
        rows.pixels.reshape(-1, SIZE, SIZE),
        numbers,
        rows.splits if columns.usage >= 0 else np.full(len(numbers), split),
        classes,
        name=path.name.partition(".")[0],
    )
    # FER2013's own file needs no note on its numbers; a file that is only similar does.
    if not (named and labels.numbers) or (classes == EMOTIONS and b"emotion" in text[:body].lower()):
        return faces
    meanings = ", ".join(f"{number} = {name}" for number, name in enumerate(classes))
    return replace(faces, notes=(f"{path.name}: numbers read as {meanings}",))


def is_name(word: str) -> bool:
    """Whether a field of a table may be a class's name: two letters or more, and no word for a missing value."""
    word = word.strip()
    return sum(map(str.isalpha, word)) > 1 and len(word) <= 40 and word.lower() not in ("nan", "none", "null")


def columns_of(header: str) -> Columns:
    """The columns that a header line names; -1 where it names none."""
    separator = next((mark for mark in ",;\t" if mark in header), ",")
    names = _column_names(header, separator)

    def place(*words: str) -> int:
        return next((names.index(word) for word in words if word in names), -1)

    return Columns(len(names), place("pixels", "pixel"), place("emotion", *LABEL_COLUMNS), place("usage"), separator)


def _column_names(header: str, separator: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header.split(separator)]


def _columns(header: bytes, path: Path, split: int | None) -> Columns:
    text = header.decode(errors="replace").strip()
    if not text:
        raise UserError(f"{path}: is empty; expected a csv file with the columns emotion and pixels")
    columns = columns_of(text)
    if columns.emotion < 0 or columns.pixels < 0:
        start = text if len(text) <= 60 else text[:60] + "..."
        lacks = "; it has no labels" if columns.pixels >= 0 else ""
        raise UserError(
            f"{path}, line 1: wrong header {start!r}{lacks}; expected the columns emotion and pixels, and Usage "
            "where one file holds all splits"
        )
    if columns.usage < 0 and split is None:
        names = _column_names(text, columns.separator)
        usage = next((names.index(word) for word in USAGE_COLUMNS if word in names), -1)
        if usage < 0:
            raise UserError(
                f"{path}: has no column Usage, and no split in its name; say which split it is: "
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
    """Cut text into pieces of whole lines that hold one face at most: in a correct file, its lines.

    A face takes more than two bytes a pixel: the piece that begins with one ends at the first line end after these.

    Returns:
        uint64 [n + 1], where n pieces begin and end.
    """
    cuts = [start]
    while cuts[-1] < len(text):
        cuts.append(text.find(b"\n", cuts[-1] + 2 * PIXELS) + 1 or len(text))
    return np.array(cuts, np.uint64)


def _read_other_rows(
    text: bytes | mmap, cuts: NDArray[np.uint64], columns: Columns, labels: LabelParser, rows: Rows, mistakes: Mistakes
) -> None:
    """Read the pieces that the kernel has not read, line by line; raise one UserError about all mistakes in them."""
    skipped = 2  # lines before a piece, apart from one for each piece before it; counted from 1, like the header
    for row in np.flatnonzero(~rows.good):
        lines = text[cuts[row] : cuts[row + 1]].split(b"\n")
        # After the last line end comes an empty line, or the one within which the file ends.
        for place, line in enumerate(lines):
            if not line.strip():
                continue
            fields = _fields(line.decode(errors="replace"), columns)
            label, split, wrong = _parse(fields, columns, labels)
            cut_off = " (the file ends within this line: cut off?)" * (place == len(lines) - 1)
            for mistake in wrong:
                mistakes.add(f"line {row + skipped + place}", mistake + cut_off)
            if not wrong:
                rows.pixels[row] = [int(word) for word in fields[columns.pixels].split()]
                rows.labels[row], rows.splits[row], rows.good[row] = label, split, True
        skipped += len(lines) - 2
    mistakes.raise_if_any()


def _parse(fields: list[str], columns: Columns, labels: LabelParser) -> tuple[int, int, list[str]]:
    """A row's label and split, and what is wrong with the row."""
    if len(fields) != columns.count:
        return -1, -1, [f"{counted(len(fields), 'column')}, {columns.count} expected"]
    wrong = []
    label = labels.parse(fields[columns.emotion])
    if label < 0:
        wrong.append(f"emotion {quoted(fields[columns.emotion])}, {labels.expected}")
    wrong += pixel_mistakes(fields[columns.pixels])
    split = 0 if columns.usage < 0 else split_of_word(fields[columns.usage])
    if split is None:
        wrong.append(f"Usage {quoted(fields[columns.usage])}, {USAGE_EXPECTED}")
    return label, -1 if split is None else split, wrong


def _classes(
    numbers: NDArray[np.uint8], labels: LabelParser, named: bool
) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """The parser's numbers, uint8 [N], as indices into classes; and the classes."""
    if labels.numbers and named:
        return numbers, EIGHT if (numbers >= len(EMOTIONS)).any() else EMOTIONS
    words = list(labels.names) if labels.names else [str(number) for number in range(labels.numbers)]
    present = np.unique(numbers)
    classes, index = classes_of(words[number] for number in present)
    places = np.zeros(len(words), np.uint8)
    places[present] = [index[words[number]] for number in present]
    return places[numbers], classes


def _fields(line: str, columns: Columns) -> list[str]:
    try:
        return next(csv.reader([line], strict=True, delimiter=columns.separator))
    except (csv.Error, StopIteration):  # a quotation without an end, something that is no row of text, or nothing
        return line.split(columns.separator)
