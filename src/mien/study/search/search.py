"""Search: makes the trials of a tuned net, each an ordinary run.

tuning/NAME-ID.journal        Optuna's journal of the search: it survives a kill, and several processes can write it
tuning/NAME-ID.journal.lock   locked while it is written
tuning/NAME-ID.lock           locked while a trial is handed out
tuning/NAME-ID.KEY.lock       locked by a process that makes trials, for as long as it does

A trial whose process died goes on from its run's checkpoint with the values that it had, so a search that was killed
makes the trials that it would have made. The sampler's random numbers follow from the seed and the trial's number.
"""

import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from statistics import median

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from mien.faces import Faces
from mien.nets import check
from mien.runs.run import Epoch, Run, Status
from mien.study.config.study import StudyNet
from mien.study.config.tune import pruner_of
from mien.study.engines.callback import StudyCallback
from mien.study.engines.engine import Engine
from mien.study.search.journal import SearchLocks, storage
from mien.study.search.sampling import draw
from mien.study.search.state import SearchState, best_of, is_spent
from mien.study.search.trials import shown_number, trial_results

WAIT = 0.5
"""Seconds between two looks at the trials of other processes."""


class Search:
    """Makes the trials of one net's search; several processes may share them.

    Args:
        state: what has been made so far.
        faces: the study's.
        create_run: makes the run of a trial's net.
        engine: with nothing else to do.
        callback: called when a trial begins and ends.
    """

    def __init__(
        self,
        state: SearchState,
        faces: Faces,
        create_run: Callable[[StudyNet], Run],
        engine: Engine,
        callback: StudyCallback,
    ) -> None:
        self._net, self._tune, self._folder, self._journal = state.net, state.tune, state.folder, state.journal
        self._faces, self._create_run, self._engine, self._callback = faces, create_run, engine, callback
        self._study = state.study
        self._training: dict[str, list[Trial]] = {}
        state.locks.parent.mkdir(parents=True, exist_ok=True)
        self._locks = SearchLocks(state.locks)

    def run(self) -> None:
        """Make the trials that are missing, and wait for those of other processes."""
        with closing(self._locks):
            self._open_journal()
            self._fill()
            while self._training or self._others_train():
                for run, status in self._engine.gather():
                    for trial in self._training.pop(run.id):
                        self._record(trial, run, status)
                    self._callback.on_run_end(run, status)
                    self._fill()
                if self._others_train():
                    time.sleep(WAIT)
                    self._fill()

    def _open_journal(self) -> None:
        """Open the journal for writing; it is made if it is not there."""
        with self._locks.handing_out:
            self._study = optuna.create_study(
                storage=storage(self._journal),
                study_name=self._net.net.name,
                directions=self._tune.directions,
                load_if_exists=True,
                sampler=optuna.samplers.RandomSampler(),  # draws nothing: see sampling.py
                pruner=pruner_of(self._tune.pruner, self._net.recipe.epochs),
            )
            if not self._study.user_attrs:
                self._study.set_user_attr("objectives", list(self._tune.objectives))

    def _fill(self) -> None:
        """Submit trials until the engine is full or the budget is spent."""
        busy = {one.number for trials in self._training.values() for one in trials}
        while len(self._training) < self._engine.slots:
            with self._locks.handing_out:
                trial = self._next(busy)
                if trial is None:
                    return
                busy.add(trial.number)
                run = self._run_of(trial)
            self._report_trial(trial)
            if run is None or self._trained_elsewhere(trial, run, busy):
                continue
            if run.id in self._training:
                self._training[run.id].append(trial)
            elif self._has_ended(run):
                self._record(trial, run, run.status)
            else:
                self._training[run.id] = [trial]
                self._engine.submit(run, lambda record, trial=trial: self._should_prune(trial, record))  # type: ignore[misc]

    def _next(self, busy: set[int]) -> Trial | None:
        """A trial to make: one that a dead process left, else a new one; None where the budget is spent."""
        trials = self._study.get_trials(deepcopy=False)
        for left in trials:
            if left.state == TrialState.RUNNING and left.number not in busy and not self._is_others(left):
                return self._with_values(Trial(self._study, left._trial_id))
        begun = [one for one in trials if one.state != TrialState.WAITING]
        if is_spent(self._tune, begun):
            return None
        number = len(begun)
        if number == len(trials):
            values = draw(self._tune, begun)
            if values is None:
                return None
            self._study.enqueue_trial(values)
        return self._with_values(self._study.ask())

    def _with_values(self, trial: Trial) -> Trial:
        """The trial with the values that it was given, also if a kill came while they were written down."""
        for key, one in self._tune.space.items():
            one.draw(trial, key)
        trial.set_user_attr("owner", f"{socket.gethostname()} {os.getpid()} {self._locks.key}")
        return trial

    def _is_others(self, trial: FrozenTrial) -> bool:
        """Whether another process makes a trial: one of which the owner was not written down has none."""
        _, _, key = trial.user_attrs.get("owner", "").rpartition(" ")
        return key != self._locks.key and self._locks.is_held(key)

    def _run_of(self, trial: Trial) -> Run | None:
        """The run of a trial, noted with it; None where its values fit no net, which ends it."""
        problems: list[str] = []
        bound = self._tune.bind(trial.params, problems)
        problems += check(bound[0], self._faces.size, len(self._faces.classes)) if bound else []
        if bound is None or problems:
            self._end(trial, TrialState.FAIL, reason="; ".join(problems))
            return None
        run = self._create_run(replace(self._net, net=bound[0], recipe=bound[1]))
        trial.set_user_attr("run", run.id)
        return run

    def _trained_elsewhere(self, trial: Trial, run: Run, busy: set[int]) -> bool:
        """Whether another process works on an earlier trial of the same run: this one waits for its end."""
        if run.id in self._training:
            return False
        earlier = self._study.get_trials(deepcopy=False)[: trial.number]
        return any(
            one.state == TrialState.RUNNING and one.number not in busy and one.user_attrs.get("run") == run.id
            for one in earlier
        )

    def _has_ended(self, run: Run) -> bool:
        """Whether a run is left as it is; one that another search has pruned is trained anew."""
        trials = self._study.get_trials(deepcopy=False)
        ours = any(one.intermediate_values for one in trials if one.user_attrs.get("run") == run.id)
        if run.status.state == "pruned" and not ours:
            for file in ("state.json", "history.jsonl"):
                (run.folder / file).unlink()
        return run.status.ended

    def _should_prune(self, trial: Trial, record: Epoch) -> str:
        """Why a trial is to end after an epoch, by Optuna's pruner; "" if it goes on."""
        if len(self._tune.objectives) > 1:
            return ""
        self._report_epochs(trial, [record])
        if not trial.should_prune():
            return ""
        return f"at {100 * record.validation_accuracy:.1f} % on validation after epoch {record.epoch}"

    def _record(self, trial: Trial, run: Run, status: Status) -> None:
        """Write down how a trial's run has ended."""
        history = run.history()
        self._report_epochs(trial, history)
        trial.set_user_attr("accuracies", [one.validation_accuracy for one in history])
        trial.set_user_attr("seconds", status.seconds)
        if status.state == "finished":
            self._end(trial, TrialState.COMPLETE, [_score(one, run, status) for one in self._tune.objectives])
        else:
            ending = TrialState.PRUNED if status.state == "pruned" else TrialState.FAIL
            self._end(trial, ending, reason=status.reason)
        self._report_trial(trial)

    def _report_epochs(self, trial: Trial, history: Sequence[Epoch]) -> None:
        """Give Optuna the epochs that it does not have yet."""
        if len(self._tune.objectives) > 1:
            return
        reported = self._study.get_trials(deepcopy=False)[trial.number].intermediate_values
        for record in history:
            if record.epoch not in reported:
                trial.report(record.validation_accuracy, record.epoch)

    def _end(self, trial: Trial, state: TrialState, scores: Sequence[float] | None = None, reason: str = "") -> None:
        trial.set_user_attr("reason", reason)
        self._study.tell(trial, scores, state)

    def _report_trial(self, trial: Trial) -> None:
        trials = trial_results(self._study)
        result = next(one for one in trials if one.number == shown_number(trial))
        self._callback.on_trial(self._net.net.name, self._tune.trials, result, best_of(self._tune, trials))

    def _others_train(self) -> bool:
        """Whether other processes work on trials of this search."""
        return any(one.state == TrialState.RUNNING for one in self._study.get_trials(deepcopy=False))


def _score(objective: str, run: Run, status: Status) -> float:
    if objective == "parameters":
        return status.parameters
    if objective == "faces_per_second":
        return median(one.faces_per_second for one in run.history())
    predictions = run.predictions("validation")
    assert predictions is not None
    return predictions.accuracy
