"""A study that was stopped twice, first without a tracker, and then brought to its end with one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mien.disk import write_text
from mien.runs.results import Results
from mien.study.config.schema import read_study
from mien.study.config.track import TrackerConfig
from mien.study.engines.callback import CallbackList
from mien.study.execute import execute
from mien.study.plan import Plan, make_plan
from mien.track.tracking import Tracking
from mien.training.loop import Progress

TABLE = """
name = "small"
seeds = [0, 1]
data.source = "drawn:200"
recipe = { epochs = 3, batch = 4, precision = "float32", schedule = "cosine" }
[nets.plain]
layers = ["flatten", "dense(2)", "classes"]
[nets.searched]
layers = ["flatten", "dense(width)", "relu", "classes"]
recipe = { epochs = 2, batch = 80 }
tune = { trials = 3, sampler = "grid", space = { width = [3, 2, 4] }, objectives = ["parameters"] }
"""


class Stop:
    """Stops a study as Ctrl-C does, at the end of an epoch of the run that is trained first."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def on_plan(self, runs: object) -> None: ...

    def on_trial(self, net: str, trials: int, trial: object, best: object) -> None: ...

    def on_run_end(self, run: object, status: object) -> None: ...

    def on_step(self, progress: Progress) -> None:
        if progress.record and progress.epoch == self._epoch:
            raise KeyboardInterrupt


@dataclass
class Followed:
    """The study's folder, its plan, its results and what the trackers complained about."""

    folder: Path
    plan: Plan
    results: Results
    warnings: list[str] = field(default_factory=list)

    def again(self, config: TrackerConfig) -> None:
        """Run the ended study once more."""
        _run(self.plan, self.folder, config, self.warnings)


@pytest.fixture(scope="session")
def follow(tmp_path_factory: pytest.TempPathFactory) -> Callable[[TrackerConfig], Followed]:
    """Makes the study; without a tracker until the first epoch, stopped after the second, and then to its end."""

    def run(config: TrackerConfig) -> Followed:
        place = tmp_path_factory.mktemp("followed")
        (place / "small.toml").write_text(TABLE, encoding="utf-8")
        plan, warnings = make_plan(read_study(place / "small.toml")), list[str]()
        with pytest.raises(KeyboardInterrupt):
            execute(plan, place / "out", Stop(1))
        with pytest.raises(KeyboardInterrupt):
            _run(plan, place / "out", config, warnings, Stop(2))
        return Followed(place / "out", plan, _run(plan, place / "out", config, warnings), warnings)

    return run


def _run(plan: Plan, folder: Path, config: TrackerConfig, warnings: list[str], *stop: Stop) -> Results:
    with Tracking([config], plan.study, folder, warnings.append) as tracking:
        results = execute(plan, folder, CallbackList([tracking, *stop]))
        tracking.finish(results, _report(folder))
    return results


def _report(folder: Path) -> Path:
    """Stands in for the report, which takes seconds."""
    for name in ("report.html", "figures/confusion-plain.svg", "tables/comparison.csv"):
        write_text(folder / name, name)
    return folder / "report.html"
