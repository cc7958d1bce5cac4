"""The faces of a study as its results and its faces.json list them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mien.disk import read_json
from mien.errors import UserError
from mien.faces.spec import FacesSpec
from mien.runs.json_objects import from_json


@dataclass(frozen=True)
class StudyFaces:
    """The faces of a study: where they are, what was done with them, and what they hold; the content of faces.json.

    Attributes:
        name: of the faces.
        source, size, votes, labels, clean, numbered_classes, validation: the entries of `FacesSpec` that open them;
            `numbered_classes` are its `classes`.
        fingerprint: SHA-256 of images, labels and splits.
        classes: the K names.
        counts: images by split and class.
        left_out: images that were left out, by reason and split.
        notes: how the source was understood.
        leaked_test: test images that are pixel for pixel in train.
    """

    name: str
    source: tuple[str, ...]
    size: int
    fingerprint: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    votes: str | None = None
    labels: str = "own"
    clean: tuple[str, ...] = ()
    numbered_classes: tuple[str, ...] = ()
    validation: float = 0.0
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    leaked_test: int = 0

    @property
    def spec(self) -> FacesSpec:
        """What opens these faces again."""
        return FacesSpec(
            self.source, self.size, self.votes, self.labels, self.clean, self.numbered_classes, self.validation
        )

    def total(self, split: str) -> int:
        """How many images a split has."""
        return sum(self.counts.get(split, {}).values())


def read_study_faces(folder: Path) -> StudyFaces:
    """Read a study's faces.json, which is there as soon as the study begins.

    Raises:
        UserError: it is missing or damaged.
    """
    path = folder / "faces.json"
    try:
        return from_json(StudyFaces, read_json(path))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder}: no faces.json; run the study again, it keeps its runs") from None
    except ValueError:
        raise UserError(f"{path}: damaged; run the study again, it keeps its runs") from None
