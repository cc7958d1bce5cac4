"""MlflowWriter: an experiment for the study, a run for each of its own, by MLflow's own client.

Under the run of the study itself, which has its report, stand those of its nets and trials.
"""

import logging
import os
import platform
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from io import StringIO
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from mien.errors import UserError
from mien.runs.results import EnsembleResult, NetResult
from mien.runs.run import HISTORY, STATE, Run
from mien.study.config.track import TrackerConfig
from mien.track.points import Point, TrackedRun, faces_settings, net_scores, settings, tags
from mien.track.tracker import EndedStudy

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # else MLflow reports its use to its makers
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # else a server that is gone holds a training up for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}
"""Variables that are set before MLflow is imported, where the user has not set them."""

STATUS = {"finished": "FINISHED", "failed": "FAILED", "pruned": "KILLED", "stopped": "KILLED"}
"""What MLflow calls the states of a run that is not running."""

BATCH = 1000
"""The most metrics that MLflow takes at once."""

LONGEST = 5000
"""The most letters of a setting; MLflow takes no longer ones."""

_opened: dict[Path, tuple[int, int]] = {}
"""By database that was opened: the inode of its file, and how often that was another one."""


class MlflowWriter:
    """Writes a study's runs to MLflow; see Writer.

    A run is the same in MLflow as long as it has the same id and, where the database is not the study's own, the same
    folder: what is there of it is not written again.

    Args:
        config: where MLflow's database or server is.
        study: the name of the study, which becomes that of the experiment.
        folder: the study's.

    Raises:
        UserError: the experiment was deleted there, the study's folder was moved, or MLflow cannot read the path.
        MlflowException: the database cannot be opened, or no server answers.
    """

    def __init__(self, config: TrackerConfig, study: str, folder: Path) -> None:
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        place = database(config, folder)
        is_own = not config.place or place == database(TrackerConfig("mlflow"), folder)
        self._owner = "" if is_own else f"{platform.node()}:{folder.resolve()}"
        self._runs: dict[str, str] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._names: dict[str, str] = {}
        self._open: set[str] = set()
        with _quiet():
            self._client = _client(config.place) if config.is_server else _open(place)
            self._experiment = self._find_experiment(study, "" if config.is_server else _artifacts(place))
            self._find_runs()
            self._study = self._run_of(study, f"study {study}", {"mien.study": study})

    def begin(self, tracked: TrackedRun) -> int:
        """Begin a run, or go on with it; gives the number of the last epoch that is there, 0 for none."""
        with _quiet():
            began = int(1000 * datetime.fromisoformat(tracked.run.config.created).timestamp())
            marks = {"mlflow.parentRunId": self._study, **tags(tracked)}
            run = self._run_of(tracked.run.id, self._name(tracked), marks, began)
            self._write_settings(run, tracked)
            logged = self._client.get_metric_history(run, "loss/train")
        return max((one.step for one in logged), default=0)

    def write(self, tracked: TrackedRun, points: Sequence[Point]) -> None:
        """Write points of a run that was begun; a result that is there already stays as it is."""
        there = self._values[tracked.run.id]
        new = [one for one in points if not one.is_result or there.get(one.tag) != one.value]
        there.update({one.tag: one.value for one in new})
        with _quiet():
            self._log(self._runs[tracked.run.id], new)

    def end(self, tracked: TrackedRun) -> None:
        """End a run, as its status says."""
        with _quiet():
            run = self._run_of(tracked.run.id, self._name(tracked), tags(tracked))
            self._write_settings(run, tracked)
            self._client.set_terminated(run, STATUS[tracked.run.status.state], _ended_at(tracked.run))
        self._open.discard(run)

    def write_study(self, study: EndedStudy) -> None:
        """Write the results of the study: every net's scores, the report, its figures and tables, results.json."""
        results, run, there = study.results, self._study, self._values[study.results.study]
        nets: list[NetResult | EnsembleResult] = [*results.nets, *results.ensembles]
        scores = [Point(f"{net.name}/{name}", 0, value) for net in nets for name, value in net_scores(net).items()]
        with _quiet():
            self._log(run, [one for one in scores if there.get(one.tag) != one.value])
            for name in ("study.toml", "results.json", *([study.report.name] if study.report else [])):
                self._client.log_artifact(run, str(study.folder / name))
            for name in ("figures", "tables") if study.report else ():
                self._client.log_artifacts(run, str(study.folder / name), name)
            self._client.set_terminated(run, "FINISHED")
        self._open.discard(run)

    def close(self) -> None:
        """End what is still open as stopped."""
        with _quiet():
            for run in sorted(self._open):
                self._client.set_terminated(run, "KILLED")
        self._open.clear()

    def _name(self, tracked: TrackedRun) -> str:
        """The name of a run: as a net's, where it is one; several trials, and a net, may have the same run."""
        if tracked.trial is None:
            self._names[tracked.run.id] = tracked.name
        return self._names.get(tracked.run.id, tracked.name)

    def _find_experiment(self, name: str, artifacts: str) -> str:
        """The id of the study's experiment, which is made if it is not there.

        Args:
            name: the study's.
            artifacts: where its files go, as a URI; "": where the server puts them.

        Raises:
            UserError: it was deleted in MLflow, or its files go where the database no longer is.
        """
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            return str(self._client.create_experiment(name, artifacts or None))
        if experiment.lifecycle_stage != "active":
            raise UserError(f"MLflow: the experiment {name} was deleted there; restore it, or name the study otherwise")
        location = experiment.artifact_location
        if not self._owner and location != artifacts:
            raise UserError(
                f"MLflow: the study's folder was moved: its database has {location} for its files; move it back, or "
                "remove track/mlflow in it: all is written there again"
            )
        return str(experiment.experiment_id)

    def _find_runs(self) -> None:
        """The runs that MLflow has of this study, by the ids that they have here."""
        token: str | None = ""
        while token is not None:
            page = self._client.search_runs([self._experiment], page_token=token or None)
            for run in page:
                if run.data.tags.get("mien.folder", "") == self._owner and "mien.run" in run.data.tags:
                    key = run.data.tags["mien.run"]
                    self._runs[key], self._values[key] = run.info.run_id, dict(run.data.metrics)
            token = page.token or None

    def _run_of(self, key: str, name: str, tags: dict[str, str], began: int | None = None) -> str:
        """MLflow's id of a run, which is made if it is not there, and otherwise goes on with this name and these tags.

        Args:
            key: the id of the run; the name of the study for its own.
            name: to show.
            tags: beside those that it is known by.
            began: milliseconds since 1970; None: now.
        """
        from mlflow.entities import RunTag

        if key not in self._runs:
            marks = {"mien.run": key} | ({"mien.folder": self._owner} if self._owner else {})
            made = self._client.create_run(
                self._experiment, began, {tag: text[:LONGEST] for tag, text in (tags | marks).items()}, name
            )
            self._runs[key], self._values[key] = made.info.run_id, {}
        else:
            self._client.update_run(self._runs[key], "RUNNING", name)
            self._client.log_batch(self._runs[key], tags=[RunTag(tag, text) for tag, text in tags.items()])
        self._open.add(self._runs[key])
        return self._runs[key]

    def _log(self, run: str, points: Sequence[Point]) -> None:
        """Write points under MLflow's id of a run."""
        from mlflow.entities import Metric

        moment = int(1000 * time())
        metrics = [Metric(one.tag, one.value, moment, one.step) for one in points]
        for first in range(0, len(metrics), BATCH):
            self._client.log_batch(run, metrics=metrics[first : first + BATCH])

    def _write_settings(self, run: str, tracked: TrackedRun) -> None:
        """Write the settings of a run that are not there yet: MLflow never changes one."""
        from mlflow.entities import Param

        there = self._client.get_run(run).data.params
        values = {**settings(tracked.run), **faces_settings(tracked.run)}
        new = {name: value for name, value in values.items() if name not in there}
        self._client.log_batch(run, params=[Param(name, str(value)[:LONGEST]) for name, value in new.items()])


def database(config: TrackerConfig, folder: Path) -> Path:
    """The file of the database of a study in a folder; not read where a server has one."""
    return Path(config.place) if config.place else folder.resolve() / "track" / "mlflow" / "mlflow.db"


def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _open(database: Path) -> "MlflowClient":
    """Open a database. MLflow remembers it by its URI, which therefore is another one where its file was removed."""
    if {"%", "?"} & set(str(database)):
        raise UserError(f"MLflow: {database}: MLflow opens no database whose path has % or ?; name another file for it")
    database.parent.mkdir(parents=True, exist_ok=True)
    file, times = _opened.get(database, (0, 0))
    if file and not (database.exists() and database.stat().st_ino == file):
        times += 1
    client = _client(f"sqlite:///{database.parent.as_posix()}/{'./' * times}{database.name}")
    _opened[database] = database.stat().st_ino, times
    return client


def _ended_at(run: Run) -> int:
    """When a run's last epoch ended, in milliseconds since 1970; of one without epochs, when it failed."""
    files = [run.folder / name for name in (HISTORY, STATE)]
    return int(1000 * next(file for file in files if file.exists()).stat().st_mtime)


def _artifacts(database: Path) -> str:
    return (database.parent / "artifacts").as_uri()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide MLflow's notes, the links that it prints and the warnings of its parts: the terminal shows the study."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401 - which sets the level of its logger

        loggers = [logging.getLogger(name) for name in ("alembic", "mlflow", "urllib3")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
