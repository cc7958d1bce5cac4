"""Tables: numbers under machine names for a csv file, and how each is shown on the page and in a notebook."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

from mien.frames import Library, data_frame
from mien.html_tables import html_lines, html_table
from mien.runs.metrics import Accuracy
from mien.runs.ranking import Area

if TYPE_CHECKING:
    import pandas
    import polars

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

    >>> layers = results.net("dense").layers
    >>> layers.frame()["word"].to_list()[:3]
    ['flatten', 'dense(16)', 'relu']
    >>> layers.csv.splitlines()[1]
    'flatten_1,flatten,2304,0'

    Attributes:
        name: of its csv file.
        title: its caption.
        columns: in their order.
        rows: a value for each column; None where there is nothing.
        notes: a sentence or two under it.
        marked: the numbers of the rows to set off.
        sortable: whether the page offers to sort it.
        summed: whether its last row has the sums of the others.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: str = ""
    marked: frozenset[int] = frozenset()
    sortable: bool = False
    summed: bool = False

    @property
    def csv(self) -> str:
        """The numbers as csv text, unrounded; an `Accuracy` or `Area` takes the columns of `PARTS`."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        names, rows = self._expanded
        writer.writerow(names)
        writer.writerows(rows)
        return file.getvalue()

    @overload
    def frame(self, library: Literal["pandas"] = "pandas") -> "pandas.DataFrame": ...

    @overload
    def frame(self, library: Literal["polars"]) -> "polars.DataFrame": ...

    def frame(self, library: Library = "pandas") -> "pandas.DataFrame | polars.DataFrame":
        """The numbers as a data frame, unrounded, with the columns of `csv`.

        Args:
            library: whose data frame it is, "pandas" or "polars".

        Raises:
            UserError: the library is not installed, or it is another one.
        """
        names, rows = self._expanded
        return data_frame({name: [row[at] for row in rows] for at, name in enumerate(names)}, library)

    @property
    def _expanded(self) -> tuple[list[str], list[list[Cell]]]:
        """The names of the columns and the rows, with a column for each number."""
        kinds = [{type(row[place]) for row in self.rows} for place in range(len(self.columns))]
        parts = [next((PARTS[kind] for kind in PARTS if kind in there), ("",)) for there in kinds]
        names = [column.key + tail for column, tails in zip(self.columns, parts, strict=True) for tail in tails]
        rows = [
            [value for cell, tails in zip(row, parts, strict=True) for value in _plain(cell, len(tails))]
            for row in self.rows
        ]
        return names, rows

    def __repr__(self) -> str:
        """The table as text, its columns in line; a star stands behind the first cell of a marked row, not of sums."""
        rows = [[column.title for column in self.columns]]
        for place, row in enumerate(self.rows):
            first, *others = (text for _, text, _ in self.shown(row))
            rows.append([first + (" *" if place in self.marked and not self.summed else ""), *others])
        widths = [max(len(row[at]) for row in rows) for at in range(len(self.columns))]
        sides = [">" if column.number else "<" for column in self.columns]
        lines = (
            "  ".join(f"{text:{side}{width}}" for text, side, width in zip(row, sides, widths, strict=True)).rstrip()
            for row in rows
        )
        return "\n".join([*([self.title] if self.title else []), *lines])

    def _repr_html_(self) -> str:
        """The table for a notebook; its marked rows are bold."""
        rows = [[text for _, text, _ in self.shown(row)] for row in self.rows]
        texts = [place for place, column in enumerate(self.columns) if not column.number]
        titles = [column.title for column in self.columns]
        sums = rows.pop() if self.summed else ()
        table = html_table(titles, rows, self.title, sums, texts, self.marked)
        return f"{table}\n{html_lines([self.notes])}" if self.notes else table

    def shown(self, row: Sequence[Cell]) -> list[tuple[Column, str, float | str]]:
        """A row for the page: each cell's column, its text, and the value to sort by."""
        return [
            (column, "\N{EN DASH}" if cell is None else column.show(cell), _order(cell))
            for column, cell in zip(self.columns, row, strict=True)
        ]


def keyed_table(
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Cell]],
    notes: str = "",
    marked: frozenset[int] = frozenset(),
    sortable: bool = False,
) -> Table:
    """A table of rows that hold, by the keys of the columns, at least what the columns show."""
    cells = tuple(tuple(row[column.key] for column in columns) for row in rows)
    return Table(name, title, tuple(columns), cells, notes, marked, sortable)


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
