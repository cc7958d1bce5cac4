"""The search behind a tuned net: what its trials chose from, what they set, and how they scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Value = int | float | str | bool | None
"""What a hyper-parameter or an entry of a recipe may be set to."""

TrialStatus = Literal["running", "finished", "pruned", "failed"]


@dataclass(frozen=True)
class SpaceEntry:
    """Where the values of one hyper-parameter came from.

    Attributes:
        kind: a choice of values, or a number.
        choices: those of a choice.
        low, high: of a number, both included.
        step: between numbers; None: any between low and high.
        log: whether the logarithm was drawn uniformly.
    """

    kind: Literal["choice", "float", "integer"]
    choices: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False


@dataclass(frozen=True)
class TrialResult:
    """One trial of a search.

    Attributes:
        number: 1 for the first.
        state: how it stands.
        values: what it set: hyper-parameters by their names, entries of the recipe as `recipe.KEY`.
        scores: one an objective; () unless finished.
        accuracies: on validation after each epoch.
        epochs: done.
        seconds: of training.
        run: the id of its run; "" where there is none.
        reason: why it was pruned or failed.
    """

    number: int
    state: TrialStatus
    values: Mapping[str, Value]
    scores: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    run: str = ""
    reason: str = ""


@dataclass(frozen=True)
class SearchResult:
    """The search behind a tuned net.

    Attributes:
        sampler, pruner: as the study file has them.
        objectives: the first decides on the net that goes on.
        space: what the trials chose from, by hyper-parameter.
        epochs: of a trial that is not pruned.
        trials: in the order of their numbers.
        best: the number of the trial whose values the net has; None where no trial was finished.
        pareto: the numbers of the trials that no other is better than in every objective; () with one objective.
        importances: the share of the first score's variance that each hyper-parameter explains.
        seconds: of training, all trials together.
        saved_epochs: that pruning spared.
    """

    sampler: str
    pruner: str
    objectives: tuple[str, ...]
    space: Mapping[str, SpaceEntry]
    epochs: int
    trials: tuple[TrialResult, ...]
    best: int | None
    pareto: tuple[int, ...]
    importances: Mapping[str, float]
    seconds: float
    saved_epochs: int
