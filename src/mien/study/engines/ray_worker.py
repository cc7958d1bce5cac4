"""What a RayEngine runs on the cluster: the task that trains a run."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
import torch
from ray.util.placement_group import get_current_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from mien.faces import Faces
from mien.runs.archive import RunArchive, archive_run, restore_run
from mien.runs.environment import machine, versions
from mien.runs.run import Epoch, Run, Status
from mien.study.config.resources import Resources
from mien.study.engines.ray_queue import Word
from mien.training.loop import Progress, fit
from mien.training.parallel import Invitation, assist, lead

INTERVAL = 0.3
"""Seconds between two words on a run's steps; an epoch's end is always told."""


@dataclass(frozen=True)
class Order:
    """A run to train, as a worker is told.

    Attributes:
        folder: the run's, on the driver's machine.
        token: a file beside it; a worker that sees it shares the driver's storage and works in the folder itself.
        files: of the run, for a worker that does not.
        resources: that it may use.
        asks: whether the driver is asked after each epoch whether to stop.
    """

    folder: Path
    token: Path
    files: RunArchive
    resources: Resources
    asks: bool


def train(order: Order, faces: list[Any], desk: Any) -> tuple[Status, RunArchive]:
    """Train a run; a Ray task.

    Args:
        order: which, and with what.
        faces: the reference to those in the object store, alone in a list: so it can be passed on.
        desk: the handle of the Desk.

    Returns:
        How it ended, and its files if the driver does not see them.
    """
    if order.token.exists():
        return _train(Run(order.folder), order, faces, desk), {}
    with TemporaryDirectory(prefix="mien-") as scratch:
        run = restore_run(order.files, Path(scratch) / order.folder.name)
        return _train(run, order, faces, desk), archive_run(run)


def _train(run: Run, order: Order, faces: list[Any], desk: Any) -> Status:
    resources = order.resources
    torch.set_num_threads(resources.cores)
    here = replace(machine(), cores=resources.cores)
    run.write_config(replace(run.config, machine=here, versions=versions()))

    def ask(record: Epoch) -> str:
        return str(ray.get(desk.ask.remote(run.id, asdict(record))))

    watch, stop = _teller(run, desk), ask if order.asks else None
    if resources.workers == 1:
        return fit(run, ray.get(faces[0]), watch, stop)

    @contextmanager
    def hire(invitations: Sequence[Invitation], _: Faces) -> Iterator[None]:
        tasks = [_assistant(resources, invitation.rank).remote(invitation, faces) for invitation in invitations]
        try:
            yield
        finally:
            ray.wait(tasks, num_returns=len(tasks), timeout=30)
            for task in tasks:
                ray.cancel(task, force=True)

    return lead(
        run,
        ray.get(faces[0]),
        watch,
        stop,
        workers=resources.workers,
        cores=resources.cores,
        host=ray.util.get_node_ip_address(),  # type: ignore[no-untyped-call]
        hire=hire,
    )


def _teller(run: Run, desk: Any) -> Callable[[Progress], None]:
    """Tells the desk where a training is, a few times a second."""
    last = 0.0

    def watch(progress: Progress) -> None:
        nonlocal last
        record = asdict(progress.record) if progress.record else None
        word = Word(run.id, {**vars(progress), "run": None, "record": record})
        if progress.record is not None:
            ray.get(desk.tell.remote(word))  # it must lie there before the run's end is known
        elif time.monotonic() - last > INTERVAL:
            last = time.monotonic()
            desk.tell.remote(word)

    return watch


def _assistant(resources: Resources, rank: int) -> Any:
    """The task of a run's other workers, in their place of the run's placement group."""
    group = get_current_placement_group()
    assert group is not None
    place = PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=rank)
    return ray.remote(_assist).options(
        num_cpus=resources.cores, num_gpus=resources.gpu, max_retries=0, scheduling_strategy=place
    )


def _assist(invitation: Invitation, faces: list[Any]) -> None:
    assist(invitation, ray.get(faces[0]))
