"""What runs are worth, from their predictions: one by one, and pair by pair on the same faces."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.serve.run_folders import RunFacts, RunFolder, Said

JUDGED = ("validation", "test")


@dataclass(frozen=True)
class ClassScore:
    """How one emotion fares: precision, recall and F1 in 0..1 (0 where undefined), and `support`, its faces."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class SplitScores:
    """What a run is worth on one split.

    Attributes:
        faces: how many.
        accuracy: share of them right, 0..1.
        interval: its 95 % percentile bootstrap interval (Efron 1979), in the limit of many resamples.
        macro_f1: mean F1 of the emotions that have faces.
        per_class: by emotion.
        confusion: faces, rows the truth, columns the prediction.
    """

    faces: int
    accuracy: float
    interval: list[float]
    macro_f1: float
    per_class: dict[str, ClassScore]
    confusion: list[list[int]]


@dataclass(frozen=True)
class RunDetail:
    """A run and all that is known of it.

    Attributes:
        facts: how it stands.
        layers: of its net, a word each; a backbone is the first.
        recipe: how it is trained, every entry.
        classes: the emotions.
        versions, machine: what its numbers depend on.
        scores: on `validation`, and on `test` where its study opened it.
    """

    facts: RunFacts
    layers: list[str]
    recipe: dict[str, Any]
    classes: list[str]
    versions: dict[str, str]
    machine: dict[str, Any]
    scores: dict[str, SplitScores]


@dataclass(frozen=True)
class Pair:
    """McNemar's exact paired test of two runs on the same validation faces (McNemar 1947, Psychometrika 12:153-157).

    Attributes:
        a, b: the runs, as STUDY/RUN.
        faces: how many both judged.
        only_a, only_b: faces that only one of them has right.
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
    """Runs side by side, and each pair of them that was judged on the same faces."""

    runs: list[RunDetail]
    pairs: list[Pair]


def detail(run: RunFolder) -> RunDetail | None:
    """A run and all that is known of it; None where its files are damaged."""
    facts = run.facts()
    if facts.state == "damaged":
        return None
    asked = run.asked
    classes = [str(name) for name in asked["faces"]["classes"]]
    said = {split: run.said(split) for split in JUDGED}
    return RunDetail(
        facts=facts,
        layers=[str(word) for word in asked["net"]["layers"]],
        recipe=asked["recipe"],
        classes=classes,
        versions=asked["versions"],
        machine=asked["machine"],
        scores={split: split_scores(one, classes) for split, one in said.items() if one and len(one.labels)},
    )


def split_scores(said: Said, classes: list[str]) -> SplitScores:
    """Score what a run says of a split of at least one face."""
    count, right = len(classes), said.right
    counted = np.bincount(
        said.labels.astype(np.intp) * count + said.probabilities.argmax(axis=1), minlength=count * count
    )
    confusion = counted.reshape(count, count)
    hits, support, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = hits / np.maximum(predicted, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predicted, 1)
    columns = zip(classes, precision, recall, f1, support, strict=True)
    return SplitScores(
        faces=len(right),
        accuracy=float(right.mean()),
        interval=interval(right),
        macro_f1=float(f1[support > 0].mean()),
        per_class={name: ClassScore(float(p), float(r), float(f), int(n)) for name, p, r, f, n in columns},
        confusion=confusion.tolist(),
    )


def interval(right: NDArray[np.bool_]) -> list[float]:
    """The 95 % percentile bootstrap interval of an accuracy.

    Drawing N faces with replacement is drawing how many of them are right from a binomial distribution.
    """
    from scipy.stats import binom

    low, high = binom.ppf([0.025, 0.975], len(right), right.mean()) / len(right)
    return [float(low), float(high)]


def compare(runs: dict[str, RunFolder]) -> Comparison:
    """Set runs side by side, by their names STUDY/RUN; damaged ones are left out."""
    details = {name: found for name, run in runs.items() if (found := detail(run))}
    judged = {name: said for name in details if (said := runs[name].said("validation")) and len(said.labels)}
    pairs = [(a, b) for a, b in combinations(judged, 2) if details[a].facts.faces == details[b].facts.faces]
    return Comparison(list(details.values()), [_pair(a, b, judged[a].right, judged[b].right) for a, b in pairs])


def _pair(a: str, b: str, first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Pair:
    from scipy.stats import binomtest

    only_a, only_b = int(np.sum(first & ~second)), int(np.sum(~first & second))
    p = float(binomtest(only_a, only_a + only_b, 0.5).pvalue) if only_a + only_b else 1.0
    return Pair(a, b, len(first), only_a, only_b, p)
