"""Sheet: a run's most confident correct and wrong answers with the pixels that matter, a row for each emotion."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.explain.attribution import Explainer
from mien.faces import Faces
from mien.faces.contact_sheets import Captioned, draw_rows
from mien.predict.drawing import tinted

TITLES = "correct, the most confident first", "wrong, the most confident first"


class Example(NamedTuple):
    """A face with its predicted emotion.

    Attributes:
        row: of the face, within its split.
        label: an index into the classes.
        predicted: the predicted emotion, an index into the classes.
        probability: of the predicted emotion, 0..1.
    """

    row: int
    label: int
    predicted: int
    probability: float

    @property
    def correct(self) -> bool:
        """Whether the label was predicted."""
        return self.label == self.predicted


def most_confident(
    probabilities: NDArray[np.float32], labels: NDArray[np.uint8], each: int
) -> list[tuple[list[Example], list[Example]]]:
    """Select, for each label, the most confident correct predictions and the most confident wrong ones.

    Args:
        probabilities: float32 [N, K].
        labels: uint8 [N].
        each: how many of either, at most.

    Returns:
        K pairs (correct, wrong), in the order of the classes; the most confident first, of equal ones the first row.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    pairs = []
    for label in range(probabilities.shape[1]):
        rows = [row for row in order if labels[row] == label]
        examples = [Example(int(row), label, int(predicted[row]), float(confidence[row])) for row in rows]
        correct = [example for example in examples if example.correct][:each]
        pairs.append((correct, [example for example in examples if not example.correct][:each]))
    return pairs


def draw(
    explainer: Explainer, faces: Faces, pairs: Sequence[tuple[list[Example], list[Example]]], path: Path, caption: str
) -> tuple[int, int]:
    """Draw the explained examples of each emotion into a PNG or SVG file.

    Args:
        explainer: of the run that predicted them.
        faces: the split of the examples' rows.
        pairs: for each class, as `most_confident` returns them.
        path: of the file; its suffix sets the format.
        caption: one line below the pictures.

    Returns:
        The numbers of correct and of wrong examples.
    """
    examples = [example for pair in pairs for side in pair for example in side]
    images = faces.images[[example.row for example in examples]]
    weights = explainer(images, [example.predicted for example in examples])
    drawn = iter([tinted(image, weight) for image, weight in zip(images, weights, strict=True)])
    rows = {
        name: [[Captioned(next(drawn), _label(example, faces.classes)) for example in side] for side in pair]
        for name, pair in zip(faces.classes, pairs, strict=True)
    }
    draw_rows(rows, TITLES, path, caption)
    correct = sum(example.correct for example in examples)
    return correct, len(examples) - correct


def _label(example: Example, classes: Sequence[str]) -> str:
    return f"{classes[example.predicted]} {100 * example.probability:.0f} %"
