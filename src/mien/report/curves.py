"""A net's history as curves: loss over steps and epochs, accuracy over epochs.

`plot_curves` draws into given axes; `curves_plot` gives the same as a `Plot`, which makes a figure or SVG of it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.report.palette import light, line_role
from mien.report.plot import Plot
from mien.report.study_data import ReportedNet
from mien.report.svg import Drawing, plain_ticks, role_colour, sheet, spaced, svg_text
from mien.runs.run import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 400
"""The most points of a curve: longer series of steps are averaged in blocks."""

STEEP = 20.0
"""Curves whose highest value is more than so many times their lowest are drawn on a logarithmic scale."""


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


def plot_curves(
    axes: "Axes", curves: Sequence[Curve], x: str, y: str, percent: bool = False, marked: float | None = None
) -> None:
    """Curves over epochs or steps.

    Args:
        axes: where to draw.
        curves: what to draw.
        x: the horizontal axis' label.
        y: the vertical axis' label.
        percent: show shares 0..1 as per cent.
        marked: an x to mark with a fine vertical line (the epoch whose weights are the result).
    """
    from matplotlib.ticker import MaxNLocator

    factor = 100.0 if percent else 1.0
    for curve in curves:
        colour = role_colour(axes, curve.role)
        alone = len(curve.y) == 1
        width, opacity = (1.8, 1.0) if alone else (0.7, 0.55)
        for xs, ys in zip(curve.x, curve.y, strict=True):
            line = "o-" if len(xs) < 3 else "-"
            axes.plot(xs, factor * ys, line, ms=4, color=colour, lw=width, alpha=opacity)
        if not alone:
            shortest = min(len(ys) for ys in curve.y)
            mean = np.mean([ys[:shortest] for ys in curve.y], axis=0)
            axes.plot(curve.x[0][:shortest], factor * mean, color=colour, lw=2.4)
        axes.plot([], [], color=colour, lw=2.4, label=curve.label)
    if marked is not None:
        axes.axvline(marked, color=role_colour(axes, "muted"), lw=0.8, ls=(0, (4, 3)))
    axes.set(xlabel=x, ylabel=y)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    lowest, highest = _range(curves)
    if lowest > 0 and highest > STEEP * lowest:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    axes.margins(x=0.02)


def curves_plot(curves: Sequence[Curve], x: str, y: str, percent: bool = False, marked: float | None = None) -> Plot:
    """`plot_curves` as a plot."""
    factor = 100.0 if percent else 1.0
    ends = "; ".join(
        f"{curve.label} from {factor * first:.3g} to {factor * last:.3g}"
        for curve in curves
        for first, last in [(np.mean([ys[0] for ys in curve.y]), np.mean([ys[-1] for ys in curve.y]))]
    )
    return Plot(
        lambda axes: plot_curves(axes, curves, x, y, percent, marked),
        f"{y} over {x}: {ends}.",
        height=235,
        legend_columns=len(curves) if len(curves) > 1 else 0,
    )


def thinned(values: NDArray[np.float64], most: int = POINTS) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Mean of each block of a long series.

    Args:
        values: float [steps].
        most: points wanted at most.

    Returns:
        The middle step of each block, from 1, float [points]; the blocks' means, float [points]; steps in a block.
    """
    block = max(1, -(-len(values) // most))
    starts = np.arange(0, len(values), block)
    sizes = np.minimum(block, len(values) - starts)
    return starts + (sizes + 1) / 2, np.add.reduceat(values, starts) / sizes, block


def draw_history(net: ReportedNet) -> list[Drawing]:
    """The curves of a net's runs; [] before its first epoch."""
    histories = [history for run in net.runs if (history := run.history())]
    if not histories:
        return []
    seeds = f" Thin: each of {len(histories)} seeds; thick: their mean." if len(histories) > 1 else ""
    penalised = any(re.search(r"\bl[12]\b", word) for word in net.net.layers)
    penalty = " The loss on train includes the penalties on weights, that on validation does not." if penalised else ""
    penalty += _objective(net)

    steps = [thinned(np.array([loss for epoch in history for loss in epoch.steps])) for history in histories]
    block = max(size for _, _, size in steps)
    blocks = f" Each point is the mean of {block} steps." if block > 1 else ""
    by_step = Curve("train", "train", [x for x, _, _ in steps], [y for _, y, _ in steps])
    loss, accuracy = history_plots(net)
    selected = _selected_epoch(net)
    mark = "" if selected is None else " Dashed: the epoch whose weights are the result."
    changed = ", its faces augmented" if net.recipe.augment else ""
    during = f" Train is evaluated while the net trains on it, dropout on{changed}."
    return [
        Drawing(
            f"loss-steps-{net.name}",
            f"{net.name}: cross-entropy on train over optimiser steps.{blocks}{penalty}{seeds}",
            curves_plot([by_step], "step", "cross-entropy").svg,
        ),
        Drawing(
            f"loss-epochs-{net.name}",
            f"{net.name}: cross-entropy over epochs.{penalty}{mark}{seeds}",
            loss.svg,
        ),
        Drawing(
            f"accuracy-epochs-{net.name}",
            f"{net.name}: accuracy over epochs.{during}{mark}{seeds}",
            accuracy.svg,
        ),
    ]


def history_plots(net: ReportedNet) -> tuple[Plot, Plot]:
    """The loss and the accuracy of a net's runs over epochs; there must be an epoch."""
    histories = [history for run in net.runs if (history := run.history())]
    loss = [
        _over_epochs("train", histories, lambda epoch: epoch.loss),
        _over_epochs("validation", histories, lambda epoch: epoch.validation_loss),
    ]
    accuracy = [
        _over_epochs("train", histories, lambda epoch: epoch.accuracy),
        _over_epochs("validation", histories, lambda epoch: epoch.validation_accuracy),
    ]
    selected = _selected_epoch(net)
    return (
        curves_plot(loss, "epoch", "cross-entropy", marked=selected),
        curves_plot(accuracy, "epoch", "accuracy, %", percent=True, marked=selected),
    )


def draw_histories(nets: Sequence[ReportedNet], group: str) -> list[Drawing]:
    """The validation curves of a comparison table's nets, each the mean of its seeds; [] for fewer than two nets."""
    trained = [
        (net, histories)
        for net in nets
        if net.validation and (histories := [history for run in net.runs if (history := run.history())])
    ]
    if len(trained) < 2:
        return []

    def lines(value: Callable[[Epoch], float]) -> list[tuple[str, NDArray[np.float64]]]:
        return [
            (net.name, np.mean([[value(epoch) for epoch in one[: min(map(len, each))]] for one in each], axis=0))
            for net, each in trained
        ]

    seeds = " Each is the mean of its seeds." if any(len(each) > 1 for _, each in trained) else ""
    return [
        Drawing(
            f"validation-accuracy-{group}",
            f"Accuracy on validation over epochs.{seeds}",
            draw_lines(lines(lambda epoch: epoch.validation_accuracy), "epoch", "validation accuracy, %", percent=True),
        ),
        Drawing(
            f"validation-loss-{group}",
            f"Cross-entropy on validation over epochs.{seeds}",
            draw_lines(lines(lambda epoch: epoch.validation_loss), "epoch", "validation cross-entropy"),
        ),
    ]


def draw_lines(lines: Sequence[tuple[str, NDArray[np.float64]]], x: str, y: str, percent: bool = False) -> str:
    """Several nets' curves, each from 1 and with its name at its end; y float [points] of each, finite."""
    from matplotlib.ticker import MaxNLocator

    factor = 100.0 if percent else 1.0
    with sheet(270) as figure:
        axes = figure.subplots()
        longest = max(len(ys) for _, ys in lines)
        values = factor * np.concatenate([ys for _, ys in lines])
        lowest, highest = float(values.min()), float(values.max())
        steep = lowest > 0 and highest > STEEP * lowest
        bounds, ends = np.array([lowest, highest]), factor * np.array([ys[-1] for _, ys in lines])
        gap = 0.065 * float(np.ptp(np.log10(bounds) if steep else bounds))
        places = 10 ** np.array(spaced(np.log10(ends), gap)) if steep else spaced(ends, gap)
        for index, ((name, ys), place) in enumerate(zip(lines, places, strict=True)):
            colour, last = light(line_role(index)), len(ys)
            axes.plot(range(1, last + 1), factor * ys, "o-" if last < 3 else "-", ms=4, color=colour, lw=1.8)
            arrow = {"arrowstyle": "-", "color": colour, "lw": 0.7, "shrinkA": 0, "shrinkB": 2}
            at = longest + 0.05 * longest
            axes.annotate(name, (last, factor * ys[-1]), (at, place), fontsize=10.5, va="center", arrowprops=arrow)
        room = 0.02 * longest * max(len(name) for name, _ in lines)
        axes.set(xlabel=x, ylabel=y, xlim=(1 - 0.02 * longest, longest + 0.08 * longest + room))
        ticks = MaxNLocator("auto", integer=True).tick_values(1, longest)
        axes.set_xticks([tick for tick in ticks if 1 <= tick <= longest])
        if steep:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        last_values = "; ".join(f"{name} ends at {factor * ys[-1]:.3g}" for name, ys in lines)
        return svg_text(figure, f"{y} over {x}: {last_values}.")


def _objective(net: ReportedNet) -> str:
    """What a caption says where train's loss is not plain cross-entropy with the labels."""
    recipe = net.recipe
    plain = not (recipe.label_smoothing or recipe.focal_gamma) and recipe.class_weights == "none"
    mixed = recipe.targets == "votes" or any(word.startswith(("mixup", "cutmix")) for word in recipe.augment)
    if plain and not mixed:
        return ""
    return " The loss on train is the recipe's own, that on validation plain cross-entropy with the labels."


def _selected_epoch(net: ReportedNet) -> float | None:
    """The epoch whose weights are the result of a single run, where that is not its last."""
    selected = net.runs[0].status.selected_epoch
    return float(selected) if len(net.runs) == 1 and 0 < selected < len(net.runs[0].history()) else None


def _over_epochs(role: str, histories: Sequence[Sequence[Epoch]], value: Callable[[Epoch], float]) -> Curve:
    x = [np.array([float(epoch.epoch) for epoch in history]) for history in histories]
    return Curve(role, role, x, [np.array([value(epoch) for epoch in history]) for history in histories])


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    """The lowest and highest finite value of all curves; (0, 0) if there is none."""
    values = np.concatenate([ys for curve in curves for ys in curve.y] or [np.zeros(1)])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
