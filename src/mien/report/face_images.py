"""The faces themselves as pictures, opened again from where the study read them."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.contact_sheets import pick
from mien.faces.spec import OtherFacesError
from mien.report.plot import Plot
from mien.report.study_data import ReportedNet
from mien.report.svg import COLUMN, role_colour
from mien.runs.predictions import Predictions
from mien.runs.study_faces import StudyFaces

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MISTAKES = 14
"""Pictures of mistakes shown for a selected net."""

COLUMNS, ROW = 7, 1.75
"""Of the picture of mistakes: faces in a row, and the height of a row with its words in widths of a face."""


@dataclass(frozen=True)
class Misclassification:
    """A wrong answer: `row` counts within its split; `probability` is what the net gave to its answer."""

    row: int
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Picture:
    """A face for the page: its PNG as a data URI, and what stands under it."""

    uri: str
    caption: str
    detail: str = ""


def reopen(record: StudyFaces) -> tuple[Faces | None, str]:
    """The study's faces, or None and why they cannot be shown."""
    try:
        return record.spec.reopen(record.fingerprint), ""
    except OtherFacesError:
        return None, "The faces at the study's source are not those it ran on: their fingerprint differs."
    except UserError as error:
        return None, f"The faces cannot be opened any more: {error}"


def sample(faces: Faces, each: int = 2) -> list[tuple[int, str]]:
    """Random train faces: rows and emotions, one of each emotion after the other, and so `each` times."""
    picked = pick(faces, each)
    return [
        (int(rows[turn]), name)
        for turn in range(each)
        for name, rows in zip(faces.classes, picked, strict=True)
        if turn < len(rows)
    ]


def misclassifications(net: ReportedNet, classes: Sequence[str], most: int = MISTAKES) -> list[Misclassification]:
    """The net's wrong answers on the split of its scores, most confident first, by the run of its first seed."""
    made = net.runs[0].predictions(net.evaluated_on) if net.runs and net.evaluated_on else None
    return [] if made is None else most_confident_mistakes(made, classes, most)


def most_confident_mistakes(made: Predictions, classes: Sequence[str], most: int = MISTAKES) -> list[Misclassification]:
    """The wrong answers among predictions, most confident first; `classes` are the K names."""
    return [
        Misclassification(
            int(row), classes[made.labels[row]], classes[made.predicted[row]], float(made.confidence[row])
        )
        for row in made.most_confident(~made.correct)[:most]
    ]


def plot_mistakes(axes: "Axes", images: NDArray[np.uint8], mistakes: Sequence[Misclassification]) -> None:
    """Wrongly classified faces in rows of seven, each with its truth, what was predicted, and the probability of that.

    Args:
        axes: where to draw.
        images: uint8 [N, H, W], of the split whose rows the mistakes name.
        mistakes: what to draw.
    """
    from matplotlib import rcParams

    ink, small = role_colour(axes, "ink"), 8.5 / 11 * rcParams["font.size"]
    for place, one in enumerate(mistakes):
        row, column = divmod(place, COLUMNS)
        edges = (column + 0.03, column + 0.97, ROW * row + 0.94, ROW * row)
        axes.imshow(images[one.row], cmap="gray", vmin=0, vmax=255, interpolation="none", extent=edges, aspect="equal")
        words = f"{one.truth}\n→ {one.predicted}\n{100 * one.probability:.0f} %"
        below = (column + 0.5, ROW * row + 1.0)
        axes.text(*below, words, va="top", ha="center", color=ink, fontsize=small, linespacing=1.15)
    axes.set(xlim=(0, COLUMNS), ylim=(ROW * -(-len(mistakes) // COLUMNS), 0))
    axes.axis("off")


def mistakes_plot(images: NDArray[np.uint8], mistakes: Sequence[Misclassification]) -> Plot:
    """`plot_mistakes` as a plot."""
    each = "; ".join(f"{one.truth} as {one.predicted} with {100 * one.probability:.0f} %" for one in mistakes)
    return Plot(
        lambda axes: plot_mistakes(axes, images, mistakes),
        f"Most confident mistakes: {each}.",
        height=COLUMN / COLUMNS * ROW * -(-len(mistakes) // COLUMNS) + 8,
    )


def png(image: NDArray[np.uint8]) -> str:
    """A gray image, uint8 [H, W], as a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
