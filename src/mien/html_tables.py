"""HTML tables, as a notebook shows them: they have no colours of their own, and can be read in light and in dark."""

from collections.abc import Collection, Iterable, Sequence
from html import escape


class Html(str):
    """Text that is HTML already, and is not escaped."""


def html_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | int]],
    caption: str = "",
    last: Sequence[str | int] = (),
    text_columns: int | Collection[int] = 1,
    bold: Collection[int] = (),
) -> Html:
    """Make a table. Everything in it is escaped, except `Html`.

    Args:
        columns: their names.
        rows: their cells; whole numbers get commas, as 28,709.
        caption: one line above it.
        last: the cells of a row of sums below a line.
        text_columns: how many of the first columns are text, or the places of those that are; they are aligned left,
            the others, which are numbers, right.
        bold: the places of the rows to set off.
    """
    texts = range(text_columns) if isinstance(text_columns, int) else text_columns
    lines = ['<table style="border-collapse:collapse">']
    if caption:
        lines.append(f'<caption style="text-align:left;font-weight:bold">{shown(caption)}</caption>')
    lines += ["<thead>", _row("th", columns, texts), "</thead>", "<tbody>"]
    lines += [_row("td", row, texts, ";font-weight:bold" * (place in bold)) for place, row in enumerate(rows)]
    lines.append("</tbody>")
    if last:
        lines += ["<tfoot>", _row("td", last, texts, ";border-top:1px solid"), "</tfoot>"]
    return Html("\n".join([*lines, "</table>"]))


def html_lines(lines: Iterable[str], tag: str = "div") -> Html:
    """Lines of text, each in an element of its own; escaped, except `Html`."""
    return Html("\n".join(f"<{tag}>{shown(line)}</{tag}>" for line in lines))


def shown(cell: str | int) -> str:
    """A value as HTML."""
    if isinstance(cell, Html):
        return cell
    return escape(cell if isinstance(cell, str) else f"{cell:,}")


def _row(tag: str, cells: Sequence[str | int], texts: Collection[int], style: str = "") -> str:
    sides = ["left" if place in texts else "right" for place in range(len(cells))]
    inner = (
        f'<{tag} style="text-align:{side};padding:1px 8px{style}">{shown(cell)}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(inner)}</tr>"
