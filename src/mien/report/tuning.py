"""The search behind a tuned net, with the labels and scales that tables and figures show it by."""

from dataclasses import dataclass
from math import log

from mien.report.study_data import ReportedStudy
from mien.report.tables import percent, whole
from mien.runs.search_results import SearchResult, TrialResult, Value


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
        assert isinstance(value, int | float)
        low, here, high = (log(float(x)) if self.log else float(x) for x in (self.low, value, self.high))
        return (here - low) / (high - low)


@dataclass(frozen=True, eq=False)
class Tuning:
    """A search that has ended, with a finished trial.

    Attributes:
        net: the tuned net's name.
        search: its trials and figures.
        objectives: the first decides on the net that goes on.
        settings: what was chosen.
        best: the trial whose values the net has.
    """

    net: str
    search: SearchResult
    objectives: tuple[Objective, ...]
    settings: tuple[Setting, ...]
    best: TrialResult

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """The trials in the order of their numbers."""
        return self.search.trials

    @property
    def importances(self) -> dict[str, float]:
        """The share of the first score's variance that each setting explains, by key, the greatest first."""
        return dict(sorted(self.search.importances.items(), key=lambda item: -item[1]))

    @property
    def front(self) -> frozenset[int]:
        """The numbers of the trials of the Pareto front; empty with one objective."""
        return frozenset(self.search.pareto)

    def of(self, state: str) -> list[TrialResult]:
        """The trials in a state."""
        return [trial for trial in self.trials if trial.state == state]

    def score(self, trial: TrialResult, objective: int = 0) -> float | None:
        """A trial's score; of one that did not finish its last accuracy where that is the score, else None."""
        if trial.scores:
            return trial.scores[objective]
        of_accuracy = self.objectives[objective].name == "validation_accuracy"
        return trial.accuracies[-1] if of_accuracy and trial.accuracies else None

    @property
    def scored(self) -> list[tuple[TrialResult, float]]:
        """The trials that can be drawn, and the first score of each."""
        return [(trial, score) for trial in self.trials if (score := self.score(trial)) is not None]

    def values(self, trial: TrialResult) -> str:
        """What a trial set, for a sentence: `kernel 3, act relu and optimizer adam`."""
        parts = [f"{one.label} {shown(trial.values[one.key])}" for one in self.settings if one.key in trial.values]
        return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else "nothing set"


def tuning_of(study: ReportedStudy, net: str) -> Tuning | None:
    """The search behind a net; None where it was not tuned, or where no trial was finished."""
    search = study.results.tuning.get(net)
    if search is None or search.best is None:
        return None
    return Tuning(
        net=net,
        search=search,
        objectives=tuple(OBJECTIVES[name] for name in search.objectives),
        settings=tuple(
            Setting(key, one.choices, one.low, one.high, one.log, one.kind == "integer")
            for key, one in search.space.items()
        ),
        best=next(trial for trial in search.trials if trial.number == search.best),
    )


def shown(value: Value) -> str:
    """A value for people: numbers to four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
