"""A stand-in for training that is quick and whose outcome a test chooses, and a study to go with it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from mien.disk import append_line
from mien.faces import Faces
from mien.runs.environment import now
from mien.runs.predictions import Predictions
from mien.runs.run import Epoch, Run, Status
from mien.study.config.schema import read_study
from mien.study.plan import Plan, make_plan
from mien.training.loop import OnStep, Progress, ShouldPrune

TABLE = """
name = "small"
seeds = [0, 1]
data.source = "drawn:60"
recipe.epochs = 2
[nets]
worse.layers = ["flatten", "dense(4)", "classes"]
better.layers = ["flatten", "dense(5)", "classes"]
other.layers = ["conv(2)", "flatten", "classes"]
[groups]
fnn = ["worse", "better"]
cnn = ["other"]
"""


@pytest.fixture
def noise() -> Faces:
    """40 train faces, 30 of validation, 30 of test, of which the first three are also in train."""
    images = np.random.default_rng(0).integers(0, 256, (100, 48, 48)).astype(np.uint8)
    images[70:73] = images[:3]
    labels = (np.arange(100) % 7).astype(np.uint8)
    return Faces(images, labels, np.repeat(np.arange(3), [40, 30, 30]).astype(np.uint8), name="noise")


@dataclass
class Pretended:
    """Stands in for the training loop.

    Attributes:
        shares: of each net, the share of faces that it predicts correctly; a seed takes a little off.
        fails: nets whose second seed fails.
        interrupt: a net whose training the user stops.
        calls: what was called, in order.
    """

    faces: Faces
    shares: dict[str, float] = field(default_factory=lambda: {"worse": 0.4, "better": 0.6, "other": 0.8})
    fails: set[str] = field(default_factory=set)
    interrupt: str = ""
    calls: list[tuple[str, str, int]] = field(default_factory=list)

    def fit(self, run: Run, faces: Faces, on_step: OnStep, should_prune: ShouldPrune | None = None) -> Status:
        self.calls.append(("fit", run.net.name, run.seed))
        if run.net.name == self.interrupt:
            run.write_status(Status("stopped"))
            raise KeyboardInterrupt
        if run.net.name in self.fails and run.seed == 1:
            status = Status("failed", "the loss was nan in step 3 of epoch 1")
            run.write_status(status)
            return status
        for number in (1, 2):
            record = Epoch(number, 1.5 / number, 0.3 * number, 1.6 / number, 0.25 * number, 0.5, 80.0, (1.5, 1.4))
            append_line(run.folder / "history.jsonl", vars(record))
            for step in (1, 2):
                last = record if step == 2 else None
                on_step(Progress(run, number, 2, step, 2, 1.5 / number, 80.0, last))
        for split in ("train", "validation"):
            self.evaluate(run, faces, split, counted=False)
        status = Status("finished", seconds=1.0 + run.seed, selected_epoch=2, precision="float32")
        run.write_status(status)
        return status

    def evaluate(self, run: Run, faces: Faces, split: str, counted: bool = True) -> Predictions:
        labels = faces.split(split).labels
        correct = np.arange(len(labels)) < round(len(labels) * self.shares[run.net.name]) - run.seed
        probabilities = np.full((len(labels), 7), 0.05, np.float32)
        probabilities[np.arange(len(labels)), np.where(correct, labels, (labels + 1) % 7)] = 0.7
        predictions = Predictions(probabilities, labels)
        run.write_predictions(split, predictions)
        if counted:
            self.calls.append((split, run.net.name, run.seed))
            run.write_status(replace(run.status, test_opened=now()))
        return predictions


@pytest.fixture
def pretended(noise: Faces, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """Every study trains by this, on `noise` whatever its source."""
    pretended = Pretended(noise)
    monkeypatch.setattr("mien.study.engines.local.fit", pretended.fit)
    monkeypatch.setattr("mien.study.execute.evaluate", pretended.evaluate)
    monkeypatch.setattr("mien.study.outline.time_step", lambda net, recipe, faces: 0.5)
    monkeypatch.setattr("mien.faces.spec.FacesSpec.open", lambda *_: noise)
    return pretended


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A study of three nets in two groups with two seeds."""
    file = tmp_path / "small.toml"
    file.write_text(TABLE, encoding="utf-8")
    return file


@pytest.fixture
def plan(study_file: Path, pretended: Pretended) -> Plan:
    """The plan of `study_file` on `noise`."""
    return make_plan(read_study(study_file))


class Quiet:
    """A callback that only remembers."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.steps = 0
        self.ends: list[tuple[str, str]] = []

    def on_plan(self, runs: list[Run]) -> None:
        self.runs = [run.id for run in runs]

    def on_step(self, progress: Progress) -> None:
        self.steps += 1

    def on_run_end(self, run: Run, status: Status) -> None:
        self.ends.append((run.net.name, status.state))


@pytest.fixture
def quiet() -> Quiet:
    """A callback that only remembers."""
    return Quiet()
