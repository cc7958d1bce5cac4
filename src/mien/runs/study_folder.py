"""A study's folder: its runs, its faces, its results, and how it stands."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Literal

from mien.errors import UserError
from mien.runs.config import CONFIG
from mien.runs.files import Stamp, stamp
from mien.runs.results import Results, read_results
from mien.runs.run import HISTORY, STATE, Run
from mien.runs.study_faces import StudyFaces, read_study_faces
from mien.runs.summary import RunSummary, summarise

GRACE = 30.0
"""Seconds after its last sign of life for which a study counts as running: between two runs none of them is."""

ENDED = {"finished", "pruned", "failed", "damaged"}

StudyState = Literal["empty", "running", "stopped", "finished"]


@dataclass(frozen=True)
class Best:
    """The net that a study found best on validation; of a study that has not ended, its best run so far.

    Attributes:
        net: its name.
        run: the id of its first run.
        validation_accuracy: mean over seeds, 0..1.
        validation_interval: 95 % bootstrap interval; None before the study has ended.
        test_accuracy, test_interval: the same on test, None where it was not opened.
        test_accuracy_without_leaks: of the test images that are not pixel for pixel in train.
    """

    net: str
    run: str
    validation_accuracy: float
    validation_interval: tuple[float, float] | None = None
    test_accuracy: float | None = None
    test_interval: tuple[float, float] | None = None
    test_accuracy_without_leaks: float | None = None


@dataclass(frozen=True)
class StudySummary:
    """How a study stands.

    Attributes:
        study: its folder's name.
        state: empty, running, stopped or finished.
        faces: the name of those it is trained on; "" where unknown.
        nets, runs: how many there are so far.
        states: how many runs are in each state.
        epochs, epochs_planned: of all runs together; those of ended runs count as planned.
        best: the best net; None where none was trained yet.
        report: whether its report is there to be read.
        changed: when one of its files was last written (ISO time, UTC).
    """

    study: str
    state: StudyState
    faces: str
    nets: int
    runs: int
    states: dict[str, int]
    epochs: int
    epochs_planned: int
    best: Best | None
    report: bool
    changed: str


class StudyFolder:
    """A study's folder. Its files are read again only after they have changed.

    Instances may be shared by threads; other processes may write to the folder meanwhile.

    Args:
        path: the folder. Runs that were made without a study lie in a folder by themselves, which counts as a study.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @property
    def report(self) -> Path:
        """Where its report is, if there is one."""
        return self.path / "report.html"

    @property
    def faces(self) -> StudyFaces | None:
        """The content of its faces.json; None where there is none, or it is damaged."""
        try:
            return read_study_faces(self.path)
        except UserError:
            return None

    @property
    def results(self) -> Results | None:
        """Its results; None before it has ended, or where they are damaged."""
        try:
            return read_results(self.path)
        except UserError:
            return None

    @property
    def runs(self) -> dict[str, Run]:
        """Its runs by their ids, in the order of these."""
        folders = sorted(folder for folder in subfolders(self._runs) if (folder / CONFIG).exists())
        return {folder.name: Run(folder) for folder in folders}

    def stamps(self) -> tuple[Stamp | None, ...]:
        """The stamps of the study's own files; another tuple when one of them has changed."""
        return tuple(stamp(self.path / name) for name in ("faces.json", "results.json", "report.html"))

    def run_summaries(self) -> list[RunSummary]:
        """How its runs stand, in the order of their ids."""
        return [summarise(run, self.name) for run in self.runs.values()]

    def summarise(self, runs: Sequence[RunSummary] | None = None) -> StudySummary:
        """How the study stands.

        Args:
            runs: its `run_summaries()`, where they are at hand.
        """
        runs = self.run_summaries() if runs is None else runs
        faces, results, changed = self.faces, self.results, self._changed(runs)
        return StudySummary(
            study=self.name,
            state=_state(runs, results is not None or self._runs == self.path, time() - changed),
            faces=faces.name if faces else "",
            nets=len({run.net for run in runs}),
            runs=len(runs),
            states=dict(Counter(run.state for run in runs)),
            epochs=sum(run.epochs_planned if run.state in ENDED else run.epochs for run in runs),
            epochs_planned=sum(run.epochs_planned for run in runs),
            best=_best(runs, results),
            report=self.report.exists(),
            changed=datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds"),
        )

    @property
    def _runs(self) -> Path:
        """Where its runs lie."""
        inner = self.path / "runs"
        return inner if (self.path / "study.toml").exists() or inner.is_dir() else self.path

    def _changed(self, runs: Sequence[RunSummary]) -> float:
        files = [self.path / name for name in ("study.toml", "results.json")]
        files += [self._runs / run.run / name for run in runs for name in (STATE, HISTORY)]
        written = [current[0] / 1e9 for current in map(stamp, files) if current]
        return max(written, default=self.path.stat().st_mtime)


def is_study(folder: Path) -> bool:
    """Whether a folder is a study's, or holds runs that were made without one."""
    if (folder / "study.toml").exists() or (folder / "runs").is_dir():
        return True
    return any((inner / CONFIG).exists() for inner in subfolders(folder))


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, but for hidden ones; [] where it cannot be listed."""
    try:
        return [inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")]
    except OSError:
        return []


def runs_in(folder: Path) -> list[Run]:
    """The runs of a study's folder, ordered by name; or the run that the folder itself is. None of them is read.

    Raises:
        UserError: it is neither.
    """
    if (folder / CONFIG).exists():
        return [Run(folder)]
    if not (folder / "runs").is_dir() and not (folder / "study.toml").exists():
        raise UserError(f"{folder}: neither a study's folder (it has no runs/) nor a run's (it has no {CONFIG})")
    return list(StudyFolder(folder).runs.values())


def _state(runs: Sequence[RunSummary], complete: bool, silent: float) -> StudyState:
    """A study's state.

    Args:
        runs: its runs.
        complete: its results are written, or it is no more than its runs.
        silent: seconds since its last sign of life.
    """
    if not runs:
        return "empty"
    states = {run.state for run in runs}
    if "running" in states:
        return "running"
    if complete and states <= ENDED:
        return "finished"
    between_two_runs = silent < GRACE and "stopped" not in states and not complete
    return "running" if between_two_runs else "stopped"


def _best(runs: Sequence[RunSummary], results: Results | None) -> Best | None:
    net = results.by_name.get(results.best) if results and results.best else None
    if net and net.runs and (validation := net.accuracy.validation):
        test, clean = net.accuracy.test, net.accuracy.test_without_leaks
        return Best(
            net.name,
            net.runs[0],
            validation.mean,
            validation.interval,
            test.mean if test else None,
            test.interval if test else None,
            clean.mean if clean else None,
        )
    evaluated = [(run.validation_accuracy, run) for run in runs if run.validation_accuracy is not None]
    best = max(evaluated, key=lambda pair: pair[0], default=None)
    return Best(best[1].net, best[1].run, best[0]) if best else None
