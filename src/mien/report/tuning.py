"""Tuning: the search behind a tuned net, as results.json tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

from mien.report.study_data import Contents
from mien.report.tables import percent, whole

Value = int | float | str | bool


@dataclass(frozen=True)
class Objective:
    """What a search made large or small.

    Attributes:
        name: as the study file has it.
        label: for an axis or a heading, with its unit.
        sign: 1 where more is better, -1 where less is.
        factor: from the stored number to the shown one.
    """

    name: str
    label: str
    sign: int = 1
    factor: float = 1.0

    def text(self, score: float) -> str:
        """A score for a sentence: `57.4 %`, `31,299 parameters`."""
        if self.name == "validation_accuracy":
            return f"{percent(score)} %"
        return f"{whole(round(score))} {self.label}"


OBJECTIVES = {
    one.name: one
    for one in (
        Objective("validation_accuracy", "validation accuracy, %", factor=100),
        Objective("faces_per_second", "faces/s"),
        Objective("parameters", "parameters", sign=-1),
    )
}


@dataclass(frozen=True)
class Setting:
    """A value that every trial chose, and from where.

    Attributes:
        key: as the study file has it: `kernel`, `recipe.optimizer`.
        choices: the values of a choice; () of a number.
        low, high: of a number.
        log: whether its logarithm was drawn uniformly.
        whole: whether it is an integer.
    """

    key: str
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    @property
    def label(self) -> str:
        """Its name for people: `optimizer`."""
        return self.key.removeprefix("recipe.").replace("_", " ")

    def place(self, value: Value) -> float:
        """Where a value lies, 0 for the least or the first choice, 1 for the greatest or the last."""
        if self.choices:
            return self.choices.index(value) / (len(self.choices) - 1) if len(self.choices) > 1 else 0.5
        low, here, high = (log(float(x)) if self.log else float(x) for x in (self.low, value, self.high))
        return (here - low) / (high - low)


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: 1 for the first.
        state: running, finished, pruned or failed.
        values: what it set, by the settings' keys.
        scores: one an objective; () unless finished.
        accuracies: on validation after each epoch, 0..1.
        epochs: done.
        seconds: of training.
        reason: why it was pruned or failed.
    """

    number: int
    state: str
    values: Mapping[str, Value]
    scores: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""

    def told(self, settings: tuple[Setting, ...]) -> str:
        """What it set, for a sentence: `kernel 3, act relu and optimizer adam`."""
        parts = [f"{one.label} {shown(self.values[one.key])}" for one in settings if one.key in self.values]
        return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else "nothing set"


@dataclass(frozen=True, eq=False)
class Tuning:
    """A search that has ended.

    Attributes:
        net: the tuned net's name.
        sampler: its name.
        pruner: the word that asked for it.
        objectives: the first decides on the net that goes on.
        settings: what was chosen.
        trials: in their order.
        best: the trial whose values the net has.
        front: the numbers of the trials of the Pareto front; empty with one objective.
        importances: the share of the first score's variance that each setting explains, by key, the greatest first.
        epochs: of a trial that is not pruned.
        seconds: of training, all trials together.
        saved_epochs: that pruning spared.
    """

    net: str
    sampler: str
    pruner: str
    objectives: tuple[Objective, ...]
    settings: tuple[Setting, ...]
    trials: tuple[Trial, ...]
    best: Trial
    front: frozenset[int]
    importances: Mapping[str, float]
    epochs: int
    seconds: float
    saved_epochs: int

    def of(self, state: str) -> list[Trial]:
        """The trials that ended so."""
        return [trial for trial in self.trials if trial.state == state]

    def score(self, trial: Trial, objective: int = 0) -> float | None:
        """A trial's score; of one that did not finish its last accuracy where that is the score, else None."""
        if trial.scores:
            return trial.scores[objective]
        of_accuracy = self.objectives[objective].name == "validation_accuracy"
        return trial.accuracies[-1] if of_accuracy and trial.accuracies else None

    @property
    def scored(self) -> list[tuple[Trial, float]]:
        """The trials that can be drawn, and the first score of each."""
        return [(trial, score) for trial in self.trials if (score := self.score(trial)) is not None]


def read_tuning(contents: Contents, net: str) -> Tuning | None:
    """The search behind a net; None where it was not tuned, or where no trial was finished."""
    facts: Mapping[str, Any] | None = contents.facts.get("tuning", {}).get(net)
    if facts is None or facts["best"] is None:
        return None
    trials = tuple(_trial(entry) for entry in facts["trials"])
    return Tuning(
        net=net,
        sampler=facts["sampler"],
        pruner=facts["pruner"],
        objectives=tuple(OBJECTIVES[name] for name in facts["objectives"]),
        settings=tuple(
            Setting(key, tuple(one["choices"]), one["low"], one["high"], one["log"], one["kind"] == "integer")
            for key, one in facts["space"].items()
        ),
        trials=trials,
        best=next(trial for trial in trials if trial.number == facts["best"] + 1),
        front=frozenset(number + 1 for number in facts["pareto"]),
        importances=dict(sorted(facts["importances"].items(), key=lambda item: -item[1])),
        epochs=facts["epochs"],
        seconds=facts["seconds"],
        saved_epochs=facts["saved_epochs"],
    )


def shown(value: Value) -> str:
    """A value for people: numbers to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _trial(entry: Mapping[str, Any]) -> Trial:
    return Trial(
        number=entry["number"] + 1,
        state=entry["state"],
        values=entry["values"],
        scores=tuple(entry["scores"]),
        accuracies=tuple(entry["accuracies"]),
        epochs=entry["epochs"],
        seconds=entry["seconds"],
        reason=entry["reason"],
    )
