"""Engine: where runs happen."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from mien.faces import Faces
from mien.runs.run import Run, Status
from mien.study.config.resources import Resources
from mien.training.loop import OnStep, ShouldPrune


class Engine(Protocol):
    """Takes runs, and gives back how each ended.

    Attributes:
        slots: how many runs train at once.
    """

    slots: int

    def submit(self, run: Run, should_prune: ShouldPrune | None = None) -> None:
        """Take a run to train; `should_prune` may end it after any epoch."""

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Every submitted run as it ends; more may be submitted meanwhile."""

    def close(self) -> None:
        """Stop what is still training, and release the machines."""


MakeEngine = Callable[[Faces, OnStep, Mapping[str, Resources]], Engine]
"""Makes an engine from the faces, what is called on each step, and the resources of each net's runs, by its name."""
