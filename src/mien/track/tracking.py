"""Tracking: every tracker of a study as one callback; a tracker that fails is left out, and the study goes on."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mien.errors import UserError
from mien.extras import require
from mien.process import command_line
from mien.runs.results import Results
from mien.runs.run import Run, Status
from mien.runs.search_results import TrialResult
from mien.study.config.study import StudyConfig
from mien.study.config.track import TrackerConfig
from mien.track.mlflow import MlflowWriter, database
from mien.track.tensorboard import TensorBoardWriter
from mien.track.tracker import EndedStudy, Tracker, Writer
from mien.training.loop import Progress

TITLES = {"tensorboard": "TensorBoard", "mlflow": "MLflow"}


class Tracking:
    """Follows a study in its trackers. A callback for `execute`, and a context manager that closes them.

    They are opened by the first `on_plan`, when the study's folder is locked for this process. What cannot be opened
    then is the user's mistake, before anything is trained. What fails later is reported once and left out: no
    training ends for it, and the same command writes what is missing.

    Args:
        configs: the trackers, each at most once.
        study: what is followed.
        folder: the study's.
        warn: called with a line about each tracker that fails.

    Raises:
        MissingExtraError: a tracker's extra is not installed.
    """

    def __init__(
        self, configs: Sequence[TrackerConfig], study: StudyConfig, folder: Path, warn: Callable[[str], None]
    ) -> None:
        for config in configs:
            require(config.name, f"track: {config.name}")
        self._configs, self._study, self._folder, self._warn = tuple(configs), study, folder, warn
        self._trackers: dict[str, Tracker] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._each(Tracker.close)

    @property
    def notes(self) -> list[str]:
        """A line for each tracker: where it writes, and how that is looked at."""
        return [_note(config, self._folder) for config in self._configs]

    def on_plan(self, runs: Sequence[Run]) -> None:
        """Open the trackers, and write what the runs have done before.

        Raises:
            UserError: one cannot be opened.
        """
        objectives = {net.net.name: net.tune.objectives for net in self._study.nets if net.tune}
        if self._trackers is None:
            self._trackers = {}
            for config in self._configs:
                writer = _open(config, self._study.name, self._folder)
                self._trackers[config.name] = Tracker(writer, self._folder, objectives)
        self._each(lambda tracker: tracker.on_plan(runs))

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        """A trial of a net has begun or ended."""
        self._each(lambda tracker: tracker.on_trial(net, trials, trial, best))

    def on_step(self, progress: Progress) -> None:
        """A training step was made."""
        self._each(lambda tracker: tracker.on_step(progress))

    def on_run_end(self, run: Run, status: Status) -> None:
        """A run has ended."""
        self._each(lambda tracker: tracker.on_run_end(run, status))

    def finish(self, results: Results, report: Path | None = None) -> None:
        """Write the results of the study.

        Args:
            results: of the study.
            report: its report.html, with figures/ and tables/ beside it; None where none was written.
        """
        self._each(lambda tracker: tracker.finish(EndedStudy(self._folder, results, report)))

    def _each(self, call: Callable[[Tracker], None]) -> None:
        """Call each tracker; one that fails is reported and left out from then on."""
        for name, tracker in list((self._trackers or {}).items()):
            try:
                call(tracker)
            except Exception as error:  # a full disk, a server that is gone: nothing for which a training should end
                assert self._trackers is not None
                del self._trackers[name]  # not closed: that would fail in the same way, once more
                self._warn(
                    f"{TITLES[name]} follows the study no more: {_reason(error)}; the study goes on, and when it "
                    "is run again, what is missing there is written"
                )


def _open(config: TrackerConfig, study: str, folder: Path) -> Writer:
    try:
        if config.name == "mlflow":
            return MlflowWriter(config, study, folder)
        return TensorBoardWriter(_tensorboard_folder(config, folder))
    except UserError:
        raise
    except Exception as error:  # whatever the tracker's package raises: nothing is lost yet
        what = "no server answers there, or not as MLflow's" if config.is_server else "cannot be written"
        place = config.place or folder / "track" / config.name
        raise UserError(f"{TITLES[config.name]}: {place}: {what}: {_reason(error)}") from None


def _tensorboard_folder(config: TrackerConfig, folder: Path) -> Path:
    """Where the event files go: in a folder that the user names, each study has its own."""
    return Path(config.place) / folder.resolve().name if config.place else folder / "track" / "tensorboard"


def _note(config: TrackerConfig, folder: Path) -> str:
    if config.is_server:
        return f"MLflow: settings, curves, results and the report are sent to {config.place}"
    if config.name == "mlflow":
        words = ["mlflow", "ui", "--backend-store-uri", f"sqlite:///{database(config, folder).as_posix()}"]
    else:
        words = ["tensorboard", "--logdir", str(_tensorboard_folder(config, folder))]
    return f"{TITLES[config.name]}: look at the study by: {command_line(words)}"


def _reason(error: Exception) -> str:
    """Why something failed, in a line: what the system or the database says, below what the packages made of it."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and isinstance(cause, Exception):
        chain.append(cause)
    plainest = next((one for one in reversed(chain) if isinstance(one, OSError | sqlite3.Error)), error)
    return next(iter(str(plainest).strip().splitlines()), "") or type(plainest).__name__
