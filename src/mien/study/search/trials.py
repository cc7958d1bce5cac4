"""The trials of the searches in a study's folder, read from their journals."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import BaseTrial, FrozenTrial, TrialState

from mien.errors import UserError, did_you_mean
from mien.runs.search_results import TrialResult, TrialStatus
from mien.study.search.journal import reading

optuna.logging.set_verbosity(optuna.logging.ERROR)

STATES: dict[TrialState, TrialStatus] = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
"""How Optuna's states of trials that have ended are called here."""


@dataclass(frozen=True)
class ListedSearch:
    """A search of a study's folder with its trials.

    Attributes:
        net: whose it is.
        id: ten hex digits for all that decides which trials it makes; see `mien.study.config.tune.Tune.id`.
        objectives: of the scores of its trials.
        trials: those that have begun, in the order of their numbers.
    """

    net: str
    id: str
    objectives: tuple[str, ...]
    trials: tuple[TrialResult, ...]


def list_searches(folder: Path, net: str | None = None) -> list[ListedSearch]:
    """The searches of a study's tuned nets, or of one of them; nothing is written.

    A net has a search for each way in which its trials were configured: another space, sampler, net, recipe or set of
    faces begins another one. All of them are listed; that which began last comes last.

    Raises:
        UserError: the folder holds no searches, or none of that net; or a journal is damaged.
    """
    opened = searches(folder)
    if not opened:
        raise UserError(f"{folder}: holds no searches; a study makes them for nets with a tune table")
    names = list(dict.fromkeys(search.net for search in opened))
    if net is not None and net not in names:
        raise UserError(f"{folder}: no net {net!r} was tuned; {did_you_mean(net, names)}")
    return [
        ListedSearch(
            search.net, search.id, tuple(search.study.user_attrs["objectives"]), tuple(trial_results(search.study))
        )
        for name in names
        if net in (None, name)
        for search in opened
        if search.net == name
    ]


def trial_results(study: optuna.Study) -> list[TrialResult]:
    """Every trial of an Optuna study that has begun."""
    trials = study.get_trials(deepcopy=False)
    return [_trial_result(one) for one in trials if one.state != TrialState.WAITING]


@dataclass(frozen=True, eq=False)
class StoredSearch:
    """A search that a study's folder holds.

    Attributes:
        net: whose it is.
        id: ten hex digits for all that decides which trials it makes; see `mien.study.config.tune.Tune.id`.
        study: Optuna's, opened for reading.
    """

    net: str
    id: str
    study: optuna.Study

    @property
    def began(self) -> datetime:
        """When its first trial began."""
        starts = [one.datetime_start for one in self.study.get_trials(deepcopy=False) if one.datetime_start]
        return min(starts, default=datetime.max)


def searches(folder: Path) -> list[StoredSearch]:
    """The searches of a study's folder in which a trial has begun, the one that began first coming first."""
    journals = sorted((folder / "tuning").glob("*.journal"))
    stored = [
        StoredSearch(name, journal.stem.rpartition("-")[2], study)
        for journal in journals
        for name, study in studies_in(journal).items()
    ]
    return sorted((search for search in stored if trial_results(search.study)), key=lambda search: search.began)


def studies_in(journal: Path) -> dict[str, optuna.Study]:
    """Optuna's studies that a journal holds, by name, opened for reading; {} where it is not there."""
    if not journal.exists():
        return {}
    storage = reading(journal)
    return {name: optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)}


def shown_number(trial: BaseTrial) -> int:
    """The number of a trial as people see it, 1 for the first; Optuna counts from 0."""
    return trial.number + 1


def _trial_result(trial: FrozenTrial) -> TrialResult:
    attributes: dict[str, Any] = trial.user_attrs
    reported = [trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)]
    accuracies = attributes.get("accuracies", reported)
    return TrialResult(
        number=shown_number(trial),
        state=STATES.get(trial.state, "running"),
        values=dict(trial.params),
        scores=tuple(trial.values or ()) if trial.state == TrialState.COMPLETE else (),
        accuracies=tuple(accuracies),
        epochs=len(accuracies),
        seconds=attributes.get("seconds", 0.0),
        run=attributes.get("run", ""),
        reason=attributes.get("reason", ""),
    )
