"""The faces of each cell of a confusion matrix: all pictures of a net in one, which the page cuts up."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.faces import Faces
from mien.faces.images import area_average
from mien.report.study_data import ReportedNet
from mien.runs.predictions import Predictions

EACH, MOST = 8, 400
"""Pictures of a cell, and of all cells of a net: with many classes each cell has fewer, but at least one."""

SIDE = 48
"""Of a picture in pixels at most; larger faces are scaled down to it."""

QUALITY = 75
"""Of the JPEG. On FER2013 369 pictures take 275 kB as base64; as PNGs of their own they take 852 kB."""


@dataclass(frozen=True)
class CellFace:
    """A face of a cell: its row in its split, the probability of its prediction, and its corner in the one picture."""

    row: int
    probability: float
    x: int
    y: int


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix.

    Attributes:
        key: its row and column, as in `0-3`.
        truth, predicted: names of classes.
        count: faces in it, by the run of the first seed.
        faces: some of them, most confident first.
    """

    key: str
    truth: str
    predicted: str
    count: int
    faces: tuple[CellFace, ...]


@dataclass(frozen=True, eq=False)
class CellFaces:
    """The faces of a net's confusion matrix.

    Attributes:
        uri: all pictures in one JPEG, as a data URI.
        width, height: of that in pixels.
        side: of a face in pixels.
        split: that the faces are of.
        cells: that have faces, row by row.
    """

    uri: str
    width: int
    height: int
    side: int
    split: str
    cells: tuple[Cell, ...]


def cell_faces(net: ReportedNet, classes: Sequence[str], faces: Faces) -> CellFaces | None:
    """The faces of each cell by the run of the net's first seed, on the split of its scores; None without predictions.

    Args:
        net: whose confusion matrix it is.
        classes: the K names.
        faces: the study's.
    """
    split = net.evaluated_on
    made = net.runs[0].predictions(split) if net.runs and split else None
    if made is None or not split or not len(made.labels):
        return None
    counted = {cell: places for cell in np.ndindex(len(classes), len(classes)) if len(places := _places(made, cell))}
    each = max(1, min(EACH, MOST // len(counted)))
    rows = np.concatenate([places[:each] for places in counted.values()])
    sheet, side = _sheet(faces.split(split).images[rows], each)
    corners = iter([(side * (k % each), side * (k // each)) for k in range(len(rows))])
    cells = tuple(
        Cell(
            key=f"{truth}-{predicted}",
            truth=classes[truth],
            predicted=classes[predicted],
            count=len(places),
            faces=tuple(CellFace(int(row), float(made.confidence[row]), *next(corners)) for row in places[:each]),
        )
        for (truth, predicted), places in counted.items()
    )
    height, width = sheet.shape
    return CellFaces(_jpeg(sheet), width, height, side, split, cells)


def _places(made: Predictions, cell: tuple[int, ...]) -> NDArray[np.intp]:
    truth, predicted = cell
    return made.most_confident((made.labels == truth) & (made.predicted == predicted))


def _sheet(images: NDArray[np.uint8], columns: int) -> tuple[NDArray[np.uint8], int]:
    """Images, uint8 [N, H, H], beside and below each other, black where the last line is not full; their side there."""
    if images.shape[1] > SIDE:
        images = area_average(images, SIDE)
    side, lines = images.shape[1], -(-len(images) // columns)
    sheet = np.zeros((lines * columns, side, side), np.uint8)
    sheet[: len(images)] = images
    return sheet.reshape(lines, columns, side, side).swapaxes(1, 2).reshape(lines * side, columns * side), side


def _jpeg(image: NDArray[np.uint8]) -> str:
    """A gray image, uint8 [H, W], as a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format="jpeg", quality=QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
