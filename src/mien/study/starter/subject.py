"""What a first study is written for: the faces, where they are, and what follows from their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mien.faces import Faces
from mien.model_files.bundled import bundled_run
from mien.runs.config import FacesRecord
from mien.runs.run import Run
from mien.study.starter.choices import Choices, choices_for

RARE = 0.25
"""A class is rare that has less than this part of the faces that it would have if all classes had the same number."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What a study file is written for.

    Attributes:
        faces: with a validation split.
        source: as the file names it.
        classes: what the source's numbers mean, as `FacesSpec` takes it.
        validation: the share of train that was taken for validation; 0: the source has a split for it.
        file: the file's name, for the commands in it.
        schema: the path of the JSON schema, relative to the file; "": none.
    """

    faces: Faces
    source: Sequence[str]
    classes: Sequence[str]
    validation: float
    file: str
    schema: str

    @cached_property
    def totals(self) -> dict[str, int]:
        """The number of faces of each split."""
        return {split: sum(numbers.values()) for split, numbers in self.faces.counts().items()}

    @cached_property
    def choices(self) -> Choices:
        """What follows from the number of train faces."""
        return choices_for(self.totals["train"])

    @cached_property
    def bundled(self) -> FacesRecord:
        """The faces that the bundled model `best` learnt from."""
        return Run(bundled_run("best")).config.faces

    @property
    def size(self) -> int:
        """The side that the faces are trained in, in pixels."""
        return min(self.faces.size, self.bundled.size)

    @property
    def rare(self) -> list[str]:
        """How many of the train faces each rare class has: `436 of 28,709 faces are disgust (1.5 %)`."""
        train, counts = self.totals["train"], self.faces.counts()["train"]
        few = sorted((n, name) for name, n in counts.items() if n < RARE * train / len(counts))
        return [f"{n:,} of {train:,} faces are {name} ({100 * n / train:.2g} %)" for n, name in few]
