"""Tracker: a callback that brings one tracker up to what a study's folder holds, whenever that has changed.

What it writes is read off the runs' folders, so a study that was stopped goes on where it was, and one that ran without
a tracker is written whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mien.runs.results import Results
from mien.runs.run import Epoch, Run, Status
from mien.runs.search_results import TrialResult
from mien.track.points import Point, TrackedRun, epoch_points, result_points, score_points
from mien.training.loop import Progress


@dataclass(frozen=True)
class EndedStudy:
    """A study that has its results.

    Attributes:
        folder: the study's.
        results: what it found.
        report: its report.html; None where none was written.
    """

    folder: Path
    results: Results
    report: Path | None


class Writer(Protocol):
    """Writes into one tracker. It knows what that has already, and writes no point twice."""

    def begin(self, tracked: TrackedRun) -> int:
        """Begin a run, or go on with it; gives the number of the last epoch that is there, 0 for none."""

    def write(self, tracked: TrackedRun, points: Sequence[Point]) -> None:
        """Write points of a run that was begun; those that are there already stay as they are."""

    def end(self, tracked: TrackedRun) -> None:
        """End a run, as its status says."""

    def write_study(self, study: EndedStudy) -> None:
        """Write the results of the study."""

    def close(self) -> None:
        """End what was begun, and close the files."""


class Tracker:
    """A study's callback that writes into one tracker.

    Args:
        writer: of the tracker.
        folder: the study's.
        objectives: of each tuned net, by its name.
    """

    def __init__(self, writer: Writer, folder: Path, objectives: Mapping[str, Sequence[str]]) -> None:
        self._writer, self._folder, self._objectives = writer, folder, objectives
        self._tracked: dict[str, TrackedRun] = {}
        self._planned: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._results: dict[str, set[str]] = {}
        self._ended: set[str] = set()

    def on_plan(self, runs: Sequence[Run]) -> None:
        """Write what the runs have done before."""
        for run in runs:
            self._tracked[run.id] = tracked = TrackedRun(f"{run.net.name}-{run.seed}", run)
            self._planned.add(run.id)
            self._catch_up(tracked)

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        """Remember the trial that a run is of, or write how it has ended."""
        if not trial.run:
            return  # its values fit no net
        tracked = self._as_trial(net, trial)
        if trial.run not in self._planned:
            self._tracked[trial.run] = tracked
        if trial.state != "running":
            self._end(tracked)

    def on_step(self, progress: Progress) -> None:
        """Write an epoch that has ended, and what was done before it."""
        tracked = self._tracked[progress.run.id]
        if tracked.name not in self._epochs:
            self._begin(tracked)
        if progress.record is not None:
            self._write(tracked, [progress.record])

    def on_run_end(self, run: Run, status: Status) -> None:
        """Write how a run has ended."""
        self._end(self._tracked[run.id])

    def finish(self, study: EndedStudy) -> None:
        """Write the results of a study, and of its runs and trials what is missing yet."""
        for net in study.results.nets:
            for run in (Run(self._folder / "runs" / one) for one in net.runs):
                tracked = TrackedRun(f"{net.name}-{run.seed}", run)
                self._catch_up(tracked)
                self._write_results(tracked)
        for name, search in study.results.tuning.items():
            for trial in search.trials:
                if trial.run and trial.state != "running":
                    self._end(self._as_trial(name, trial))
        self._writer.write_study(study)

    def close(self) -> None:
        """End what was begun."""
        self._writer.close()

    def _as_trial(self, net: str, trial: TrialResult) -> TrackedRun:
        return TrackedRun(f"trials/{net}-{trial.number}", Run(self._folder / "runs" / trial.run), trial)

    def _catch_up(self, tracked: TrackedRun) -> None:
        """Write what a run has done; nothing of one that has not begun."""
        if tracked.run.status.ended:
            self._end(tracked)
        elif tracked.run.history() and tracked.name not in self._epochs:
            self._begin(tracked)

    def _begin(self, tracked: TrackedRun) -> None:
        self._epochs[tracked.name] = self._writer.begin(tracked)
        self._write(tracked, tracked.run.history())

    def _write(self, tracked: TrackedRun, epochs: Sequence[Epoch]) -> None:
        new = [one for one in epochs if one.epoch > self._epochs[tracked.name]]
        if new:
            self._writer.write(tracked, epoch_points(tracked.run, new))
            self._epochs[tracked.name] = new[-1].epoch

    def _end(self, tracked: TrackedRun) -> None:
        if tracked.name in self._ended:
            return
        if tracked.name not in self._epochs:
            self._begin(tracked)
        self._write(tracked, tracked.run.history())
        self._write_results(tracked)
        self._writer.end(tracked)
        self._ended.add(tracked.name)

    def _write_results(self, tracked: TrackedRun) -> None:
        """Write how good a run's weights are, as far as that is not written yet: test is opened last."""
        points, before = result_points(tracked.run), self._results.setdefault(tracked.name, set())
        if trial := tracked.trial:
            points += score_points(trial, self._objectives.get(tracked.run.net.name, ()))
        new = [point for point in points if point.tag not in before]
        if new:
            self._writer.write(tracked, new)
            before.update(point.tag for point in new)
