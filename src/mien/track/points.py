"""What trackers are given of a run and of a study: plain names and numbers, read off their folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mien import __version__
from mien.report.curves import thinned
from mien.runs.results import EnsembleResult, NetResult
from mien.runs.run import Epoch, Run
from mien.runs.search_results import TrialResult
from mien.training.optimizer import rate_at

STEPS = 20
"""The most points an epoch has of the loss over optimiser steps; more steps are averaged in blocks."""

Setting = str | int | float | bool


@dataclass(frozen=True)
class Point:
    """A value of a curve: of the curve `tag`, at `step` (an epoch or an optimiser step, 1 for the first)."""

    tag: str
    step: int
    value: float

    @property
    def is_result(self) -> bool:
        """Whether it is no part of a curve, but a figure that stands for itself."""
        return self.tag.startswith(("result/", "score/"))


@dataclass(frozen=True)
class TrackedRun:
    """A run under the name that trackers show.

    Attributes:
        name: NET-SEED; of a search's trial trials/NET-NUMBER.
        run: its folder.
        trial: of a search; None where it is not shown as one.
    """

    name: str
    run: Run
    trial: TrialResult | None = None


def epoch_points(run: Run, epochs: Sequence[Epoch]) -> list[Point]:
    """The points of a run's epochs: the loss of their steps; each one's loss, accuracy, learning rate and speed."""
    recipe, points = run.recipe, list[Point]()
    for one in epochs:
        steps = len(one.steps)
        at, losses, _ = thinned(np.array(one.steps), STEPS)
        before = (one.epoch - 1) * steps
        points += [Point("loss/step", before + int(step), float(loss)) for step, loss in zip(at, losses, strict=True)]
        rate = recipe.rate * rate_at(recipe, max(one.epoch * steps, 1), max(recipe.epochs * steps, 1))
        values = {
            "loss/train": one.loss,
            "loss/validation": one.validation_loss,
            "accuracy/train": one.accuracy,
            "accuracy/validation": one.validation_accuracy,
            "learning_rate": rate,
            "faces_per_second": one.faces_per_second,
        }
        points += [Point(tag, one.epoch, value) for tag, value in values.items()]
    return points


def result_points(run: Run) -> list[Point]:
    """The accuracies of a finished run's weights on the splits that it was evaluated on."""
    epoch = run.status.selected_epoch
    predicted = {split: run.predictions(split) for split in ("train", "validation", "test")}
    return [
        Point(f"result/{split}_accuracy", epoch, one.accuracy)
        for split, one in predicted.items()
        if one and len(one.labels)
    ]


def score_points(trial: TrialResult, objectives: Sequence[str]) -> list[Point]:
    """The scores of a finished trial, by objective; none of one that was pruned or failed."""
    return [Point(f"score/{name}", trial.epochs, score) for name, score in zip(objectives, trial.scores, strict=False)]


def settings(run: Run) -> dict[str, Setting]:
    """What was decided before a run was trained, by which runs of a study differ: net, recipe, seed."""
    config, status = run.config, run.status
    recipe = {"epochs": config.recipe.epochs, "batch": config.recipe.batch, "optimizer": config.recipe.optimizer}
    recipe |= config.recipe.changes() | {"learning_rate": config.recipe.rate}
    counts = {"parameters": status.parameters, "trainable": status.trainable} if status.parameters else {}
    return {
        "net": config.net.name,
        "layers": ", ".join(config.net.layers),
        **{f"values.{name}": _plain(value) for name, value in config.net.values.items()},
        **{f"recipe.{name}": _plain(value) for name, value in recipe.items()},
        "seed": config.seed,
        **counts,
    }


def faces_settings(run: Run) -> dict[str, Setting]:
    """Which faces a run is trained on."""
    faces = run.config.faces
    return {
        "faces": faces.name,
        "faces_fingerprint": faces.fingerprint,
        "faces_size": faces.size,
        "classes": ", ".join(faces.classes),
    }


def tags(tracked: TrackedRun) -> dict[str, str]:
    """What a run is known by, and what may become another while it is trained."""
    run, trial = tracked.run, tracked.trial
    facts = {
        "mien.run": run.id,
        "mien.net": run.net.name,
        "mien.seed": str(run.seed),
        "mien.state": run.status.state,
        "mien.reason": run.status.reason[:2000],
        "mien.devices": ", ".join(run.status.devices),
        "mien.precision": run.status.precision,
        "mien.version": __version__,
        "mien.trial": str(trial.number) if trial else "",
        "mien.trial_state": trial.state if trial else "",
    }
    return {name: text for name, text in facts.items() if text}


def net_scores(net: NetResult | EnsembleResult) -> dict[str, float]:
    """What a net's, or an ensemble's, predictions are worth, all seeds together: accuracies, 95 % intervals, scores."""
    values = dict[str, float]()
    for name in ("train", "validation", "test", "test_without_leaks"):
        accuracy = getattr(net.accuracy, name)
        if accuracy:
            low, high = accuracy.interval
            values |= {
                f"{name}_accuracy": accuracy.mean,
                f"{name}_accuracy_low": low,
                f"{name}_accuracy_high": high,
            }
    if scores := net.scores:
        for name in ("macro_f1", "balanced_accuracy", "nll", "ece"):
            values[f"{scores.evaluated_on}_{name}"] = getattr(scores, name)
    return values


def _plain(value: object) -> Setting:
    """A setting as trackers take it: numbers, words and yes or no as they are, all else as text."""
    if isinstance(value, str | int | float | bool):
        return value
    return ", ".join(map(str, value)) if isinstance(value, Sequence) else str(value)


def as_rows(values: Mapping[str, object]) -> str:
    """Names and values as a table in Markdown."""
    lines = [f"| {name} | {str(value).replace('|', chr(92) + '|')} |" for name, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *lines])
