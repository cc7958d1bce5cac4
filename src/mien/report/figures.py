"""Figures: each function takes numbers and gives SVG text in light colours (see `mien.report.svg`).

Legend: `K` classes, `B` bins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.report.palette import emotion_roles, group_role, light
from mien.report.svg import sheet, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.patches import Rectangle

STEEP = 20.0
"""Curves whose highest value is more than so many times their lowest are drawn on a logarithmic scale."""

MARKS = {"train": "o", "validation": "o", "test": "D"}


@dataclass(frozen=True)
class Score:
    """One net's line in the picture of accuracies; shares 0..1, None where it was not measured."""

    name: str
    group: str
    train: float | None
    validation: float
    interval: tuple[float, float]
    test: float | None = None
    test_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Cost:
    """One net's point in the picture of costs: training time in seconds, parameters, validation accuracy 0..1."""

    name: str
    group: int
    seconds: float
    parameters: int
    validation: float


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over epochs or steps: one series a seed, drawn thin, and their mean, drawn thick.

    Attributes:
        label: what it is, for the legend.
        role: its colour, from `mien.report.palette.ROLES`.
        x: float per seed [points].
        y: float per seed [points], as long as x.
    """

    label: str
    role: str
    x: Sequence[NDArray[np.float64]]
    y: Sequence[NDArray[np.float64]]


def draw_counts(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Bars of each emotion's share of the train split, and marks for the other splits' shares."""
    first = next(iter(counts))
    classes = list(counts[first])
    shares = {split: np.array([of[name] for name in classes]) / sum(of.values()) for split, of in counts.items()}
    rows, furthest = np.arange(len(classes)), 100 * np.max(list(shares.values()), axis=0)
    with sheet(78 + 27 * len(classes)) as figure:
        axes = figure.subplots()
        axes.barh(rows, 100 * shares[first], 0.66, color=[light(role) for role in emotion_roles(classes)])
        axes.plot([], [], "s", color=light("muted"), markersize=9, label=f"{first} (bar, with its count)")
        for split, mark, size in zip(list(counts)[1:], "o|", (6, 12), strict=False):
            style = {"color": light("ink"), "markerfacecolor": light("paper"), "markersize": size}
            axes.plot(100 * shares[split], rows, mark, label=split, **style)
        for row, (number, place) in enumerate(zip(counts[first].values(), furthest, strict=True)):
            axes.text(place + 0.02 * furthest.max(), row, f"{number:,}", va="center", fontsize=10.5)
        axes.set(yticks=rows, yticklabels=classes, xlabel="share of the split, %", xlim=(0, 1.16 * furthest.max()))
        _upright(axes)
        figure.legend(loc="outside upper right", ncols=len(counts), columnspacing=1.2, handletextpad=0.3)
        parts = "; ".join(f"{name} {100 * share:.1f} %" for name, share in zip(classes, shares[first], strict=True))
        return svg_text(figure, f"Bar chart of the emotions' shares of the {first} split: {parts}.")


def draw_scores(scores: Sequence[Score]) -> str:
    """A row for each net: its accuracy on train and validation (with interval), and on test where it was opened."""
    with sheet(62 + 27 * len(scores)) as figure:
        axes = figure.subplots()
        rows = np.arange(len(scores))
        for row, score in zip(rows, scores, strict=True):
            if score.train is not None:
                axes.plot([100 * score.validation, 100 * score.train], [row, row], color=light("rule"), lw=2.5, zorder=1)
                _dot(axes, score.train, row, "train", light("paper"))
            _interval(axes, score.interval, row, "validation")
            _dot(axes, score.validation, row, "validation", light("validation"))
            if score.test is not None and score.test_interval is not None:
                _interval(axes, score.test_interval, row + 0.3, "test")
                _dot(axes, score.test, row + 0.3, "test", light("test"))
        for row in rows[1:]:
            if scores[row].group != scores[row - 1].group:
                axes.axhline(row - 0.5, color=light("rule"), lw=0.8)
        axes.set(yticks=rows, yticklabels=[score.name for score in scores], xlabel="accuracy, %")
        axes.set_ylim(len(scores) - 0.4, -0.6)
        _upright(axes, invert=False)
        handles, labels = axes.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        figure.legend(unique.values(), unique.keys(), loc="outside upper right", ncols=3, columnspacing=1.2)
        told = "; ".join(f"{score.name} {100 * score.validation:.1f} %" for score in scores)
        return svg_text(figure, f"Accuracy of each net on train, validation and test. Validation: {told}.")


def draw_costs(costs: Sequence[Cost], groups: Sequence[str]) -> str:
    """Validation accuracy against training time (logarithmic); a point's area stands for its net's parameters."""
    with sheet(290) as figure:
        axes = figure.subplots()
        seconds = np.array([cost.seconds for cost in costs])
        accuracy = 100 * np.array([cost.validation for cost in costs])
        largest = max(cost.parameters for cost in costs)
        for index, title in enumerate(groups):
            mine = [k for k, cost in enumerate(costs) if cost.group == index]
            areas = [30 + 270 * costs[k].parameters / largest for k in mine]
            colour = light(group_role(index))
            axes.scatter(seconds[mine], accuracy[mine], areas, color=colour, alpha=0.55, linewidths=0, label=title)
        axes.set(xscale="log", xlabel="training time, s", ylabel="validation accuracy, %")
        _plain_ticks(axes.xaxis)
        low, high = np.log10(seconds.min()), np.log10(seconds.max())
        room = max(high - low, 0.3)
        axes.set_xlim(10 ** (low - 0.15 * room), 10 ** (high + 0.45 * room))
        span = max(float(np.ptp(accuracy)), 2.0)
        axes.set_ylim(accuracy.min() - 0.15 * span, accuracy.max() + 0.15 * span)
        for cost, x, y, place in zip(costs, seconds, accuracy, _apart(accuracy, 0.085 * span), strict=True):
            arrow = {"arrowstyle": "-", "color": light("muted"), "lw": 0.5, "shrinkA": 0, "shrinkB": 4}
            at = 10 ** (np.log10(x) + 0.08 * room)
            axes.annotate(cost.name, (x, y), (at, place), fontsize=10.5, va="center", arrowprops=arrow)
        if len(groups) > 1:
            legend = figure.legend(loc="outside upper right", ncols=4, columnspacing=1.2)
            for handle in legend.legend_handles:
                if handle is not None and hasattr(handle, "set_sizes"):
                    handle.set_sizes([55])
        told = "; ".join(f"{c.name} {100 * c.validation:.1f} % after {c.seconds:.0f} s" for c in costs)
        return svg_text(figure, f"Validation accuracy against training time: {told}.")


def draw_curves(curves: Sequence[Curve], x: str, y: str, percent: bool = False, marked: float | None = None) -> str:
    """Curves over epochs or steps.

    Args:
        curves: what to draw.
        x: the horizontal axis' label.
        y: the vertical axis' label.
        percent: show shares 0..1 as per cent.
        marked: an x to mark with a fine vertical line (the epoch that was kept).
    """
    factor = 100.0 if percent else 1.0
    with sheet(235) as figure:
        axes = figure.subplots()
        for curve in curves:
            colour = light(curve.role)
            alone = len(curve.y) == 1
            for xs, ys in zip(curve.x, curve.y, strict=True):
                mark = "o" if len(xs) < 3 else ""
                axes.plot(xs, factor * ys, mark + "-", ms=4, color=colour, lw=1.8 if alone else 0.7, alpha=1 if alone else 0.55)
            if not alone:
                shortest = min(len(ys) for ys in curve.y)
                mean = np.mean([ys[:shortest] for ys in curve.y], axis=0)
                axes.plot(curve.x[0][:shortest], factor * mean, color=colour, lw=2.4)
            axes.plot([], [], color=colour, lw=2.4, label=curve.label)
        if marked is not None:
            axes.axvline(marked, color=light("muted"), lw=0.8, ls=(0, (4, 3)))
        axes.set(xlabel=x, ylabel=y)
        axes.xaxis.get_major_locator().set_params(integer=True)
        lowest, highest = _range(curves)
        if lowest > 0 and highest > STEEP * lowest:
            axes.set_yscale("log")
            _plain_ticks(axes.yaxis)
        axes.margins(x=0.02)
        if len(curves) > 1:
            figure.legend(loc="outside upper right", ncols=len(curves), columnspacing=1.2)
        told = "; ".join(
            f"{curve.label} from {factor * first:.3g} to {factor * last:.3g}"
            for curve in curves
            for first, last in [(np.mean([ys[0] for ys in curve.y]), np.mean([ys[-1] for ys in curve.y]))]
        )
        return svg_text(figure, f"{y} over {x}: {told}.")


def draw_confusion(confusion: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Confusion matrix, rows the truth: each cell shaded by its share of the row, with share and count.

    Args:
        confusion: int [K, K], rows truth, columns prediction.
        classes: the K names.
    """
    totals = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.maximum(totals, 1)
    size = len(classes)
    with sheet(96 + 44 * size) as figure:
        axes = figure.subplots()
        axes.grid(False)
        for (row, column), share in np.ndenumerate(shares):
            # at most half opaque, so that the letters keep their contrast on light paper and on dark
            box = {"facecolor": light("accent"), "alpha": 0.5 * float(share) ** 0.75, "edgecolor": "none"}
            axes.add_patch(_square(column, row, **box))
            axes.text(column, row - 0.02, f"{100 * share:.0f}", va="bottom", ha="center", fontsize=11)
            axes.text(column, row + 0.06, f"{confusion[row, column]:,}", va="top", ha="center", fontsize=8.5)
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xticks=range(size), yticks=range(size))
        axes.set_xticklabels(classes, rotation=45, ha="left", rotation_mode="anchor")
        axes.set_yticklabels(classes)
        axes.xaxis.set_ticks_position("top")
        axes.tick_params(length=0, labelcolor=light("ink"))
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted, % of the row (count below)", ylabel="truth")
        rights = "; ".join(f"{name} {100 * shares[k, k]:.0f} %" for k, name in enumerate(classes))
        return svg_text(figure, f"Confusion matrix. Of each emotion, recognised: {rights}.")


def draw_per_class(scores: Mapping[str, Mapping[str, float]]) -> str:
    """Recall of each class as a bar in its colour, precision as a mark on it.

    Args:
        scores: class name -> its `recall` and `precision`, 0..1.
    """
    classes = list(scores)
    rows = np.arange(len(classes))
    with sheet(66 + 27 * len(classes)) as figure:
        axes = figure.subplots()
        recall = [100 * scores[name]["recall"] for name in classes]
        precision = [100 * scores[name]["precision"] for name in classes]
        axes.barh(rows, recall, 0.66, color=[light(role) for role in emotion_roles(classes)])
        style = {"color": light("ink"), "markerfacecolor": light("paper"), "markersize": 7}
        axes.plot(precision, rows, "D", label="precision (how often the answer is right)", **style)
        axes.plot([], [], "s", color=light("muted"), markersize=9, label="recall (bar)")
        axes.set(yticks=rows, yticklabels=classes, xlim=(0, 104), xlabel="%")
        _upright(axes)
        figure.legend(loc="outside upper right", ncols=2, columnspacing=1.2, handletextpad=0.3)
        told = "; ".join(f"{name} {r:.0f} %" for name, r in zip(classes, recall, strict=True))
        return svg_text(figure, f"Recall and precision of each emotion. Recall: {told}.")


def draw_reliability(
    confidence: NDArray[np.float64], accuracy: NDArray[np.float64], counts: NDArray[np.int64], edges: NDArray[np.float64]
) -> str:
    """Reliability diagram (Guo et al. 2017, arXiv 1706.04599): how often each confidence turns out right.

    Args:
        confidence: float [B], mean of the highest probability in each bin; not read where the bin is empty.
        accuracy: float [B], share right in each bin; not read where the bin is empty.
        counts: int [B], faces in each bin.
        edges: float [B + 1], the bins' edges, 0..1.
    """
    full = counts > 0
    widths = 100 * np.diff(edges)
    with sheet(330) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        upper.plot([0, 100], [0, 100], color=light("muted"), lw=0.9, ls=(0, (4, 3)), label="perfectly calibrated")
        colour = light("accent")
        upper.bar(100 * edges[:-1][full], 100 * accuracy[full], 0.92 * widths[full], align="edge", color=colour, alpha=0.35)
        upper.plot(100 * confidence[full], 100 * accuracy[full], "o-", color=colour, lw=1.5, ms=4.5, label="this net")
        upper.set(ylim=(0, 102), ylabel="right, %")
        upper.legend(loc="upper left")
        shares = 100 * counts / max(counts.sum(), 1)
        lower.bar(100 * edges[:-1], shares, 0.92 * widths, align="edge", color=light("muted"), alpha=0.6)
        lower.set(xlim=(0, 100), xlabel="confidence, %", ylabel="faces, %")
        told = "; ".join(
            f"at {100 * c:.0f} % confidence {100 * a:.0f} % right"
            for c, a in zip(confidence[full], accuracy[full], strict=True)
        )
        return svg_text(figure, f"Reliability diagram: {told}.")


def draw_faces(images: NDArray[np.floating] | NDArray[np.uint8], titles: Sequence[str], columns: int = 7) -> str:
    """A grid of faces with their titles.

    Args:
        images: [N, H, W], each shown from its darkest to its brightest value.
        titles: the N titles.
        columns: faces in a row.
    """
    rows = -(-len(images) // columns)
    with sheet(rows * 78 + 6, 70 * columns) as figure:
        for place, (image, title) in enumerate(zip(images, titles, strict=True)):
            axes = figure.add_subplot(rows, columns, place + 1)
            axes.imshow(image, cmap="gray", interpolation="none")
            axes.set_title(title, fontsize=9.5, pad=3)
            axes.axis("off")
        return svg_text(figure, f"Faces: {', '.join(titles)}.")


def _square(column: int, row: int, **style: object) -> "Rectangle":
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, **style)


def _dot(axes: "Axes", share: float, row: float, split: str, fill: str) -> None:
    style = {"color": light(split), "markerfacecolor": fill, "markersize": 6.5 if split == "test" else 7.5}
    axes.plot([100 * share], [row], MARKS[split], label=split, markeredgewidth=1.6, linestyle="none", zorder=3, **style)


def _interval(axes: "Axes", interval: tuple[float, float], row: float, split: str) -> None:
    axes.plot([100 * interval[0], 100 * interval[1]], [row, row], color=light(split), lw=2.2, alpha=0.5, zorder=2)


def _upright(axes: "Axes", invert: bool = True) -> None:
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", labelcolor=light("ink"))
    if invert:
        axes.invert_yaxis()


def _plain_ticks(axis: "Axis") -> None:
    """Ticks of a logarithmic axis as plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    """The lowest and highest finite value of all curves; (0, 0) if there is none."""
    values = np.concatenate([ys for curve in curves for ys in curve.y] or [np.zeros(1)])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _apart(places: NDArray[np.float64], gap: float) -> list[float]:
    """The places moved until neighbours are about `gap` apart, each pair by equal parts: room for their labels."""
    order = np.argsort(places, kind="stable")
    moved = np.asarray(places, float)[order]
    for _ in range(100):
        push = np.maximum(gap - np.diff(moved), 0) / 2
        moved[:-1] -= push
        moved[1:] += push
    result = np.empty_like(moved)
    result[order] = moved
    return [float(place) for place in result]
