"""Engine: where runs happen."""

from collections.abc import Callable, Iterator
from typing import Protocol

from mien.faces import Faces
from mien.training.loop import Progress, fit
from mien.training.run import Run, Status


class Engine(Protocol):
    """Takes runs, and gives back how each ended."""

    def submit(self, run: Run) -> None:
        """Take a run to train."""

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Every submitted run as it ends."""


class LocalEngine:
    """This process: one run after the other, in the order they came."""

    def __init__(self, faces: Faces, watch: Callable[[Progress], None]) -> None:
        self._faces, self._watch = faces, watch
        self._waiting: list[Run] = []

    def submit(self, run: Run) -> None:
        """Take a run to train."""
        self._waiting.append(run)

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Train the submitted runs and give how each ended."""
        while self._waiting:
            run = self._waiting.pop(0)
            yield run, fit(run, self._faces, self._watch)
