"""Figures of one net's predictions of one split.

Each `plot_x` draws into given axes; `x_plot` gives the same as a `Plot`, which makes a figure or SVG of it. Legend: `K`
classes.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.faces.colours import colours
from mien.report.cell_faces import CellFaces
from mien.report.plot import Plot
from mien.report.svg import Drawing, named_links, on_dark, role_colour, upright, without_links
from mien.report.tables import percent
from mien.runs.metrics import Bin, ClassScore
from mien.runs.results import SplitScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_evaluation(name: str, scores: SplitScores, seeds: int, cells: CellFaces | None = None) -> list[Drawing]:
    """Confusion matrix, reliability and per-class scores of a net on the split of its scores.

    Args:
        name: the net's.
        scores: the net's.
        seeds: how many runs are pooled.
        cells: faces that the page shows of each cell of the confusion matrix.
    """
    split = scores.evaluated_on
    return [
        _draw_confusion(name, scores, seeds, cells),
        Drawing(
            f"reliability-{name}",
            f"Reliability of {name} on {split}: bars below the diagonal mean too much confidence. Expected calibration "
            f"error {percent(scores.ece)} %.",
            reliability_plot(scores.reliability).svg,
        ),
        Drawing(
            f"per-class-{name}",
            f"Recall and precision of each emotion, {name} on {split}.",
            per_class_plot(scores.per_class).svg,
        ),
    ]


def _draw_confusion(name: str, scores: SplitScores, seeds: int, cells: CellFaces | None) -> Drawing:
    caption = (
        f"Confusion matrix of {name} on {scores.evaluated_on}: how many per cent of each row's faces got which answer."
    )
    if seeds > 1:
        caption += " The counts add up all seeds."
    confusion, classes = np.array(scores.confusion), list(scores.per_class)
    keys = {cell.key for cell in cells.cells} if cells else set()
    svg = confusion_plot(confusion, classes, keys).svg
    if not keys:
        return Drawing(f"confusion-{name}", caption, svg)
    names = {
        f"{row}-{column}": f"{count:,} {classes[row]} face{'s' if count != 1 else ''} predicted as {classes[column]}"
        for (row, column), count in np.ndenumerate(confusion)
    }
    return Drawing(f"confusion-{name}", caption, without_links(svg), named_links(svg, names))


def plot_confusion(
    axes: "Axes", confusion: NDArray[np.int64], classes: Sequence[str], linked: Collection[str] = ()
) -> None:
    """Confusion matrix, rows the truth: each cell shaded by its share of the row, with share and count.

    Args:
        axes: where to draw.
        confusion: int [K, K], rows truth, columns prediction.
        classes: the K names.
        linked: cells that lead to `#row-column`, as in `0-3`.
    """
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    axes.grid(False)
    accent, ink = role_colour(axes, "accent"), role_colour(axes, "ink")
    small, size = 8.5 / 11 * rcParams["font.size"], len(classes)
    for (row, column), share in np.ndenumerate(_shares(confusion)):
        # at most half opaque, so that the letters keep their contrast on light paper and on dark
        shade = 0.5 * float(share) ** 0.75
        corner = (column - 0.48, row - 0.48)
        fill = to_rgba(accent, shade)  # opacity of the fill alone, not of the line that the page draws around it
        cell = axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=fill, edgecolor="none"))
        if (key := f"{row}-{column}") in linked:
            cell.set_url(f"#{key}")
        above = axes.text(column, row - 0.02, f"{100 * share:.0f}", va="bottom", ha="center", color=ink)
        count = f"{confusion[row, column]:,}"
        below = axes.text(column, row + 0.06, count, va="top", ha="center", color=ink, fontsize=small)
        for artist in (cell, above, below):
            artist.set_in_layout(False)  # all lie within the axes; measuring each would take seconds
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xticks=range(size), yticks=range(size))
    axes.set_xticklabels(classes, rotation=45, ha="left", rotation_mode="anchor")
    axes.set_yticklabels(classes)
    axes.xaxis.set_ticks_position("top")
    axes.tick_params(length=0, labelcolor=ink)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted, % of the row (count below)", ylabel="truth")


def confusion_plot(confusion: NDArray[np.int64], classes: Sequence[str], linked: Collection[str] = ()) -> Plot:
    """`plot_confusion` as a plot."""
    shares = _shares(confusion)
    recognised = "; ".join(f"{name} {100 * shares[k, k]:.0f} %" for k, name in enumerate(classes))
    return Plot(
        lambda axes: plot_confusion(axes, confusion, classes, linked),
        f"Confusion matrix. Of each emotion, recognised: {recognised}.",
        height=96 + 44 * len(classes),
    )


def plot_per_class(axes: "Axes", scores: Mapping[str, ClassScore]) -> None:
    """Recall of each class as a bar in its colour, precision as a mark on it.

    Args:
        axes: where to draw.
        scores: by class name.
    """
    classes = list(scores)
    rows = np.arange(len(classes))
    recall = [100 * scores[name].recall for name in classes]
    precision = [100 * scores[name].precision for name in classes]
    axes.barh(rows, recall, 0.66, color=colours(classes, on_dark(axes)))
    ink, paper = role_colour(axes, "ink"), role_colour(axes, "paper")
    axes.plot(precision, rows, "D", label="precision (how often the answer is correct)", color=ink, mfc=paper, ms=7)
    axes.plot([], [], "s", color=role_colour(axes, "muted"), markersize=9, label="recall (bar)")
    axes.set(yticks=rows, yticklabels=classes, xlim=(0, 104), xlabel="%")
    upright(axes)


def per_class_plot(scores: Mapping[str, ClassScore]) -> Plot:
    """`plot_per_class` as a plot."""
    recalls = "; ".join(f"{name} {100 * one.recall:.0f} %" for name, one in scores.items())
    return Plot(
        lambda axes: plot_per_class(axes, scores),
        f"Recall and precision of each emotion. Recall: {recalls}.",
        height=66 + 27 * len(scores),
        legend_columns=2,
    )


def plot_reliability(axes: "Axes", bins: Sequence[Bin]) -> None:
    """Reliability diagram (Guo et al. 2017, arXiv 1706.04599): how often the answers of each confidence are correct.

    Args:
        axes: where to draw.
        bins: in the order of their edges; an empty one is left out.
    """
    accent, full = role_colour(axes, "accent"), [one for one in bins if one.count]
    ideal = role_colour(axes, "muted")
    axes.plot([0, 100], [0, 100], color=ideal, lw=0.9, ls=(0, (4, 3)), label="perfectly calibrated")
    lows, widths = np.array([one.low for one in full]), np.array([one.high - one.low for one in full])
    confidence, accuracy = np.array([one.confidence for one in full]), np.array([one.accuracy for one in full])
    axes.bar(100 * lows, 100 * accuracy, 92 * widths, align="edge", color=accent, alpha=0.35)
    axes.plot(100 * confidence, 100 * accuracy, "o-", color=accent, lw=1.5, ms=4.5, label="this net")
    axes.set(xlim=(0, 100), ylim=(0, 102), ylabel="correct, %", xlabel="confidence, %")


def plot_confidences(axes: "Axes", bins: Sequence[Bin]) -> None:
    """How many of the answers lie in each bin of confidence, in per cent.

    Args:
        axes: where to draw.
        bins: in the order of their edges.
    """
    total = max(sum(one.count for one in bins), 1)
    lows, widths = np.array([one.low for one in bins]), np.array([one.high - one.low for one in bins])
    shares = np.array([100 * one.count / total for one in bins])
    axes.bar(100 * lows, shares, 92 * widths, align="edge", color=role_colour(axes, "muted"), alpha=0.6)
    axes.set(xlim=(0, 100), xlabel="confidence, %", ylabel="faces, %")


def reliability_plot(bins: Sequence[Bin]) -> Plot:
    """`plot_reliability` as a plot, with `plot_confidences` below it."""
    points = "; ".join(
        f"at {100 * one.confidence:.0f} % confidence {100 * one.accuracy:.0f} % correct" for one in bins if one.count
    )
    return Plot(
        lambda axes: plot_reliability(axes, bins),
        f"Reliability diagram: {points}.",
        height=330,
        legend_columns=2,
        below=lambda axes: plot_confidences(axes, bins),
    )


def _shares(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each count as a share of its row, [K, K]."""
    shares: NDArray[np.float64] = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares
