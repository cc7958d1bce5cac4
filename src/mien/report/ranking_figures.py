"""ROC and precision-recall curves of one net's predictions of one split, each emotion against the rest.

Each `plot_x` draws into given axes; `x_plot` gives the same as a `Plot`, which makes a figure or SVG of it. Several
seeds' predictions are laid end to end. Legend: `K` classes, `P` points.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.faces.colours import colours
from mien.report.plot import Plot
from mien.report.study_data import ReportedNet
from mien.report.svg import Drawing, on_dark, role_colour
from mien.report.tables import area
from mien.runs.predictions import Predictions
from mien.runs.ranking import ClassAreas, precision_recall_curve, roc_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FINEST = 300
"""Points are drawn on a grid of so many steps a side: less than a third of a per cent cannot be seen."""


def draw_ranking(net: ReportedNet, classes: Sequence[str]) -> list[Drawing]:
    """ROC and precision-recall curves of a net; [] where its runs are gone, or its results have no areas."""
    scores = net.result.scores
    if scores is None or scores.macro_areas is None:
        return []
    made = [predictions for run in net.runs if (predictions := run.predictions(scores.evaluated_on))]
    if not made:
        return []
    pooled = " All seeds together." if len(made) > 1 else ""
    where = f"{net.name} on {scores.evaluated_on}, each emotion against the rest.{pooled}"
    return [
        Drawing(
            f"roc-{net.name}",
            f"ROC curves of {where} With their areas; mean {area(scores.macro_areas.roc_auc)}. Dashed: guesses.",
            roc_plot(made, classes, scores.areas).svg,
        ),
        Drawing(
            f"precision-recall-{net.name}",
            f"Precision and recall at every threshold, {where} With their average precisions; mean "
            f"{area(scores.macro_areas.average_precision)}. Guesses have an emotion's share of the faces.",
            precision_recall_plot(made, classes, scores.areas).svg,
        ),
    ]


def plot_roc(
    axes: "Axes", predictions: Sequence[Predictions], classes: Sequence[str], areas: Mapping[str, ClassAreas | None]
) -> None:
    """ROC curve of each class, with the area under it in the legend (Fawcett 2006).

    Args:
        axes: where to draw.
        predictions: of each seed.
        classes: the K names.
        areas: by name; classes without areas have no curve.
    """
    axes.plot([0, 100], [0, 100], color=role_colour(axes, "muted"), lw=0.9, ls=(0, (4, 3)))
    for name, colour, scores, positive in _against_the_rest(axes, predictions, classes):
        if ranked := areas.get(name):
            curve = roc_curve(scores, positive)
            x, y = _on_grid(curve.false_positive_rate, curve.true_positive_rate)
            axes.plot(100 * x, 100 * y, color=colour, lw=1.6, label=f"{name} {ranked.roc_auc.value:.3f}")
    axes.set(xlim=(0, 100), ylim=(0, 101), xlabel="false positive rate, %", ylabel="true positive rate (recall), %")
    axes.legend(loc="lower right")


def roc_plot(
    predictions: Sequence[Predictions], classes: Sequence[str], areas: Mapping[str, ClassAreas | None]
) -> Plot:
    """`plot_roc` as a plot."""
    each = "; ".join(f"{name} {area(one.roc_auc)}" for name, one in areas.items() if one)
    return Plot(
        lambda axes: plot_roc(axes, predictions, classes, areas),
        f"ROC curves of each emotion against the rest. Areas: {each}.",
        height=340,
    )


def plot_precision_recall(
    axes: "Axes", predictions: Sequence[Predictions], classes: Sequence[str], areas: Mapping[str, ClassAreas | None]
) -> None:
    """Precision-recall curve of each class in steps (Davis and Goadrich 2006), its average precision in the legend.

    Args:
        axes: where to draw.
        predictions: of each seed.
        classes: the K names.
        areas: by name; classes without areas have no curve.
    """
    for name, colour, scores, positive in _against_the_rest(axes, predictions, classes):
        if ranked := areas.get(name):
            curve = precision_recall_curve(scores, positive)
            higher = np.diff(curve.recall, prepend=0) > 0  # lower thresholds of the same recall add nothing to the area
            recall, precision = curve.recall[higher], curve.precision[higher]
            x, y = _on_grid(np.append(0, recall), np.append(precision[0], precision))
            label = f"{name} {ranked.average_precision.value:.3f}"
            axes.plot(100 * x, 100 * y, color=colour, lw=1.6, label=label, drawstyle="steps-pre")
    axes.set(xlim=(0, 100), ylim=(0, 101), xlabel="recall, %", ylabel="precision, %")


def precision_recall_plot(
    predictions: Sequence[Predictions], classes: Sequence[str], areas: Mapping[str, ClassAreas | None]
) -> Plot:
    """`plot_precision_recall` as a plot."""
    each = "; ".join(f"{name} {area(one.average_precision)}" for name, one in areas.items() if one)
    return Plot(
        lambda axes: plot_precision_recall(axes, predictions, classes, areas),
        f"Precision-recall curves of each emotion against the rest. Average precisions: {each}.",
        height=380,
        legend_columns=3,
    )


def _against_the_rest(
    axes: "Axes", predictions: Sequence[Predictions], classes: Sequence[str]
) -> list[tuple[str, str, NDArray[np.float32], NDArray[np.bool_]]]:
    """Of each class its name, its colour on these axes, its probabilities, and which faces have it as label."""
    pooled = np.concatenate([one.probabilities for one in predictions])
    labels = np.concatenate([one.labels for one in predictions])
    shades = colours(classes, on_dark(axes))
    return [(name, shades[k], pooled[:, k], labels == k) for k, name in enumerate(classes)]


def _on_grid(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve's points moved to a grid of `FINEST` steps a side, each once: float64 [P] and [P], 0..1."""
    points = np.round(np.stack([x, y]) * FINEST)
    new = np.append(True, (np.diff(points) != 0).any(axis=0))
    x, y = points[:, new] / FINEST
    return x, y
