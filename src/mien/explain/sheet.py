"""Sheet: faces with what mattered laid over them, a row an emotion."""

from collections.abc import Sequence
from pathlib import Path

from mien.explain.attribution import Explainer
from mien.explain.examples import Example
from mien.faces import Faces
from mien.faces.contact_sheets import Captioned, draw_rows
from mien.predict.drawing import tinted

TITLES = "judged right, the surest first", "judged wrong, the surest first"


def draw(
    explainer: Explainer, faces: Faces, pairs: Sequence[tuple[list[Example], list[Example]]], path: Path, caption: str
) -> tuple[int, int]:
    """Draw the examples of each emotion, explained, into a PNG or SVG file.

    Args:
        explainer: of the run that judged them.
        faces: the split that the examples' rows count in.
        pairs: of each class, those judged right and those judged wrong.
        path: where to; its ending decides on the format.
        caption: one line below the pictures.

    Returns:
        How many were judged right, and how many wrong.
    """
    examples = [example for pair in pairs for side in pair for example in side]
    images = faces.images[[example.row for example in examples]]
    mattered = explainer(images, [example.said for example in examples])
    drawn = iter([tinted(image, weight) for image, weight in zip(images, mattered, strict=True)])
    rows = {
        name: [[Captioned(next(drawn), _words(example, faces.classes)) for example in side] for side in pair]
        for name, pair in zip(faces.classes, pairs, strict=True)
    }
    draw_rows(rows, TITLES, path, caption)
    right = sum(example.right for example in examples)
    return right, len(examples) - right


def _words(example: Example, classes: Sequence[str]) -> str:
    return f"{classes[example.said]} {100 * example.share:.0f} %"
