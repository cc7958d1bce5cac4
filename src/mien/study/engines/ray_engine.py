"""RayEngine: runs as tasks of a Ray cluster, of one machine or many.

Ray decides what runs where and when; this module gives it what a run needs and takes what comes back. The faces are
put into Ray's object store once, and every worker of a machine reads them there without a copy. A worker that sees
the study's folder trains in it; one that does not trains in a scratch folder and sends the run's files back when it
has ended.
"""

from collections.abc import Iterator, Mapping
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
from mien.runs.run import Run, Status
from mien.study.config.resources import Resources
from mien.study.engines.ray_cluster import check_room, connect, slots, whole_gpu
from mien.study.engines.ray_queue import Message, MessageQueue, PruneQuestion
from mien.study.engines.ray_worker import Order, train
from mien.training.loop import OnStep, Progress, ShouldPrune
from mien.training.parallel import LostWorkerError

RETRIES = 3
"""How often a run is tried again whose worker was lost."""

PULSE = 0.2
"""Seconds to wait for messages before looking for runs that have ended."""


@dataclass(frozen=True, eq=False)
class _Submitted:
    """A run that Ray has been given; `group` holds the places of its workers where they are several."""

    run: Run
    order: Order
    should_prune: ShouldPrune | None
    group: PlacementGroup | None


class RayEngine:
    """Runs as Ray tasks; see Engine.

    Args:
        faces: those that the runs were created for.
        on_step: called on the progress of each run, a few times a second.
        resources: of each net, by its name; others take one core, and a GPU where there is one.
        address: host:port of the cluster's head; None: a Ray on this machine, for as long as the engine is open.

    Raises:
        UserError: the cluster cannot be reached, or a net does not fit on it.
    """

    def __init__(
        self,
        faces: Faces,
        on_step: OnStep,
        resources: Mapping[str, Resources] | None = None,
        address: str | None = None,
    ) -> None:
        self._on_step, self._resources = on_step, resources or {}
        self._joined_before = ray.is_initialized()
        self._submitted: dict[Any, _Submitted] = {}
        self._tokens: dict[Path, Path] = {}
        connect(address)
        try:
            gpu = whole_gpu()
            self._resources = {name: each.with_gpu(gpu) for name, each in self._resources.items()}
            self._usual = Resources(gpu=gpu)
            check_room(self._resources)
            self.slots = max(slots(each) for each in self._resources.values() or [self._usual])
            # Plain arrays, which workers can read where they lie; a memory map would be copied for each.
            plain = replace(faces, images=np.asarray(faces.images)).with_fingerprint(faces.fingerprint)
            self._faces = ray.put(plain)
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self._queue: Any = ray.remote(MessageQueue).options(num_cpus=0, scheduling_strategy=here).remote()
        except BaseException:
            self.close()
            raise

    def submit(self, run: Run, should_prune: ShouldPrune | None = None) -> None:
        """Take a run to train; `should_prune` may end it after any epoch, and is called here, not on the cluster."""
        resources = self._resources.get(run.net.name, self._usual)
        folder = run.folder.resolve()
        order = Order(
            folder, self.storage_token(folder.parent), archive_run(run), resources, prunable=should_prune is not None
        )
        group = _group(resources)
        task = ray.remote(train).options(
            num_cpus=resources.cores,
            num_gpus=resources.gpu,
            max_retries=RETRIES,
            retry_exceptions=[LostWorkerError],
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, 0) if group else "DEFAULT",
        )
        self._submitted[task.remote(order, [self._faces], self._queue)] = _Submitted(run, order, should_prune, group)

    def gather(self) -> Iterator[tuple[Run, Status]]:
        """Every submitted run as it ends; more may be submitted meanwhile."""
        while self._submitted:
            ended, _ = ray.wait(list(self._submitted), num_returns=len(self._submitted), timeout=0)
            for message in ray.get(self._queue.get.remote(0 if ended else PULSE)):
                self._receive(message)
            for task in ended:
                submitted = self._submitted.pop(task)
                yield submitted.run, _end(task, submitted)

    def close(self) -> None:
        """Stop the runs that still train, and leave the cluster."""
        for task in self._submitted:
            ray.cancel(task)
        if self._submitted:
            ray.wait(list(self._submitted), num_returns=len(self._submitted), timeout=10)
        for token in self._tokens.values():
            token.unlink(missing_ok=True)
        if not self._joined_before:
            ray.shutdown()

    def _receive(self, message: Message) -> None:
        submitted = next((each for each in self._submitted.values() if each.run.id == message.run), None)
        if submitted is None:
            return
        if isinstance(message, PruneQuestion):
            assert submitted.should_prune is not None
            self._queue.answer.remote(message.number, submitted.should_prune(message.record))
        else:
            self._on_step(Progress(**{**vars(message), "run": submitted.run}))

    def storage_token(self, folder: Path) -> Path:
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


def _end(task: Any, submitted: _Submitted) -> Status:
    """How a run ended, its files being in its folder."""
    try:
        ended: tuple[Status, RunArchive] = ray.get(task)
    except RayTaskError as error:
        if not isinstance(error.cause, LostWorkerError):
            raise (error.cause if isinstance(error.cause, UserError) else error) from None
        return _lost(submitted.run, error.cause)
    except RayError as error:
        return _lost(submitted.run, error)
    finally:
        if submitted.group:
            remove_placement_group(submitted.group)
    status, files = ended
    if files:
        restore_run(files, submitted.run.folder)
    return status


def _lost(run: Run, error: Exception) -> Status:
    why = str(error).strip().splitlines()[0]
    status = Status("failed", f"its worker was lost {1 + RETRIES} times, the last time so: {why}")
    run.write_status(status)
    return status
