"""Trials: what a search has made so far, read from its journal."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from mien.errors import UserError, did_you_mean
from mien.study.journal import storage
from mien.study.space import Value

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class TrialFacts:
    """One trial, as results and tables tell it.

    Attributes:
        number: 0 for the first.
        state: running, finished, pruned or failed.
        values: what it set.
        scores: one an objective; () unless finished.
        accuracies: on validation after each epoch, 0..1.
        epochs: done.
        seconds: of training.
        run: the id of its run; "" where there is none.
        reason: why it was pruned or failed.
    """

    number: int
    state: str
    values: dict[str, Value]
    scores: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    run: str = ""
    reason: str = ""


def list_trials(folder: Path, net: str | None = None) -> list[dict[str, Any]]:
    """The trials of a study's tuned nets, or of one of them, in their order, under the names of `TrialFacts`.

    Raises:
        UserError: the folder holds no searches, or none of that net.
    """
    if not any((folder / "tuning").glob("*.journal")):
        raise UserError(f"{folder}: holds no searches; a study makes them for nets with a tune table")
    found = searches(folder)
    if net is not None and net not in found:
        raise UserError(f"{folder}: no net {net!r} was tuned; {did_you_mean(net, list(found))}")
    return [
        {"net": name, "objectives": study.user_attrs["objectives"], **asdict(trial)}
        for name, study in found.items()
        if net in (None, name)
        for trial in facts_of(study)
    ]


def facts_of(study: optuna.Study) -> list[TrialFacts]:
    """Every trial of an Optuna study that has begun."""
    trials = study.get_trials(deepcopy=False)
    return [_facts(one) for one in trials if one.state != TrialState.WAITING]


def searches(folder: Path) -> dict[str, optuna.Study]:
    """The searches of a study's folder, by the net's name; the newest where a net has had several."""
    journals = sorted((folder / "tuning").glob("*.journal"), key=lambda path: path.stat().st_mtime)
    found = {}
    for journal in journals:
        kept = storage(journal)
        for name in optuna.get_all_study_names(kept):
            found[name] = optuna.load_study(study_name=name, storage=kept)
    return found


def _facts(trial: FrozenTrial) -> TrialFacts:
    kept: dict[str, Any] = trial.user_attrs
    states = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    reported = [trial.intermediate_values[epoch] for epoch in sorted(trial.intermediate_values)]
    accuracies = kept.get("accuracies", reported)
    return TrialFacts(
        number=trial.number,
        state=states.get(trial.state, "running"),
        values=dict(trial.params),
        scores=tuple(trial.values or ()) if trial.state == TrialState.COMPLETE else (),
        accuracies=tuple(accuracies),
        epochs=len(accuracies),
        seconds=kept.get("seconds", 0.0),
        run=kept.get("run", ""),
        reason=kept.get("reason", ""),
    )
