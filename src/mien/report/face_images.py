"""The faces themselves as pictures, opened again from where the study read them."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.contact_sheets import pick
from mien.faces.spec import OtherFacesError
from mien.report.study_data import ReportedNet
from mien.runs.study_faces import StudyFaces

MISTAKES = 14
"""Pictures of mistakes shown for a selected net."""


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
    if made is None:
        return []
    confidence = made.probabilities.max(axis=1)
    wrong = np.flatnonzero(~made.correct)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return [
        Misclassification(int(row), classes[made.labels[row]], classes[made.predicted[row]], float(confidence[row]))
        for row in order
    ]


def png(image: NDArray[np.uint8]) -> str:
    """A gray image, uint8 [H, W], as a data URI."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
