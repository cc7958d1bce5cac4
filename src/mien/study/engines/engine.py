"""Engine: where runs happen."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import torch

from mien.faces import Faces
from mien.runs.run import Run, Status
from mien.study.config.resources import Resources
from mien.training.loop import Progress, ShouldPrune, fit
from mien.training.parallel import lead


class Engine(Protocol):
    """Takes runs, and gives back how each ended.

    Attributes:
        slots: how many runs go at once.
    """

    slots: int

    def submit(self, run: Run, stop: ShouldPrune | None = None) -> None:
        """Take a run to train; `stop` may prune it after any epoch."""

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Every submitted run as it ends; more may be submitted meanwhile."""

    def close(self) -> None:
        """Stop what is still going, and let go of the machines."""


MakeEngine = Callable[[Faces, Callable[[Progress], None], Mapping[str, Resources]], Engine]
"""From the faces, what to tell of each step, and what the runs of each net take, by its name."""


class LocalEngine:
    """This machine: one run after the other, in the order they came, each on all cores.

    Of a net's resources only `workers` counts: so many processes then share the cores.
    """

    slots = 1

    def __init__(
        self,
        faces: Faces,
        watch: Callable[[Progress], None],
        resources: Mapping[str, Resources] | None = None,
    ) -> None:
        self._faces, self._watch, self._resources = faces, watch, resources or {}
        self._waiting: list[tuple[Run, ShouldPrune | None]] = []

    def submit(self, run: Run, stop: ShouldPrune | None = None) -> None:
        """Take a run to train; `stop` may prune it after any epoch."""
        self._waiting.append((run, stop))

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Train the submitted runs and give how each ended."""
        while self._waiting:
            run, stop = self._waiting.pop(0)
            yield run, self._train(run, stop)

    def close(self) -> None:
        """Nothing goes on between runs."""

    def _train(self, run: Run, stop: ShouldPrune | None) -> Status:
        workers = self._resources.get(run.net.name, Resources()).workers
        if workers == 1:
            return fit(run, self._faces, self._watch, stop)
        cores = max(torch.get_num_threads() // workers, 1)
        return lead(run, self._faces, self._watch, stop, workers=workers, cores=cores)
