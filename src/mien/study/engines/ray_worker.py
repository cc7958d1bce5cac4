"""What a RayEngine runs on the cluster: the task that trains a run."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from mien.study.engines.ray_queue import StepMessage
from mien.training.loop import Progress, fit
from mien.training.parallel import Invitation, assist, lead

INTERVAL = 0.3
"""Seconds between two messages on a run's steps; the end of an epoch is always sent."""


@dataclass(frozen=True)
class Order:
    """A run to train, as a worker gets it.

    Attributes:
        folder: the run's, on the driver's machine.
        token: a file beside it; a worker that sees it shares the driver's storage and works in the folder itself.
        files: of the run, for a worker that does not.
        resources: that it may use.
        prunable: whether the driver decides after each epoch whether the run goes on.
    """

    folder: Path
    token: Path
    files: RunArchive
    resources: Resources
    prunable: bool


def train(order: Order, faces: list[Any], queue: Any) -> tuple[Status, RunArchive]:
    """Train a run; a Ray task.

    Args:
        order: which, and with what.
        faces: the reference to those in the object store, alone in a list: so it can be passed on.
        queue: the handle of the MessageQueue.

    Returns:
        How it ended, and its files if the driver does not see them.
    """
    if order.token.exists():
        return _train(Run(order.folder), order, faces, queue), {}
    with TemporaryDirectory(prefix="mien-") as scratch:
        run = restore_run(order.files, Path(scratch) / order.folder.name)
        return _train(run, order, faces, queue), archive_run(run)


def _train(run: Run, order: Order, faces: list[Any], queue: Any) -> Status:
    resources = order.resources
    torch.set_num_threads(resources.cores)
    here = replace(machine(), cores=resources.cores)
    recipe = run.recipe.model_copy(update={"device": device_of(run.recipe.device, resources)})
    run.write_config(replace(run.config, recipe=recipe, machine=here, versions=versions()))

    def ask_driver(record: Epoch) -> str:
        return str(ray.get(queue.should_prune.remote(run.id, record)))

    on_step, should_prune = _reporter(run, queue), ask_driver if order.prunable else None
    if resources.workers == 1:
        return fit(run, ray.get(faces[0]), on_step, should_prune)

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
        on_step,
        should_prune,
        workers=resources.workers,
        cores=resources.cores,
        host=ray.util.get_node_ip_address(),  # type: ignore[no-untyped-call]
        hire=hire,
    )


def device_of(name: str, resources: Resources) -> str:
    """A recipe's device as a worker sees it: of the GPUs those that Ray gave it, counted from 0."""
    if not resources.gpu:
        return "cpu" if name == "auto" else name
    return "cuda" if name.startswith("cuda") else name


def _reporter(run: Run, queue: Any) -> Callable[[Progress], None]:
    """Makes what sends a training's progress to the queue, a few times a second."""
    last = 0.0

    def on_step(progress: Progress) -> None:
        nonlocal last
        message = StepMessage(**{**vars(progress), "run": run.id})
        if progress.record is not None:
            ray.get(queue.put.remote(message))  # it has to arrive before the end of the run
        elif time.monotonic() - last > INTERVAL:
            last = time.monotonic()
            queue.put.remote(message)

    return on_step


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
