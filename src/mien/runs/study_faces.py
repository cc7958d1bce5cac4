"""The faces of a study as its results and its faces.json list them."""

from dataclasses import dataclass
from pathlib import Path

from mien.disk import read_json, write_json
from mien.errors import UserError
from mien.faces.spec import FacesSpec
from mien.runs.config import FacesRecord
from mien.runs.files import REPEAT, cached_by_stamp, reported_damage
from mien.runs.json_objects import from_json, to_json

FILE = "faces.json"


@dataclass(frozen=True, kw_only=True)
class StudyFaces(FacesRecord):
    """The faces of a study: what they hold, where they are and what was done with them; the content of faces.json.

    Attributes:
        source, votes, labels, clean, numbered_classes, validation: the entries of `FacesSpec` that open them;
            `numbered_classes` are its `classes`.
        notes: how the source was understood.
        leaked_test: test images that are pixel for pixel in train.
    """

    source: tuple[str, ...]
    votes: str | None = None
    labels: str = "own"
    clean: tuple[str, ...] = ()
    numbered_classes: tuple[str, ...] = ()
    validation: float = 0.0
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
    faces = _read_file(folder / FILE)
    if faces is None:
        raise UserError(f"{folder}: no {FILE}; {REPEAT}")
    return faces


def write_study_faces(folder: Path, faces: StudyFaces) -> None:
    """Write a study's faces.json, atomically."""
    write_json(folder / FILE, to_json(faces))


@cached_by_stamp(256)
def _read_file(path: Path) -> StudyFaces:
    with reported_damage(path, REPEAT):
        return from_json(StudyFaces, read_json(path))
