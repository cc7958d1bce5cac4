"""Data-parallel training: one run by several workers, each with its share of every batch.

Every worker goes through the same loop with the same weights. Alike in all are the order of the faces, augmentation,
scaling, penalties and the optimiser's step; shared out are the forward and backward pass, whose gradients are added up
between the workers before each step. So the outcome is that of one worker, but for the order of float32 sums, and:

- dropout is drawn by each worker for its own share;
- batch norm normalises over a worker's share; the running means that are saved and evaluated with are the leader's.

The leader trains in the run's folder; the others work in a scratch copy of it, which they throw away.
"""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, distributed, nn
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]

from mien.errors import UserError
from mien.faces import Faces
from mien.runs.archive import RunArchive, archive_run, restore_run
from mien.runs.run import Epoch, Run, Status
from mien.training.gradients import BatchResult, Gradients
from mien.training.loop import OnStep, ShouldPrune, fit

PATIENCE = timedelta(minutes=5)
"""How long a worker waits for the others; one whose process ended is noticed at once."""

LOOPBACK = "127.0.0.1"

LIBUV = sys.platform != "win32"
"""torch is built without libuv for Windows, and would use it all the same (pytorch/pytorch#139990)."""


class LostWorkerError(UserError):
    """Another worker of the run is gone."""


@dataclass(frozen=True)
class Invitation:
    """What a worker needs to know to take part in a run.

    Attributes:
        host, port: where the leader waits for the others.
        rank: the worker's number, the leader's being 0.
        workers: how many there are, the leader included.
        cores: that the worker uses.
        run: the run's id.
        files: of the run.
    """

    host: str
    port: int
    rank: int
    workers: int
    cores: int
    run: str
    files: RunArchive


Hire = Callable[[Sequence[Invitation], Faces], AbstractContextManager[None]]
"""Starts a worker for each invitation, which calls `assist`; all have ended when the block has."""


def lead(
    run: Run,
    faces: Faces,
    on_step: OnStep,
    should_prune: ShouldPrune | None = None,
    *,
    workers: int,
    cores: int,
    host: str = LOOPBACK,
    hire: Hire | None = None,
) -> Status:
    """Like `fit`, by several workers.

    Args:
        run: what to train.
        faces: those that the run was created for.
        on_step: called after every step.
        should_prune: called after each epoch.
        workers: how many, this process included.
        cores: that each uses.
        host: this machine, as the others reach it.
        hire: how the others are started; as processes on this machine unless given.

    Raises:
        LostWorkerError: a worker is gone; the same call goes on from the last epoch.
        KeyboardInterrupt: as `fit`.
    """
    store = TCPStore(host, 0, workers, is_master=True, wait_for_workers=False, use_libuv=LIBUV)
    files = archive_run(run)
    others = [Invitation(host, store.port, rank, workers, cores, run.id, files) for rank in range(1, workers)]
    with (hire or processes)(others, faces), _on_cores(cores), _together(store, 0, workers):
        return fit(run, faces, on_step, _leaders(should_prune), SharedGradients)


def assist(invitation: Invitation, faces: Faces) -> None:
    """Take part in a run until it ends, or its leader does."""
    torch.set_num_threads(invitation.cores)
    rank, workers = invitation.rank, invitation.workers
    with suppress(LostWorkerError):  # the leader says so, or is itself gone
        with _exchange():
            store = TCPStore(invitation.host, invitation.port, workers, use_libuv=LIBUV)
        with _together(store, rank, workers), TemporaryDirectory(prefix="mien-") as scratch:
            run = restore_run(invitation.files, Path(scratch) / invitation.run)
            fit(run, faces, lambda progress: None, _leaders(None), SharedGradients)


@contextmanager
def processes(invitations: Sequence[Invitation], faces: Faces) -> Iterator[None]:
    """Workers as processes of this machine."""
    context, started = get_context("spawn"), []
    try:
        for invitation in invitations:
            process = context.Process(target=_process, args=(invitation, faces), daemon=True)
            process.start()
            started.append(process)
        yield
    finally:
        for process in started:
            # The leader has left: the others come to their end too, or lose their connection to it.
            process.join(30)
            process.kill()
            process.join()


class SharedGradients:
    """Gradients of which each worker computes its share; see the protocol `Gradients`."""

    def __init__(self, own: Gradients, model: nn.Sequential) -> None:
        self.own = own
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        self.running = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        self.rank, self.workers = distributed.get_rank(), distributed.get_world_size()

    def batch(self, x: Tensor, targets: Tensor, key: int) -> BatchResult:
        """See Gradients; leaves the gradient of the whole batch."""
        rows = self._share(len(x))
        weight = (rows.stop - rows.start) / len(x)
        nothing = torch.zeros((), device=x.device)
        result = BatchResult(nothing, nothing)
        if weight:
            result = self.own.batch(x[rows], targets[rows], key * self.workers + self.rank)
        counts = torch.stack([result.loss.float() * weight, result.correct.float()])
        grads = [torch.zeros_like(each) if each.grad is None else each.grad for each in self.weights]
        # One message for everything: its number costs more than its bytes.
        sums = torch.cat([*(grad.flatten() * weight for grad in grads), counts])
        sums = _added_up(sums)
        *parts, counts = torch.split(sums, [*(grad.numel() for grad in grads), len(counts)])
        for each, grad, part in zip(self.weights, grads, parts, strict=True):
            each.grad = grad.copy_(part.view_as(grad))
        return BatchResult(counts[0], counts[1].round().long())

    def logits(self, x: Tensor) -> Tensor:
        """See Gradients; by the leader's running means, and the same for every worker."""
        with _exchange():
            for buffer in self.running:
                leaders = buffer.cpu()
                distributed.broadcast(leaders, 0)
                buffer.copy_(leaders)
        if len(x) < self.workers:
            return self.own.logits(x)
        rows = self._share(len(x))
        y = self.own.logits(x[rows])
        whole = torch.zeros(len(x), y.shape[1], device=x.device)
        whole[rows] = y
        return _added_up(whole)

    def close(self) -> None:
        """See Gradients."""
        self.own.close()

    def _share(self, n: int) -> slice:
        """This worker's rows of n."""
        return slice(n * self.rank // self.workers, n * (self.rank + 1) // self.workers)


def _added_up(tensor: Tensor) -> Tensor:
    """The sum of all workers' tensors, on the device of this one; gloo adds in the processor's memory."""
    sums = tensor.cpu()
    with _exchange():
        distributed.all_reduce(sums)
    return sums.to(tensor.device)


def _process(invitation: Invitation, faces: Faces) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C ends the leader, and that ends this process
    assist(invitation, faces)


def _leaders(should_prune: ShouldPrune | None) -> ShouldPrune:
    """The leader's decision, broadcast to all workers."""

    def decide(record: Epoch) -> str:
        reason = should_prune(record) if should_prune else ""
        stopped = torch.tensor([bool(reason)], dtype=torch.uint8)
        with _exchange():
            distributed.broadcast(stopped, 0)
        return reason or ("the leader stopped" if stopped.item() else "")

    return decide


@contextmanager
def _together(store: Store, rank: int, workers: int) -> Iterator[None]:
    """Make this process one of the workers while the block lasts."""
    hook = sys.excepthook  # torch puts one in its place that marks every line of a traceback
    with _exchange():
        distributed.init_process_group("gloo", store=store, rank=rank, world_size=workers, timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()
        sys.excepthook = hook


@contextmanager
def _exchange() -> Iterator[None]:
    """Say what it means when another worker does not answer."""
    try:
        yield
    except RuntimeError as error:
        lost = f"a worker of this run was lost ({error}); run the study again to go on from the last epoch"
        raise LostWorkerError(lost) from None


@contextmanager
def _on_cores(cores: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        yield
    finally:
        torch.set_num_threads(before)
