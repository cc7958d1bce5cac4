"""Tables: numbers under machine names for a csv file, and how each is shown on the page."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mien.runs.metrics import Accuracy
from mien.runs.ranking import Area

Cell = Any
"""What a table may hold: str, int, float, bool, `Accuracy`, `Area`, or None where there is nothing."""

PARTS = {Accuracy: ("", "_low", "_high", "_sd"), Area: ("", "_low", "_high")}
"""By kind of cell that takes several columns of a csv file, what follows the column's name in each."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: its name in the csv file.
        title: its heading on the page.
        show: the text of a cell that is not None; text as it is unless given.
        number: aligned as numbers are, and sorted first from the highest.
        lead: its cells head their rows.
    """

    key: str
    title: str
    show: Callable[[Any], str] = str
    number: bool = False
    lead: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        name: of its csv file.
        title: its caption.
        columns: in their order.
        rows: a value for each column; None where there is nothing.
        notes: a sentence or two under it.
        marked: the numbers of the rows to set off.
        sortable: whether the page offers to sort it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: str = ""
    marked: frozenset[int] = frozenset()
    sortable: bool = False

    @property
    def csv(self) -> str:
        """The numbers as csv text, unrounded; an `Accuracy` or `Area` takes the columns of `PARTS`."""
        kinds = [{type(row[place]) for row in self.rows} for place in range(len(self.columns))]
        parts = [next((PARTS[kind] for kind in PARTS if kind in there), ("",)) for there in kinds]
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.key + tail for column, tails in zip(self.columns, parts, strict=True) for tail in tails)
        for row in self.rows:
            writer.writerow(value for cell, tails in zip(row, parts, strict=True) for value in _plain(cell, len(tails)))
        return file.getvalue()

    def shown(self, row: Sequence[Cell]) -> list[tuple[Column, str, float | str]]:
        """A row for the page: each cell's column, its text, and the value to sort by."""
        return [
            (column, "\N{EN DASH}" if cell is None else column.show(cell), _order(cell))
            for column, cell in zip(self.columns, row, strict=True)
        ]


def percent(share: float) -> str:
    """A share 0..1 as per cent with one digit: `57.4`."""
    return f"{100 * share:.1f}"


def with_spread(accuracy: Accuracy) -> str:
    """An accuracy in % with its spread: `57.4 (53.4 to 62.0)`; with several seeds `57.4 ± 0.3 (53.4 to 62.0)`."""
    sd = "" if accuracy.sd is None else f" ± {percent(accuracy.sd)}"
    low, high = map(percent, accuracy.interval)
    return f"{percent(accuracy.mean)}{sd} ({low} to {high})"


def area(measured: Area) -> str:
    """An area with its interval: `0.953 (0.947 to 0.960)`."""
    low, high = measured.interval
    return f"{measured.value:.3f} ({low:.3f} to {high:.3f})"


def whole(number: int) -> str:
    """An integer with its thousands set apart: `2,723,303`."""
    return f"{number:,}"


def duration(seconds: float) -> str:
    """A time for people: `0.8 s`, `27 s`, `5 min 7 s`, `1 h 12 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    minutes, rest = divmod(total, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def probability(p: float) -> str:
    """A p-value: `0.031`, or `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _plain(cell: Cell, columns: int) -> tuple[Cell, ...]:
    if isinstance(cell, Accuracy):
        return (cell.mean, *cell.interval, cell.sd)
    if isinstance(cell, Area):
        return (cell.value, *cell.interval)
    return (cell, *(None,) * (columns - 1))


def _order(cell: Cell) -> float | str:
    if cell is None:
        return ""
    if isinstance(cell, Accuracy):
        return cell.mean
    if isinstance(cell, Area):
        return cell.value
    return cell if isinstance(cell, int | float) else str(cell)
