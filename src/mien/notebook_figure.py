"""A matplotlib figure that shows itself in every notebook. Import it where it is used: it loads matplotlib."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from mien.errors import UserError

DPI = 192
"""Pixels of an inch in a notebook: two for each of its 96, so that letters are sharp on fine screens."""


class NotebookFigure(Figure):
    """A figure in a style of its own on light paper.

    It belongs to no backend of matplotlib's: a notebook shows it as the value of a cell, with matplotlib's inline
    backend and without, and only once. `savefig` writes it to a file.

    Args:
        width, height: in points.
        label: what it shows in words, for those who do not see it.
        style: settings of matplotlib that hold while it is drawn.
        paper: the colour of its background.
    """

    def __init__(self, width: float, height: float, label: str, style: Mapping[Any, Any], paper: str = "white") -> None:
        super().__init__(figsize=(width / 72, height / 72), facecolor=paper, layout="constrained")
        self.set_label(label)
        self._style = dict(style)

    def draw(self, renderer: RendererBase) -> None:
        """See Figure. Ticks are made only here, so the style must hold here too."""
        with matplotlib.rc_context(self._style):
            super().draw(renderer)

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """The figure for a notebook, with its size and its words."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=DPI)
        width, height = (round(96 * inches) for inches in self.get_size_inches())
        return file.getvalue(), {"width": width, "height": height, "alt": self.get_label()}


def check_axes(axes: object) -> None:
    """Raise a UserError unless this is one Axes of matplotlib's, into which one plot can be drawn."""
    if not isinstance(axes, Axes):
        raise UserError(
            f"axes: found {type(axes).__name__}; give one Axes, such as plt.subplots() or figure.subplots() make, or "
            "leave it out for a new figure"
        )
