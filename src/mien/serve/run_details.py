"""A run in full, and runs side by side: their metrics, and McNemar's test of each pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from mien.errors import UserError
from mien.runs.environment import Machine
from mien.runs.metrics import ClassScore, accuracy, mcnemar, scores
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.runs.summary import RunSummary, summarise

EVALUATED = ("validation", "test")


@dataclass(frozen=True)
class RunScores:
    """A run's metrics on one split.

    Attributes:
        faces: how many.
        accuracy: share of them predicted correctly, 0..1.
        interval: its 95 % percentile bootstrap interval (Efron 1979).
        macro_f1: mean F1 of the emotions that have faces.
        per_class: by emotion.
        confusion: faces, rows the truth, columns the prediction.
    """

    faces: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    per_class: dict[str, ClassScore]
    confusion: list[list[int]]


@dataclass(frozen=True)
class RunDetail:
    """A run in full.

    Attributes:
        facts: how it stands.
        layers: of its net, a word each; a backbone is the first.
        recipe: how it is trained, every entry.
        classes: the emotions.
        versions, machine: what its numbers depend on.
        scores: on `validation`, and on `test` where its study opened it.
    """

    facts: RunSummary
    layers: list[str]
    recipe: Recipe
    classes: list[str]
    versions: Mapping[str, str]
    machine: Machine
    scores: dict[str, RunScores]


@dataclass(frozen=True)
class Pair:
    """McNemar's exact paired test of two runs on the same validation faces (McNemar 1947, Psychometrika 12:153-157).

    Attributes:
        a, b: the runs, as STUDY/RUN.
        faces: how many both were evaluated on.
        only_a, only_b: faces that only one of them predicts correctly.
        p: two-sided probability of a split at least as uneven if both were equally good.
    """

    a: str
    b: str
    faces: int
    only_a: int
    only_b: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, and each pair of them that was evaluated on the same faces."""

    runs: list[RunDetail]
    pairs: list[Pair]


def run_detail(run: Run, study: str) -> RunDetail:
    """A run in full.

    Args:
        run: the run.
        study: the name of its study.

    Raises:
        UserError: a file of it is damaged.
    """
    config, summary = run.config, summarise(run, study)
    if summary.state == "damaged":
        raise UserError(summary.reason)
    predictions = {split: run.predictions(split) for split in EVALUATED}
    return RunDetail(
        facts=summary,
        layers=list(config.net.layers),
        recipe=config.recipe,
        classes=list(config.faces.classes),
        versions=config.versions,
        machine=config.machine,
        scores={
            split: run_scores(of_split, config.faces.classes)
            for split, of_split in predictions.items()
            if of_split and len(of_split.labels)
        },
    )


@lru_cache(maxsize=256)
def run_scores(predictions: Predictions, classes: tuple[str, ...]) -> RunScores:
    """The metrics of predictions for at least one face, as the report has them. Not to be changed.

    Args:
        predictions: of N faces and K classes.
        classes: the K names.
    """
    share = accuracy(predictions.correct[None])
    measured = scores([predictions.probabilities], predictions.labels)
    return RunScores(
        faces=share.n,
        accuracy=share.mean,
        interval=share.interval,
        macro_f1=measured.macro_f1,
        per_class=dict(zip(classes, measured.per_class, strict=True)),
        confusion=measured.confusion.tolist(),
    )


def compare_runs(runs: Mapping[str, Run]) -> Comparison:
    """Set runs side by side, by their names STUDY/RUN; damaged ones are left out."""
    details: dict[str, RunDetail] = {}
    evaluated: dict[str, Predictions] = {}
    for name, run in runs.items():
        try:
            details[name] = run_detail(run, name.partition("/")[0])
            predictions = run.predictions("validation")
        except UserError:
            details.pop(name, None)
            continue
        if predictions and len(predictions.labels):
            evaluated[name] = predictions
    pairs = [
        _pair(a, b, evaluated[a], evaluated[b])
        for a, b in combinations(evaluated, 2)
        if details[a].facts.faces == details[b].facts.faces and np.array_equal(evaluated[a].labels, evaluated[b].labels)
    ]
    return Comparison(list(details.values()), pairs)


def _pair(a: str, b: str, first: Predictions, second: Predictions) -> Pair:
    test = mcnemar(first.correct, second.correct)
    return Pair(a, b, len(first.labels), test.only_a, test.only_b, test.p)
