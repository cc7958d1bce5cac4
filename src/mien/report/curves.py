"""A net's history as curves: loss over steps and epochs, accuracy over epochs."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.report.contents import NetResult
from mien.report.figures import Curve, draw_curves
from mien.training.run import Epoch

POINTS = 400
"""The most points of a curve: longer series of steps are averaged in blocks."""


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


def draw_history(net: NetResult) -> list[tuple[str, str, str]]:
    """Name, caption and SVG of the curves of a net's runs; [] before its first epoch."""
    histories = [history for run in net.runs if (history := run.history())]
    if not histories:
        return []
    seeds = f" Thin: each of {len(histories)} seeds; thick: their mean." if len(histories) > 1 else ""
    penalised = any(re.search(r"\bl[12]\b", word) for word in net.net.layers)
    penalty = " The loss on train includes the penalties on weights, that on validation does not." if penalised else ""

    steps = [thinned(np.array([loss for epoch in history for loss in epoch.steps])) for history in histories]
    block = max(size for _, _, size in steps)
    blocks = f" Each point is the mean of {block} steps." if block > 1 else ""
    by_step = Curve("train", "train", [x for x, _, _ in steps], [y for _, y, _ in steps])
    loss = [
        _over_epochs("train", histories, lambda epoch: epoch.loss),
        _over_epochs("validation", histories, lambda epoch: epoch.validation_loss),
    ]
    accuracy = [
        _over_epochs("train", histories, lambda epoch: epoch.accuracy),
        _over_epochs("validation", histories, lambda epoch: epoch.validation_accuracy),
    ]
    during = " Train is judged while it is being trained on, dropout on."
    return [
        (
            "loss-steps",
            f"{net.name}: cross-entropy on train over optimiser steps.{blocks}{penalty}{seeds}",
            draw_curves([by_step], "step", "loss"),
        ),
        (
            "loss-epochs",
            f"{net.name}: cross-entropy over epochs.{penalty}{seeds}",
            draw_curves(loss, "epoch", "loss"),
        ),
        (
            "accuracy-epochs",
            f"{net.name}: accuracy over epochs.{during}{seeds}",
            draw_curves(accuracy, "epoch", "accuracy, %", percent=True),
        ),
    ]


def _over_epochs(role: str, histories: Sequence[Sequence[Epoch]], value: Callable[[Epoch], float]) -> Curve:
    x = [np.array([float(epoch.epoch) for epoch in history]) for history in histories]
    return Curve(role, role, x, [np.array([value(epoch) for epoch in history]) for history in histories])
