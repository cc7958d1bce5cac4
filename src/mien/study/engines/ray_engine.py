"""RayEngine: runs as tasks of a Ray cluster, of one machine or many.

Ray decides what runs where and when; here is only what a run needs there and what comes back. The faces are put into
Ray's object store once, and every worker of a machine reads them there without a copy. A worker that sees the study's
folder trains in it; one that does not trains in a scratch folder and sends the run's files back when it has ended.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

from mien.disk import TMP_SUFFIX
from mien.errors import UserError
from mien.faces import Faces
from mien.runs.archive import RunArchive, archive_run, restore_run
from mien.runs.run import Epoch, Run, Status
from mien.study.config.resources import Resources
from mien.study.engines.ray_cluster import check_room, connect, slots
from mien.study.engines.ray_queue import Desk, Word
from mien.study.engines.ray_worker import Order, train
from mien.training.loop import Progress, ShouldPrune
from mien.training.parallel import LostWorkerError

RETRIES = 3
"""How often a run is tried again whose worker was lost."""

PULSE = 0.2
"""Seconds to wait for word before looking for runs that have ended."""


@dataclass(frozen=True, eq=False)
class _Going:
    """A run that Ray has been given; `group` holds the places of its workers where they are several."""

    run: Run
    order: Order
    stop: ShouldPrune | None
    group: PlacementGroup | None


class RayEngine:
    """Runs as Ray tasks; see Engine.

    Args:
        faces: those that the runs were created for.
        watch: told where the runs are, a few times a second each.
        resources: of each net, by its name; others take one core.
        address: host:port of the cluster's head; None: a Ray on this machine, for as long as the engine is open.

    Raises:
        UserError: the cluster cannot be reached, or a net does not fit on it.
    """

    def __init__(
        self,
        faces: Faces,
        watch: Callable[[Progress], None],
        resources: Mapping[str, Resources] | None = None,
        address: str | None = None,
    ) -> None:
        self._watch, self._resources = watch, resources or {}
        self._joined_before = ray.is_initialized()
        self._going: dict[Any, _Going] = {}
        self._tokens: dict[Path, Path] = {}
        connect(address)
        try:
            check_room(self._resources)
            self.slots = max(slots(each) for each in self._resources.values() or [Resources()])
            # Plain arrays, which workers can read where they lie; a memory map would be copied for each.
            plain = replace(faces, images=np.asarray(faces.images), known_fingerprint=faces.fingerprint)
            self._faces = ray.put(plain)
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._desk: Any = ray.remote(Desk).options(num_cpus=0, scheduling_strategy=here).remote()
        except BaseException:
            self.close()
            raise

    def submit(self, run: Run, stop: ShouldPrune | None = None) -> None:
        """Take a run to train; `stop` may prune it after any epoch, asked here and not on the cluster."""
        resources = self._resources.get(run.net.name, Resources())
        folder = run.folder.resolve()
        order = Order(folder, self._token(folder.parent), archive_run(run), resources, asks=stop is not None)
        group = _group(resources)
        task = ray.remote(train).options(
            num_cpus=resources.cores,
            num_gpus=resources.gpu,
            max_retries=RETRIES,
            retry_exceptions=[LostWorkerError],
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, 0) if group else "DEFAULT",
        )
        self._going[task.remote(order, [self._faces], self._desk)] = _Going(run, order, stop, group)

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Every submitted run as it ends; more may be submitted meanwhile."""
        while self._going:
            ended, _ = ray.wait(list(self._going), num_returns=len(self._going), timeout=0)
            for word in ray.get(self._desk.listen.remote(0 if ended else PULSE)):
                self._hear(word)
            for task in ended:
                going = self._going.pop(task)
                yield going.run, _end(task, going)

    def close(self) -> None:
        """Stop the runs that are going, and leave the cluster."""
        for task in self._going:
            ray.cancel(task)
        if self._going:
            ray.wait(list(self._going), num_returns=len(self._going), timeout=10)
        for token in self._tokens.values():
            token.unlink(missing_ok=True)
        if not self._joined_before:
            ray.shutdown()

    def _hear(self, word: Word) -> None:
        going = next((each for each in self._going.values() if each.run.id == word.run), None)
        if going is None:
            return
        if word.question:
            assert going.stop is not None
            self._desk.answer.remote(word.question, going.stop(Epoch(**word.facts)))
        else:
            record = word.facts["record"]
            told = word.facts | {"run": going.run, "record": Epoch(**record) if record else None}
            self._watch(Progress(**told))

    def _token(self, folder: Path) -> Path:
        """A file by which a worker sees whether its folder of that name is the same."""
        if folder not in self._tokens:
            self._tokens[folder] = folder / f".{uuid4().hex}{TMP_SUFFIX}"
            self._tokens[folder].touch()
        return self._tokens[folder]


def _group(resources: Resources) -> PlacementGroup | None:
    """Places for all workers of a run at once, so that no run waits with half of them; None: a single worker."""
    if resources.workers == 1:
        return None
    place = {"CPU": resources.cores} | ({"GPU": resources.gpu} if resources.gpu else {})
    group: PlacementGroup = placement_group([place] * resources.workers)
    return group


def _end(task: Any, going: _Going) -> Status:
    """How a run ended, its files being in its folder."""
    try:
        ended: tuple[Status, RunArchive] = ray.get(task)
    except RayTaskError as error:
        if not isinstance(error.cause, LostWorkerError):
            raise (error.cause if isinstance(error.cause, UserError) else error) from None
        return _lost(going.run, error.cause)
    except RayError as error:
        return _lost(going.run, error)
    finally:
        if going.group:
            remove_placement_group(going.group)
    status, files = ended
    if files:
        restore_run(files, going.run.folder)
    return status


def _lost(run: Run, error: Exception) -> Status:
    why = str(error).strip().splitlines()[0]
    status = Status("failed", f"its worker was lost {1 + RETRIES} times, the last time so: {why}")
    run.write_status(status)
    return status
