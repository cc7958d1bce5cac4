"""Search: the trials of a tuned net, asked of Optuna and kept in its journal, one ordinary run each.

tuning/NAME-ID.journal   Optuna's journal of the search: it survives a kill, and several processes can write it
tuning/NAME-ID.lock      who is at which trial; held while one is asked for, so that budgets are kept whoever asks

A trial whose process died goes on from its run's checkpoint with the values that it had, so a search that was killed
makes the trials that it would have made. The sampler's random numbers follow from the seed and the trial's number.
"""

import os
import socket
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import optuna
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from mien.nets import check
from mien.runs.run import Epoch, Run, Status
from mien.runs.search_results import TrialResult
from mien.study.config.study import StudyNet
from mien.study.config.tune import pruner_of
from mien.study.engines.engine import Engine
from mien.study.plan import Plan
from mien.study.search.journal import TrialLocks, storage
from mien.study.search.sampling import draw
from mien.study.search.trials import facts_of, shown_number, studies_in

if TYPE_CHECKING:
    from mien.study.execute import Watcher

WAIT = 0.5
"""Seconds between two looks at the trials of other processes."""


class Search:
    """The search of one net in a study's folder; several processes may have it open.

    To look at one writes nothing: its journal is made by `run`, and until then it is a search without trials.

    Args:
        plan: the study on its faces.
        net: of the study, with its tune table.
        folder: the study's.
    """

    def __init__(self, plan: Plan, net: StudyNet, folder: Path) -> None:
        assert net.tune is not None
        self.plan, self.net, self.tune, self.folder = plan, net, net.tune, folder
        name = f"{net.net.name}-{self.tune.id(plan.faces.fingerprint)}"
        self._lock = folder / "tuning" / f"{name}.lock"
        self._journal = folder / "tuning" / f"{name}.journal"
        self.study = studies_in(self._journal).get(net.net.name) or self._study(None)

    def _study(self, kept: JournalStorage | None) -> optuna.Study:
        """Optuna's study in a storage, made if it is not there; None: an empty one in memory."""
        return optuna.create_study(
            storage=kept,
            study_name=self.net.net.name,
            directions=self.tune.directions,
            load_if_exists=True,
            sampler=optuna.samplers.RandomSampler(),  # draws nothing: see drawing.py
        )

    def _begin(self, claims: TrialLocks) -> None:
        """Open the journal for writing."""
        with claims.exclusive():
            self.study = self._study(storage(self._journal))
            self.study.pruner = pruner_of(self.tune.pruner, self.net.recipe.epochs)
            if not self.study.user_attrs:
                self.study.set_user_attr("objectives", list(self.tune.objectives))

    def run(self, engine: Engine, watcher: "Watcher") -> None:
        """Make the trials that are missing, and wait for those of other processes.

        Args:
            engine: with nothing else to do.
            watcher: told of each trial's beginning and end.
        """
        going: dict[str, list[Trial]] = {}
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with closing(TrialLocks(self._lock)) as claims:
            self._begin(claims)
            self._fill(engine, watcher, going, claims)
            while going or self._others():
                for run, status in engine.gather():
                    for trial in going.pop(run.id):
                        self._tell(trial, run, status, watcher)
                    watcher.ended(run, status)
                    self._fill(engine, watcher, going, claims)
                if self._others():
                    time.sleep(WAIT)
                    self._fill(engine, watcher, going, claims)

    def trials(self) -> list[TrialResult]:
        """Every trial that has begun, in the order of their numbers."""
        return facts_of(self.study)

    @property
    def ended(self) -> bool:
        """Whether all trials that there will be have ended."""
        trials = self.study.get_trials(deepcopy=False)
        if not all(one.state.is_finished() for one in trials):
            return False
        return self._spent(trials) or (self.tune.sampler == "grid" and draw(self.tune, trials) is None)

    def best(self) -> TrialResult | None:
        """The finished trial, of the Pareto front if any, with the best first objective; the earlier where equal."""
        finished = [one for one in self.trials() if one.state == "finished"]
        front = self.pareto()
        able = [one for one in finished if not front or one.number in front]
        return max(able, key=lambda one: (self._sign() * one.scores[0], -one.number), default=None)

    def pareto(self) -> list[int]:
        """The numbers of the finished trials that no other is better than in every objective; one objective: []."""
        return sorted(map(shown_number, self.study.best_trials)) if len(self.tune.objectives) > 1 else []

    def importances(self) -> dict[str, float]:
        """The share of the scores' variance that each value explains, by fANOVA (Hutter et al. 2014); {} if unknown.

        Of the first objective; two finished trials of different scores are the least that tell something.
        """
        scores = {one.scores[0] for one in self.trials() if one.state == "finished"}
        if len(scores) < 2:
            return {}
        found = optuna.importance.get_param_importances(
            self.study,
            evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0),
            target=lambda trial: float(trial.values[0]),
        )
        return {key: float(share) for key, share in found.items()}

    def bound(self) -> StudyNet:
        """The net with the best trial's values, to go on as any other; failed, if no trial was finished."""
        best, trials = self.best(), self.trials()
        if best is None:
            reason = next((one.reason for one in trials if one.reason), "none was made")
            failed = f"none of its {len(trials)} trials was finished; the first: {reason}"
            return replace(self.net, failed=failed, searched=True)
        found = self.tune.bind(best.values, [])
        assert found is not None
        return replace(self.net, net=found[0], recipe=found[1], searched=True)

    def _fill(self, engine: Engine, watcher: "Watcher", going: dict[str, list[Trial]], claims: TrialLocks) -> None:
        """Submit trials until the engine is full or the budget spent."""
        busy = {one.number for trials in going.values() for one in trials}
        while len(going) < engine.slots:
            with claims.exclusive():
                trial = self._next(busy, claims)
                if trial is None:
                    return
                busy.add(trial.number)
                run = self._run_of(trial)
            self._say(watcher, trial)
            if run is None:
                continue
            if run.id in going:
                going[run.id].append(trial)
            elif self._trained_elsewhere(trial, run, busy):
                continue
            elif self._ended(run):
                self._tell(trial, run, run.status, watcher)
            else:
                going[run.id] = [trial]
                engine.submit(run, lambda record, trial=trial: self._stop(trial, record))  # type: ignore[misc]

    def _next(self, busy: set[int], claims: TrialLocks) -> Trial | None:
        """A trial to make: one that a dead process left, else a new one; None where the budget is spent."""
        trials = self.study.get_trials(deepcopy=False)
        for left in trials:
            if left.state == TrialState.RUNNING and left.number not in busy and claims.acquire(left.number):
                return self._begun(Trial(self.study, left._trial_id))
        begun = [one for one in trials if one.state != TrialState.WAITING]
        if self._spent(begun):
            return None
        number = len(begun)
        if number == len(trials):
            values = draw(self.tune, begun)
            if values is None:
                return None
            self.study.enqueue_trial(values)
        claims.acquire(number)
        return self._begun(self.study.ask())

    def _spent(self, begun: Sequence[FrozenTrial]) -> bool:
        """Whether the budget allows no more trials than these."""
        seconds = sum(one.user_attrs.get("seconds", 0.0) for one in begun)
        return len(begun) >= self.tune.trials or bool(self.tune.minutes and seconds >= 60 * self.tune.minutes)

    def _begun(self, trial: Trial) -> Trial:
        """The trial with the values that it was given, also if a kill came while they were written down."""
        for key, one in self.tune.space.items():
            one.draw(trial, key)
        trial.set_user_attr("owner", f"{socket.gethostname()} {os.getpid()}")
        return trial

    def _run_of(self, trial: Trial) -> Run | None:
        """The run of a trial, noted with it; None where its values fit no net, which ends it."""
        problems: list[str] = []
        faces = self.plan.faces
        bound = self.tune.bind(trial.params, problems)
        problems += check(bound[0], faces.size, len(faces.classes)) if bound else []
        if bound is None or problems:
            self._end(trial, TrialState.FAIL, reason="; ".join(problems))
            return None
        seed = self.plan.study.seeds[0]
        recipe = self.plan.recipe(replace(self.net, net=bound[0], recipe=bound[1]), seed)
        run = Run.create(self.folder / "runs", bound[0], recipe, seed, faces)
        trial.set_user_attr("run", run.id)
        return run

    def _trained_elsewhere(self, trial: Trial, run: Run, busy: set[int]) -> bool:
        """Whether another process is at an earlier trial of the same run: this one waits for its end."""
        earlier = self.study.get_trials(deepcopy=False)[: trial.number]
        return any(
            one.state == TrialState.RUNNING and one.number not in busy and one.user_attrs.get("run") == run.id
            for one in earlier
        )

    def _ended(self, run: Run) -> bool:
        """Whether a run is left as it is; one that another search gave up is trained anew."""
        trials = self.study.get_trials(deepcopy=False)
        ours = any(one.intermediate_values for one in trials if one.user_attrs.get("run") == run.id)
        if run.status.state == "pruned" and not ours:
            for file in ("state.json", "history.jsonl"):
                (run.folder / file).unlink()
        return run.status.ended

    def _stop(self, trial: Trial, record: Epoch) -> str:
        """Optuna's judgement after an epoch."""
        if len(self.tune.objectives) > 1:
            return ""
        self._report(trial, [record])
        if not trial.should_prune():
            return ""
        return f"at {100 * record.validation_accuracy:.1f} % on validation after epoch {record.epoch}"

    def _tell(self, trial: Trial, run: Run, status: Status, watcher: "Watcher") -> None:
        history = run.history()
        self._report(trial, history)
        trial.set_user_attr("accuracies", [one.validation_accuracy for one in history])
        trial.set_user_attr("seconds", status.seconds)
        if status.state == "finished":
            self._end(trial, TrialState.COMPLETE, [self._score(one, run, status) for one in self.tune.objectives])
        else:
            ending = TrialState.PRUNED if status.state == "pruned" else TrialState.FAIL
            self._end(trial, ending, reason=status.reason)
        self._say(watcher, trial)

    def _report(self, trial: Trial, history: Sequence[Epoch]) -> None:
        """Tell Optuna of epochs that it has not heard of."""
        if len(self.tune.objectives) > 1:
            return
        reported = self.study.get_trials(deepcopy=False)[trial.number].intermediate_values
        for record in history:
            if record.epoch not in reported:
                trial.report(record.validation_accuracy, record.epoch)

    def _score(self, objective: str, run: Run, status: Status) -> float:
        if objective == "parameters":
            return status.parameters
        if objective == "faces_per_second":
            return median(one.faces_per_second for one in run.history())
        said = run.predictions("validation")
        assert said is not None
        return said.accuracy

    def _end(self, trial: Trial, state: TrialState, scores: Sequence[float] | None = None, reason: str = "") -> None:
        trial.set_user_attr("reason", reason)
        self.study.tell(trial, scores, state)

    def _say(self, watcher: "Watcher", trial: Trial) -> None:
        trials = self.trials()
        finished = [one for one in trials if one.state == "finished"]
        best = max(finished, key=lambda one: (self._sign() * one.scores[0], -one.number), default=None)
        facts = next(one for one in trials if one.number == shown_number(trial))
        watcher.trial(self.net.net.name, self.tune.trials, facts, best)

    def _others(self) -> bool:
        """Whether other processes are at trials of this search."""
        return any(one.state == TrialState.RUNNING for one in self.study.get_trials(deepcopy=False))

    def _sign(self) -> int:
        return -1 if self.tune.objectives[0] == "parameters" else 1
