"""A study's folder with runs that were never trained: their files are written as training would."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mien.disk import append_line, write_json, write_text
from mien.faces import Faces
from mien.faces.packed import write_packed
from mien.nets import Net
from mien.runs.config import FacesRecord
from mien.runs.environment import Machine
from mien.runs.json_objects import to_json
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.results import GroupResult, NetResult, Results, write_results
from mien.runs.run import Run, Status
from mien.runs.study_faces import StudyFaces

SMALL = Net("small", ("flatten", "dense(4)", "relu", "classes"))
FLAT = Net("flat", ("flatten", "classes"))


def gray_faces(seed: int = 0) -> Faces:
    """70 noisy images in seven emotions: 35 in train, 21 in validation, 14 in test."""
    images = np.random.default_rng(seed).integers(0, 256, (70, 24, 24), dtype=np.uint8)
    splits = np.repeat(np.arange(3), (35, 21, 14)).astype(np.uint8)
    return Faces(images, (np.arange(70) % 7).astype(np.uint8), splits, name="gray")


def predictions(labels: np.ndarray, correct: int) -> Predictions:
    """Predictions of which the first `correct` are correct."""
    answers = np.where(np.arange(len(labels)) < correct, labels, (labels + 1) % 7)
    return Predictions(np.eye(7, dtype=np.float32)[answers] * 0.8 + np.float32(0.2 / 7), labels)


def finished_run(runs: Path, net: Net, faces: Faces, seed: int = 0, correct: int = 10) -> Run:
    """A run with two epochs of history; `correct` of its predictions of each split are correct."""
    run = Run.create(runs, net, Recipe(epochs=2, batch=32), seed, faces)
    for epoch in (1, 2):
        line = {"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "validation_loss": 1.0, "validation_accuracy": 0.5}
        append_line(run.folder / "history.jsonl", line | {"seconds": 1.0, "faces_per_second": 35.0, "steps": [1.0]})
    for split in ("train", "validation"):
        run.write_predictions(split, predictions(faces.split(split).labels, correct))
    run.write_status(Status("finished", "", 3.0, 2, "float32", 1000, 900))
    return run


def net_result(net: Net, runs: Sequence[Run], group: str = "all") -> NetResult:
    """A net's entry of the results; "failed" without runs."""
    state = "finished" if runs else "failed"
    names = tuple(run.id for run in runs)
    return NetResult(
        net.name, group, net.layers, dict(net.values), None, Recipe(epochs=2, batch=32), 1000, 900, False, names, state
    )


def study_faces(faces: Faces, source: Path) -> StudyFaces:
    """The faces of a study that was given a folder of packed faces."""
    return StudyFaces(**vars(FacesRecord.of(faces)), source=(str(source),))


@pytest.fixture(scope="session")
def faces() -> Faces:
    return gray_faces()


@pytest.fixture
def run(tmp_path: Path, faces: Faces) -> Run:
    """A run that has just been created."""
    net = Net("small", ("flatten", "dense(units)", "act", "classes"), {"units": 4, "act": "relu"})
    return Run.create(tmp_path / "runs", net, Recipe(epochs=3), 5, faces)


@pytest.fixture
def study(faces: Faces, tmp_path: Path) -> Path:
    """The folder of a study of `small` with two seeds, of `flat`, which is best, and of `broken`, which failed."""
    folder = tmp_path / "study"
    write_packed(faces, tmp_path / "faces")
    small = [finished_run(folder / "runs", SMALL, faces, seed, correct=8 + seed) for seed in (0, 1)]
    flat = [finished_run(folder / "runs", FLAT, faces, correct=12)]
    write_text(folder / "study.toml", 'name = "tiny"\n')
    record = study_faces(faces, tmp_path / "faces")
    write_json(folder / "faces.json", to_json(record))
    nets = (net_result(SMALL, small), net_result(FLAT, flat), net_result(Net("broken", ("classes",)), []))
    groups = (GroupResult("all", ("small", "flat", "broken"), "All", selected="flat"),)
    here = Machine("Linux", "a processor", 2)
    write_results(
        folder,
        Results("tiny", "2030-01-01", "", (0, 1), record, here, {}, groups, {}, "flat", nets),
    )
    return folder
