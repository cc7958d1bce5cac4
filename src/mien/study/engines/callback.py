"""StudyCallback: what follows a study while it runs."""

from collections.abc import Sequence
from typing import Protocol

from mien.runs.run import Run, Status
from mien.runs.search_results import TrialResult
from mien.training.loop import Progress


class StudyCallback(Protocol):
    """Called while a study runs, in the process that runs it.

    >>> from mien.study.engines.callback import StudyCallback
    >>> class PrintRuns(StudyCallback):
    ...     def on_run_end(self, run, status):
    ...         print(run.net.name, status.state)
    >>> ended = study.run(faces, "out/printed", progress=PrintRuns())
    dense finished
    cnn finished
    """

    def on_plan(self, runs: Sequence[Run]) -> None:
        """The study's runs are known, those that have ended already too; again once its searches have ended."""

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        """A trial of a net has begun or ended.

        Args:
            net: its name.
            trials: how many there will be at most.
            trial: the trial.
            best: the best that is finished.
        """

    def on_step(self, progress: Progress) -> None:
        """A training step was made."""

    def on_run_end(self, run: Run, status: Status) -> None:
        """A run has ended: finished, pruned or failed."""


class CallbackList:
    """Several callbacks as one: each is called in turn.

    Args:
        callbacks: in the order in which they are called.
    """

    def __init__(self, callbacks: Sequence[StudyCallback]) -> None:
        self._callbacks = tuple(callbacks)

    def on_plan(self, runs: Sequence[Run]) -> None:
        """The study's runs are known; see StudyCallback, also for the others."""
        for callback in self._callbacks:
            callback.on_plan(runs)

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        """A trial of a net has begun or ended."""
        for callback in self._callbacks:
            callback.on_trial(net, trials, trial, best)

    def on_step(self, progress: Progress) -> None:
        """A training step was made."""
        for callback in self._callbacks:
            callback.on_step(progress)

    def on_run_end(self, run: Run, status: Status) -> None:
        """A run has ended."""
        for callback in self._callbacks:
            callback.on_run_end(run, status)
