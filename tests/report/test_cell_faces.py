"""The faces of a confusion matrix's cells, and their pictures in one."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report import examples

from mien.faces import EMOTIONS, Faces, read_packed
from mien.report.cell_faces import EACH, MOST, SIDE, CellFaces, cell_faces
from mien.report.study_data import ReportedNet, read_reported_study
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.results import read_results
from mien.runs.run import Run


@pytest.fixture(scope="module")
def net(study: Path) -> ReportedNet:
    """A selected net with two seeds."""
    return next(net for net in read_reported_study(study, read_results(study)).nets if net.selected)


@pytest.fixture(scope="module")
def faces(study: Path) -> Faces:
    return read_packed(study.parent / "faces")


def picture(cells: CellFaces) -> np.ndarray:
    kind, content = cells.uri.split(",")
    assert kind == "data:image/jpeg;base64"
    image = np.asarray(Image.open(BytesIO(base64.b64decode(content))))
    assert image.shape == (cells.height, cells.width)
    return image


def test_cells_hold_the_first_seeds_faces_the_most_confident_first(net: ReportedNet, faces: Faces) -> None:
    cells = cell_faces(net, EMOTIONS, faces)
    made = net.runs[0].predictions("test")
    assert cells
    assert made
    assert (cells.split, len(net.runs)) == ("test", 2)
    assert sum(cell.count for cell in cells.cells) == len(made.labels)
    for cell in cells.cells:
        truth, predicted = map(int, cell.key.split("-"))
        assert (cell.truth, cell.predicted) == (EMOTIONS[truth], EMOTIONS[predicted])
        assert cell.count == np.sum((made.labels == truth) & (made.predicted == predicted))
        assert len(cell.faces) == min(EACH, cell.count)
        assert {(int(made.labels[face.row]), int(made.predicted[face.row])) for face in cell.faces} == {
            (truth, predicted)
        }
        sure = [face.probability for face in cell.faces]
        assert sure == sorted(sure, reverse=True)
        assert sure == [float(made.probabilities[face.row, predicted]) for face in cell.faces]


def test_every_picture_is_where_its_face_says(net: ReportedNet, faces: Faces) -> None:
    cells = cell_faces(net, EMOTIONS, faces)
    assert cells
    image, images = picture(cells).astype(float), faces.split("test").images
    shown = [face for cell in cells.cells for face in cell.faces]
    assert len({(face.x, face.y) for face in shown}) == len(shown)
    for face in shown:
        tile = image[face.y : face.y + cells.side, face.x : face.x + cells.side]
        assert np.abs(tile - images[face.row]).mean() < 6  # JPEG changes a noisy face by 4 grays


def made_net(folder: Path, made: Predictions, faces: Faces) -> ReportedNet:
    run = Run.create(folder, examples.net("a", "all", 0.5).net, Recipe(), 0, faces)
    run.write_predictions("validation", made)
    return ReportedNet(examples.net("a", "all", 0.5), (run,))


def predicted(labels: np.ndarray, answers: np.ndarray, classes: int) -> Predictions:
    return Predictions(np.eye(classes, dtype=np.float32)[answers], labels.astype(np.uint8))


def test_with_many_classes_cells_have_fewer_pictures(tmp_path: Path) -> None:
    classes = tuple(f"class {k}" for k in range(12))
    labels, answers = (array.ravel() for array in np.indices((12, 12 * EACH)))
    faces = Faces(
        np.zeros((len(labels), 4, 4), np.uint8), labels.astype(np.uint8), np.ones(len(labels), np.uint8), classes
    )
    cells = cell_faces(made_net(tmp_path, predicted(labels, answers % 12, 12), faces), classes, faces)
    assert cells
    assert len(cells.cells) == 144
    assert {cell.count for cell in cells.cells} == {EACH}
    assert {len(cell.faces) for cell in cells.cells} == {MOST // 144}


def test_large_faces_are_scaled_down(tmp_path: Path) -> None:
    images = np.repeat(np.array([40, 200], np.uint8), 96 * 96).reshape(2, 96, 96)
    labels = np.array([0, 1])
    faces = Faces(images, labels.astype(np.uint8), np.ones(2, np.uint8), ("calm", "glad"))
    cells = cell_faces(made_net(tmp_path, predicted(labels, labels, 2), faces), ("calm", "glad"), faces)
    assert cells
    assert cells.side == SIDE
    grays = [picture(cells)[face.y + 24, face.x + 24] for cell in cells.cells for face in cell.faces]
    np.testing.assert_allclose(grays, [40, 200], atol=2)


def test_without_predictions_there_are_none(faces: Faces) -> None:
    assert cell_faces(ReportedNet(examples.net("a", "all", 0.5)), EMOTIONS, faces) is None
