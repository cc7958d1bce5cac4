"""Tables of the report as HTML for a notebook, legible in its light and its dark theme."""

from html import escape

from mien.report.tables import Table

_CELL = "padding:0.25em 0.8em;border:0;"
_RULE = "border-bottom:1px solid rgba(128,128,128,0.35);"


def html_of(table: Table) -> str:
    """A table as HTML; what it holds is escaped, its marked rows are bold.

    Colours are the notebook's own, as its styles give text and rules their colour.
    """
    heads = "".join(
        f'<th style="{_CELL}{_RULE}{_aligned(column.number)}">{escape(column.title)}</th>' for column in table.columns
    )
    rows = "".join(_row(table, place) for place in range(len(table.rows)))
    title = f'<caption style="text-align:left;font-weight:bold">{escape(table.title)}</caption>' if table.title else ""
    notes = f'<p style="opacity:0.75">{escape(table.notes)}</p>' if table.notes else ""
    head = f'<table style="border-collapse:collapse;background:none">{title}<thead><tr>{heads}</tr></thead>'
    return f"{head}<tbody>{rows}</tbody></table>{notes}"


def _row(table: Table, place: int) -> str:
    weight = "font-weight:bold;" if place in table.marked else ""
    cells = "".join(
        f'<{"th" if column.lead else "td"} style="{_CELL}{_aligned(column.number)}'
        f'{weight or "font-weight:normal;"}">{escape(text)}</{"th" if column.lead else "td"}>'
        for column, text, _ in table.shown(table.rows[place])
    )
    return f'<tr style="background:none">{cells}</tr>'


def _aligned(number: bool) -> str:
    return f"text-align:{'right' if number else 'left'};"


def text_of(table: Table) -> str:
    """A table as text, its columns in line; a star stands behind the first cell of a marked row."""
    rows = [[column.title for column in table.columns]]
    for place, row in enumerate(table.rows):
        texts = [text for _, text, _ in table.shown(row)]
        rows.append([texts[0] + (" *" if place in table.marked else ""), *texts[1:]])
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.columns))]
    sides = [">" if column.number else "<" for column in table.columns]
    return "\n".join(
        "  ".join(f"{text:{side}{width}}" for text, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in rows
    )
