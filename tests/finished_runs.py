"""Fixtures: runs that are trained in a moment, and the folder of a study of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mien.disk import write_json, write_text
from mien.faces import Faces
from mien.faces.spec import FacesSpec
from mien.nets import Net
from mien.runs.config import FacesRecord
from mien.runs.environment import machine
from mien.runs.json_objects import to_json
from mien.runs.recipe import Recipe
from mien.runs.results import NetResult, Results, write_results
from mien.runs.run import Run
from mien.runs.study_faces import StudyFaces
from mien.training.evaluate import evaluate
from mien.training.loop import fit

if TYPE_CHECKING:
    from mien.export.write import Exported

Trained = Callable[..., Run]

SMALL = Net("small", ("conv(8)", "batch_norm", "relu", "pool", "conv(12)", "relu", "pool", "flatten", "classes"))


@pytest.fixture(scope="session")
def drawn_faces() -> Faces:
    """400 faces of train, 50 of validation, 50 of test; 24x24 pixels."""
    return FacesSpec(("drawn:500",), 24).read()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, drawn_faces: Faces) -> Trained:
    """Train a net on `drawn_faces`: trained(net, test=True, epochs=3) also opens test."""

    def trained(net: Net = SMALL, test: bool = False, seed: int = 0, folder: Path | None = None, **recipe) -> Run:
        settings = Recipe.model_validate({"epochs": 1, "batch": 50} | recipe)
        run = Run.create(folder or tmp_path_factory.mktemp("runs"), net, settings, seed, drawn_faces)
        fit(run, drawn_faces, lambda progress: None)
        if test:
            evaluate(run, drawn_faces, "test")
        return run

    return trained


@pytest.fixture(scope="session")
def small_run(trained: Trained) -> Run:
    """A small net that has learnt something, evaluated on test."""
    return trained(test=True, epochs=12, learning_rate=0.01)


@pytest.fixture(scope="session")
def small_export(small_run: Run, drawn_faces: Faces, tmp_path_factory: pytest.TempPathFactory) -> "Exported":
    """The small net's file `tiny.onnx`, in float32, with a licence and a note; a test that changes it takes a copy."""
    from mien.export.write import export

    folder = tmp_path_factory.mktemp("export")
    return export([small_run], drawn_faces, folder / "tiny.onnx", licence="MIT", note="For trying out.")


@pytest.fixture(scope="session")
def study(trained: Trained, drawn_faces: Faces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of the net `small` with two seeds and of `flat`, which is best; on drawn faces of 24x24."""
    folder = tmp_path_factory.mktemp("study")
    flat = Net("flat", ("flatten", "classes"))
    runs = {
        "small": [trained(seed=seed, folder=folder / "runs") for seed in (0, 1)],
        "flat": [trained(flat, folder=folder / "runs")],
    }
    write_text(folder / "study.toml", 'name = "tiny"\n')
    record = StudyFaces(**vars(FacesRecord.of(drawn_faces)), source=("drawn:500",))
    write_json(folder / "faces.json", to_json(record))
    nets = tuple(
        NetResult(
            *(name, "all", made[0].net.layers, {}, None, made[0].recipe, None, None, name == "flat"),
            *(tuple(run.id for run in made), "finished"),
        )
        for name, made in runs.items()
    )
    write_results(folder, Results("tiny", "2030-01-01", "", (0, 1), record, machine(), {}, (), {}, "flat", nets))
    return folder
