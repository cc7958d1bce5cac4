"""Progress in plain lines, for a log or a pipe: one for each epoch and each end of a run."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mien.report.tables import duration, percent

if TYPE_CHECKING:
    from mien.runs.run import Run, Status
    from mien.runs.search_results import TrialResult
    from mien.training.loop import Progress


class ProgressLines:
    """A `StudyCallback` that gives a line for each epoch, each trial and each end of a run.

    Args:
        show: called with each line.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def on_plan(self, runs: "Sequence[Run]") -> None:
        """Say how many runs there are, and which have ended before."""
        ended = [run for run in runs if run.status.ended]
        self._show(f"{len(runs)} run{'s' if len(runs) != 1 else ''}, {len(ended)} ended before")
        for run in ended:
            self.on_run_end(run, run.status)

    def on_step(self, progress: "Progress") -> None:
        """Say the figures of an epoch that has ended."""
        record = progress.record
        if record is not None:
            left = progress.seconds_left
            self._show(
                f"{title(progress.run)}: epoch {progress.epoch}/{progress.epochs}, loss {record.loss:.4f},"
                f" train {percent(record.accuracy)} %, validation {percent(record.validation_accuracy)} %,"
                f" {record.faces_per_second:,.0f} faces/s" + (f", {duration(left)} left" if left else "")
            )

    def on_run_end(self, run: "Run", status: "Status") -> None:
        """Say how a run has ended."""
        self._show(f"{title(run)}: {ending(status)}")

    def on_trial(self, net: str, trials: int, trial: "TrialResult", best: "TrialResult | None") -> None:
        """Say what a trial sets, or how it has ended."""
        self._show(trial_line(net, trials, trial, best))


def title(run: "Run") -> str:
    """A run in words: `cnn seed 0`."""
    return f"{run.net.name} seed {run.seed}"


def ending(status: "Status") -> str:
    """How a run has ended: `finished in 12 s`, `failed the loss became nan`."""
    return f"{status.state} {status.reason or 'in ' + duration(status.seconds)}"


def trial_line(net: str, trials: int, trial: "TrialResult", best: "TrialResult | None") -> str:
    """A trial in a line: `cnn, trial 3 of 15: kernel 5, p 0.24: finished, 57.1 %; best so far 58.0 % (trial 1)`."""
    values = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in trial.values.items()
    )
    how = f"{trial.state} {trial.reason}".strip()
    if trial.state == "finished":
        how = f"finished, validation {percent(trial.accuracies[-1])} %"
    line = f"{net}, trial {trial.number} of {trials}: {values}: {how}"
    if best is None or not best.accuracies:
        return line
    return f"{line}; best so far {percent(best.accuracies[-1])} % (trial {best.number})"
