"""A matplotlib figure that shows itself in every notebook. Import it where it is used: it loads matplotlib."""

import io
from typing import Any

import matplotlib
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from mien.report.palette import light
from mien.report.svg import COLUMN, STYLE

DPI = 192
"""Pixels of an inch in a notebook: two for each of its 96, so that letters are sharp on fine screens."""


class NotebookFigure(Figure):
    """A figure in the report's style on light paper.

    It belongs to no backend of matplotlib's: a notebook shows it as the value of a cell, with matplotlib's inline
    backend and without, and only once. `savefig` writes it to a file.

    Args:
        height, width: in points.
        label: what it shows in words, for those who do not see it.
    """

    def __init__(self, height: float, width: float = COLUMN, label: str = "") -> None:
        super().__init__(figsize=(width / 72, height / 72), facecolor=light("paper"), layout="constrained")
        self.set_label(label)

    def draw(self, renderer: RendererBase) -> None:
        """See Figure. Ticks are made only here, so the style must hold here too."""
        with matplotlib.rc_context(STYLE):
            super().draw(renderer)

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """The figure for a notebook, with its size and its words."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=DPI)
        width, height = (round(96 * inches) for inches in self.get_size_inches())
        return file.getvalue(), {"width": width, "height": height, "alt": self.get_label()}
