"""Figures of the faces and of all nets together: numbers in, SVG text in light colours out (see `mien.report.svg`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.faces.colours import colours
from mien.report.palette import group_role, light
from mien.report.svg import legend, plain_ticks, sheet, spaced, svg_text, upright
from mien.report.tables import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def draw_counts(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Bars of each emotion's share of the train split, and marks for the other splits' shares."""
    first = next(iter(counts))
    classes = list(counts[first])
    shares = {split: np.array([of[name] for name in classes]) / sum(of.values()) for split, of in counts.items()}
    rows, furthest = np.arange(len(classes)), 100 * np.max(list(shares.values()), axis=0)
    with sheet(78 + 27 * len(classes)) as figure:
        axes = figure.subplots()
        axes.barh(rows, 100 * shares[first], 0.66, color=colours(classes))
        axes.plot([], [], "s", color=light("muted"), markersize=9, label=f"{first} (bar, with its count)")
        for split, mark, size in zip(list(counts)[1:], "o|", (6, 12), strict=False):
            axes.plot(100 * shares[split], rows, mark, label=split, color=light("ink"), mfc=light("paper"), ms=size)
        for row, (number, place) in enumerate(zip(counts[first].values(), furthest, strict=True)):
            axes.text(place + 0.02 * furthest.max(), row, f"{number:,}", va="center", fontsize=10.5)
        axes.set(yticks=rows, yticklabels=classes, xlabel="share of the split, %", xlim=(0, 1.16 * furthest.max()))
        upright(axes)
        legend(figure, len(counts))
        parts = "; ".join(f"{name} {100 * share:.1f} %" for name, share in zip(classes, shares[first], strict=True))
        return svg_text(figure, f"Bar chart of the emotions' shares of the {first} split: {parts}.")


def draw_scores(scores: Sequence[Score]) -> str:
    """A row for each net: its accuracy on train and validation (with interval), and on test where it was opened."""
    with sheet(62 + 27 * len(scores)) as figure:
        axes = figure.subplots()
        for row, score in enumerate(scores):
            if score.train is not None:
                axes.plot(
                    [100 * score.validation, 100 * score.train], [row, row], color=light("rule"), lw=2.5, zorder=1
                )
                _dot(axes, score.train, row, "train", light("paper"))
            _interval(axes, score.interval, row, "validation")
            _dot(axes, score.validation, row, "validation", light("validation"))
            if score.test is not None and score.test_interval is not None:
                _interval(axes, score.test_interval, row + 0.3, "test")
                _dot(axes, score.test, row + 0.3, "test", light("test"))
        for row in range(1, len(scores)):
            if scores[row].group != scores[row - 1].group:
                axes.axhline(row - 0.5, color=light("rule"), lw=0.8)
        axes.set(yticks=range(len(scores)), yticklabels=[score.name for score in scores], xlabel="accuracy, %")
        axes.set_ylim(len(scores) - 0.4, -0.6)
        upright(axes, invert=False)
        legend(figure, 3)
        shares = "; ".join(f"{score.name} {100 * score.validation:.1f} %" for score in scores)
        return svg_text(figure, f"Accuracy of each net on train, validation and test. Validation: {shares}.")


def draw_costs(costs: Sequence[Cost], groups: Sequence[str]) -> str:
    """Validation accuracy against training time (logarithmic); a point's area stands for its net's parameters."""
    with sheet(max(290, 24 * len(costs))) as figure:
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
        plain_ticks(axes.xaxis)
        low, high = np.log10(seconds.min()), np.log10(seconds.max())
        room = max(high - low, 0.3)
        names = 0.12 + 0.035 * max(len(cost.name) for cost in costs)
        axes.set_xlim(10 ** (low - 0.15 * room), 10 ** (high + names * room))
        span = max(float(np.ptp(accuracy)), 2.0)
        axes.set_ylim(accuracy.min() - 0.15 * span, accuracy.max() + 0.15 * span)
        for cost, x, y, place in zip(costs, seconds, accuracy, spaced(accuracy, 0.075 * span), strict=True):
            arrow = {"arrowstyle": "-", "color": light("muted"), "lw": 0.5, "shrinkA": 0, "shrinkB": 4}
            at = 10 ** (np.log10(x) + 0.08 * room)
            axes.annotate(cost.name, (x, y), (at, place), fontsize=10.5, va="center", arrowprops=arrow)
        if len(groups) > 1:
            legend(figure, 4 if len(groups) < 5 else 3, dots=55)
        points = "; ".join(f"{c.name} {100 * c.validation:.1f} % after {duration(c.seconds)}" for c in costs)
        return svg_text(figure, f"Validation accuracy against training time: {points}.")


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


def draw_before_after(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> str:
    """Faces as they are, and the same as a net is shown them, in two squares side by side.

    Args:
        before: uint8 [N, H, W].
        after: uint8 [N, H, W], each in the place of its original.
    """
    with sheet(222) as figure:
        for axes, faces, title in zip(figure.subplots(1, 2), (before, after), ("before", "after"), strict=True):
            axes.imshow(_mosaic(faces), cmap="gray", vmin=0, vmax=255, interpolation="none")
            axes.set_title(title, fontsize=10.5, color=light("muted"))
            axes.axis("off")
        return svg_text(figure, f"{len(before)} faces before and after augmentation.")


def _mosaic(faces: NDArray[np.uint8], gap: int = 3) -> NDArray[np.float64]:
    """Faces [N, H, W] laid in a square, row by row, NaN between them."""
    count, height, width = faces.shape
    side = ceil(sqrt(count))
    whole = np.full((side, height + gap, side, width + gap), np.nan)
    for place, face in enumerate(faces):
        whole[place // side, :height, place % side, :width] = face
    return whole.reshape(side * (height + gap), side * (width + gap))[:-gap, :-gap]


def _dot(axes: "Axes", share: float, row: float, split: str, fill: str) -> None:
    size = 6.5 if split == "test" else 7.5
    axes.plot([100 * share], [row], MARKS[split], label=split, color=light(split), mfc=fill, ms=size, mew=1.6, zorder=3)


def _interval(axes: "Axes", interval: tuple[float, float], row: float, split: str) -> None:
    axes.plot([100 * interval[0], 100 * interval[1]], [row, row], color=light(split), lw=2.2, alpha=0.5, zorder=2)
