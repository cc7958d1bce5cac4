"""Figures of one net's predictions of one split: numbers in, SVG text in light colours out (see `mien.report.svg`).

Legend: `K` classes, `B` bins.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.faces.colours import colours
from mien.report.palette import light
from mien.report.svg import Drawing, legend, sheet, svg_text, upright
from mien.report.tables import percent
from mien.runs.metrics import ClassScore
from mien.runs.results import SplitScores


def draw_evaluation(name: str, scores: SplitScores, seeds: int) -> list[Drawing]:
    """Confusion matrix, reliability and per-class scores of a net on the split of its scores.

    Args:
        name: the net's.
        scores: the net's.
        seeds: how many runs are pooled.
    """
    split, bins = scores.evaluated_on, scores.reliability
    edges = np.array([bins[0].low, *(one.high for one in bins)])
    confidence, accuracy = np.array([one.confidence for one in bins]), np.array([one.accuracy for one in bins])
    counts = np.array([one.count for one in bins])
    pooled = " The counts add up all seeds." if seeds > 1 else ""
    return [
        Drawing(
            f"confusion-{name}",
            f"Confusion matrix of {name} on {split}: how many per cent of each row's faces got which answer.{pooled}",
            draw_confusion(np.array(scores.confusion), list(scores.per_class)),
        ),
        Drawing(
            f"reliability-{name}",
            f"Reliability of {name} on {split}: bars below the diagonal mean too much confidence. Expected calibration "
            f"error {percent(scores.ece)} %.",
            draw_reliability(confidence, accuracy, counts, edges),
        ),
        Drawing(
            f"per-class-{name}",
            f"Recall and precision of each emotion, {name} on {split}.",
            draw_per_class(scores.per_class),
        ),
    ]


def draw_confusion(confusion: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Confusion matrix, rows the truth: each cell shaded by its share of the row, with share and count.

    Args:
        confusion: int [K, K], rows truth, columns prediction.
        classes: the K names.
    """
    from matplotlib.patches import Rectangle

    totals = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.maximum(totals, 1)
    size = len(classes)
    with sheet(96 + 44 * size) as figure:
        axes = figure.subplots()
        axes.grid(False)
        for (row, column), share in np.ndenumerate(shares):
            # at most half opaque, so that the letters keep their contrast on light paper and on dark
            shade = 0.5 * float(share) ** 0.75
            corner = (column - 0.48, row - 0.48)
            axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=light("accent"), alpha=shade, edgecolor="none"))
            axes.text(column, row - 0.02, f"{100 * share:.0f}", va="bottom", ha="center", fontsize=11)
            axes.text(column, row + 0.06, f"{confusion[row, column]:,}", va="top", ha="center", fontsize=8.5)
        for artist in (*axes.patches, *axes.texts):
            artist.set_in_layout(False)  # all lie within the axes; measuring each would take seconds
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xticks=range(size), yticks=range(size))
        axes.set_xticklabels(classes, rotation=45, ha="left", rotation_mode="anchor")
        axes.set_yticklabels(classes)
        axes.xaxis.set_ticks_position("top")
        axes.tick_params(length=0, labelcolor=light("ink"))
        axes.spines[:].set_visible(False)
        axes.set(xlabel="predicted, % of the row (count below)", ylabel="truth")
        recognised = "; ".join(f"{name} {100 * shares[k, k]:.0f} %" for k, name in enumerate(classes))
        return svg_text(figure, f"Confusion matrix. Of each emotion, recognised: {recognised}.")


def draw_per_class(scores: Mapping[str, ClassScore]) -> str:
    """Recall of each class as a bar in its colour, precision as a mark on it.

    Args:
        scores: by class name.
    """
    classes = list(scores)
    rows = np.arange(len(classes))
    with sheet(66 + 27 * len(classes)) as figure:
        axes = figure.subplots()
        recall = [100 * scores[name].recall for name in classes]
        precision = [100 * scores[name].precision for name in classes]
        axes.barh(rows, recall, 0.66, color=colours(classes))
        label = "precision (how often the answer is correct)"
        axes.plot(precision, rows, "D", label=label, color=light("ink"), mfc=light("paper"), ms=7)
        axes.plot([], [], "s", color=light("muted"), markersize=9, label="recall (bar)")
        axes.set(yticks=rows, yticklabels=classes, xlim=(0, 104), xlabel="%")
        upright(axes)
        legend(figure, 2)
        recalls = "; ".join(f"{name} {r:.0f} %" for name, r in zip(classes, recall, strict=True))
        return svg_text(figure, f"Recall and precision of each emotion. Recall: {recalls}.")


def draw_reliability(
    confidence: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    counts: NDArray[np.int64],
    edges: NDArray[np.float64],
) -> str:
    """Reliability diagram (Guo et al. 2017, arXiv 1706.04599): how often the answers of each confidence are correct.

    Args:
        confidence: float [B], mean of the highest probability in each bin; not read where the bin is empty.
        accuracy: float [B], share of correct answers in each bin; not read where the bin is empty.
        counts: int [B], faces in each bin.
        edges: float [B + 1], the bins' edges, 0..1.
    """
    full = counts > 0
    widths = 100 * np.diff(edges)
    with sheet(330) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
        upper.plot([0, 100], [0, 100], color=light("muted"), lw=0.9, ls=(0, (4, 3)), label="perfectly calibrated")
        colour = light("accent")
        upper.bar(
            100 * edges[:-1][full], 100 * accuracy[full], 0.92 * widths[full], align="edge", color=colour, alpha=0.35
        )
        upper.plot(100 * confidence[full], 100 * accuracy[full], "o-", color=colour, lw=1.5, ms=4.5, label="this net")
        upper.set(ylim=(0, 102), ylabel="correct, %")
        legend(figure, 2)
        shares = 100 * counts / max(counts.sum(), 1)
        lower.bar(100 * edges[:-1], shares, 0.92 * widths, align="edge", color=light("muted"), alpha=0.6)
        lower.set(xlim=(0, 100), xlabel="confidence, %", ylabel="faces, %")
        points = "; ".join(
            f"at {100 * c:.0f} % confidence {100 * a:.0f} % correct"
            for c, a in zip(confidence[full], accuracy[full], strict=True)
        )
        return svg_text(figure, f"Reliability diagram: {points}.")
