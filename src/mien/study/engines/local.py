"""LocalEngine: runs on this machine."""

from collections.abc import Iterator, Mapping

import torch

from mien.faces import Faces
from mien.runs.run import Run, Status
from mien.study.config.resources import Resources
from mien.training.loop import OnStep, ShouldPrune, fit
from mien.training.parallel import lead


class LocalEngine:
    """This machine: one run after the other, in the order they came, each on all cores.

    Of a net's resources only `workers` counts: so many processes then share the cores.

    Args:
        faces: those that the runs were created for.
        on_step: called after each training step.
        resources: of each net's runs, by its name.
    """

    slots = 1

    def __init__(self, faces: Faces, on_step: OnStep, resources: Mapping[str, Resources] | None = None) -> None:
        self._faces, self._on_step, self._resources = faces, on_step, resources or {}
        self._waiting: list[tuple[Run, ShouldPrune | None]] = []

    def submit(self, run: Run, should_prune: ShouldPrune | None = None) -> None:
        """Take a run to train; `should_prune` may end it after any epoch."""
        self._waiting.append((run, should_prune))

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Train the submitted runs and give how each ended."""
        while self._waiting:
            run, should_prune = self._waiting.pop(0)
            yield run, self._train(run, should_prune)

    def close(self) -> None:
        """Do nothing: no run trains outside of `gather`."""

    def _train(self, run: Run, should_prune: ShouldPrune | None) -> Status:
        workers = self._resources.get(run.net.name, Resources()).workers
        if workers == 1:
            return fit(run, self._faces, self._on_step, should_prune)
        cores = max(torch.get_num_threads() // workers, 1)
        return lead(run, self._faces, self._on_step, should_prune, workers=workers, cores=cores)
