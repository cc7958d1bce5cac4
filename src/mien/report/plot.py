"""A plot that can be drawn three ways: as the report's SVG, in a notebook, and into axes of somebody else's figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.extras import is_installed, require
from mien.report.palette import light
from mien.report.svg import COLUMN, STYLE, legend, sheet, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Plot:
    """What is drawn, and the figure that it has for itself.

    Attributes:
        draw: draws it into given axes. It sets no fonts, and takes colours by `mien.report.svg.role_colour`, so that
            it fits dark axes too.
        label: what it shows in words.
        height, width: of its own figure in points.
        legend_columns: how many entries of its legend stand in a line; 0 where it has none.
        below: draws a lower part of a fifth of the height on the same horizontal axis; only its own figure has it.
    """

    draw: "Callable[[Axes], None]"
    label: str
    height: float
    width: float = COLUMN
    legend_columns: int = 0
    below: "Callable[[Axes], None] | None" = None

    @property
    def svg(self) -> str:
        """SVG text in light colours, for the report."""
        with sheet(self.height, self.width) as figure:
            self._fill(figure)
            return svg_text(figure, self.label)

    def show(self, axes: "Axes | None" = None, title: str = "") -> "Figure":
        """Draw it into axes, or into a figure of its own.

        Args:
            axes: where to draw, in their own style; None for a new figure, which shows itself in a notebook.
            title: above a new figure.

        Returns:
            The figure of the axes.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UserError: `axes` are none.
        """
        if not is_installed("matplotlib"):
            require("train", "drawing")
        import matplotlib

        from mien.notebook_figure import NotebookFigure, check_axes

        if axes is not None:
            check_axes(axes)
            self.draw(axes)
            if self.legend_columns:
                axes.legend()
            return axes.figure.figure

        height, label = self.height + (18 if title else 0), f"{title}. {self.label}".lstrip(". ")
        figure = NotebookFigure(self.width, height, label, STYLE, light("paper"))
        with matplotlib.rc_context(STYLE):
            self._fill(figure)
            figure.axes[0].set_title(title, loc="left")
        return figure

    def _fill(self, figure: "Figure") -> None:
        if self.below is None:
            self.draw(figure.subplots())
        else:
            upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
            self.draw(upper)
            upper.set(xlabel="")
        if self.legend_columns:
            legend(figure, self.legend_columns)
        if self.below is not None:
            self.below(lower)


def show_stacked(plots: Sequence[Plot], title: str = "") -> "Figure":
    """Draw plots that have the same legend below each other, into a new figure that shows itself in a notebook.

    Args:
        plots: from the top.
        title: above the figure.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    if not is_installed("matplotlib"):
        require("train", "drawing")
    import matplotlib

    from mien.notebook_figure import NotebookFigure

    label = " ".join([f"{title}."] * bool(title) + [plot.label for plot in plots])
    height = sum(plot.height for plot in plots) + (18 if title else 0)
    figure = NotebookFigure(max(plot.width for plot in plots), height, label, STYLE, light("paper"))
    with matplotlib.rc_context(STYLE):
        for axes, plot in zip(figure.subplots(len(plots), 1, squeeze=False)[:, 0], plots, strict=True):
            plot.draw(axes)
        if columns := max(plot.legend_columns for plot in plots):
            legend(figure, columns)
        figure.axes[0].set_title(title, loc="left")
    return figure
