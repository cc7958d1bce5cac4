"""Gradients of a batch, in two ways with one face: written by hand where the net is a chain, by autograd where not.

Both keep the master weights in float32 and compute in bfloat16 or float32. Dropout is drawn from a key, so that a step
depends on nothing but its own number and the seed.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.backbones.backbone import Backbone
from mien.training.fast.chain import Chain, Link, Saved, chain
from mien.training.fast.fused import Fused
from mien.training.losses import Loss

CHUNK = 128
"""The most faces that go through the image layers together; measured in docs/decisions/0003-fast-step.md."""

In = TypeVar("In")
Out = TypeVar("Out")


class Judged(NamedTuple):
    """What a batch's forward pass said.

    Attributes:
        loss: the loss of the batch.
        right: how many faces were given their own emotion, the most probable of their targets.
    """

    loss: float
    right: int


class Gradients(Protocol):
    """A net that can be differentiated."""

    def batch(self, x: Tensor, targets: Tensor, key: int) -> Judged:
        """Forward and backward, training: leaves the gradient of the loss in each parameter's `grad`.

        x: float32 [N, 1, H, W], may be overwritten; targets: int64 [N] or float32 [N, K]; key: what dropout is drawn
        from, 0 or more.
        """

    def logits(self, x: Tensor) -> Tensor:
        """What the net says of x: float32 [N, 1, H, W] -> float32 [N, K]."""

    def close(self) -> None:
        """Let go of the threads."""


def gradients(model: nn.Sequential, dtype: torch.dtype, loss: Loss = F.cross_entropy) -> Gradients:
    """The faster of the ways that the model allows; dtype: bfloat16 or float32."""
    written = chain(model, dtype)
    return ByAutograd(model, dtype, loss) if written is None else ByHand(model, written, dtype, loss)


class ByHand:
    """A chain, on all cores.

    Chunks of faces go through the image layers, each on one core; the whole batch through the flat layers behind them,
    on all cores together. The chunks' gradients are added up in the chunks' order, whichever was done first.
    """

    def __init__(self, model: nn.Sequential, written: Chain, dtype: torch.dtype, loss: Loss = F.cross_entropy) -> None:
        self.chain, self.dtype, self.loss = written, dtype, loss
        self.masters = list(model.parameters())
        self.weights = [_working_copy(master.detach(), dtype) for master in self.masters]
        border = sum(link.weights for link in written.trunk)
        self.trunk_weights, self.head_weights = self.weights[:border], self.weights[border:]
        self.cores = torch.get_num_threads()
        self.threads = _single_core_threads(self.cores) if written.trunk else None

    @torch.no_grad()
    def batch(self, x: Tensor, targets: Tensor, key: int) -> Judged:
        """See Gradients."""
        self._refresh()
        size = min(CHUNK, -(-len(x) // self.cores)) if self.threads else len(x)
        chunks = _parts(x, size)
        walked = self._each(lambda at: self._walk_trunk(chunks[at], _dice(key, 1 + at)), range(len(chunks)))
        features = torch.cat([y for y, _ in walked]) if len(walked) > 1 else walked[0][0]
        y, saved = _forward(self.chain.head, features, self.head_weights, _dice(key, 0))
        judged, gradient = self._judge(y, targets)
        back, of_head = _backward(self.chain.head, gradient.to(self.dtype), self.head_weights, saved)
        parts = [] if back is None or not self.trunk_weights else _parts(back, size)
        of_chunks = self._each(lambda at: self._back_through_trunk(parts[at], walked[at][1]), range(len(parts)))
        for master, gradient in zip(self.masters, [*_sum(of_chunks), *of_head], strict=True):
            master.grad = torch.empty_like(master) if master.grad is None else master.grad
            master.grad.copy_(gradient)
        return judged

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """See Gradients."""
        self._refresh()

        @torch.no_grad()
        def whole(chunk: Tensor) -> Tensor:
            features, _ = self._walk_trunk(chunk, None)
            return _forward(self.chain.head, features, self.head_weights, None)[0].float()

        return torch.cat(self._each(whole, _parts(x, CHUNK if self.threads else 1024)))

    def close(self) -> None:
        """See Gradients."""
        if self.threads:
            self.threads.shutdown()

    @torch.no_grad()
    def _walk_trunk(self, x: Tensor, dice: torch.Generator | None) -> tuple[Tensor, list[Saved]]:
        n, _, height, width = x.shape
        image = x.to(self.dtype).view(n, height, width, 1).permute(0, 3, 1, 2)  # one channel, and that one last
        return _forward(self.chain.trunk, image, self.trunk_weights, dice)

    @torch.no_grad()
    def _back_through_trunk(self, gradient: Tensor, saved: list[Saved]) -> list[Tensor]:
        return _backward(self.chain.trunk, gradient, self.trunk_weights, saved)[1]

    def _judge(self, y: Tensor, targets: Tensor) -> tuple[Judged, Tensor]:
        """The judgement of logits y [N, K], and the gradient of the loss by them."""
        with torch.enable_grad():
            logits = y.float().requires_grad_()
            loss = self.loss(logits, targets)
            (gradient,) = torch.autograd.grad(loss, logits)
        return Judged(loss.item(), _right(y, targets)), gradient

    def _each(self, function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        return list(self.threads.map(function, items) if self.threads else map(function, items))

    def _refresh(self) -> None:
        for weight, master in zip(self.weights, self.masters, strict=True):
            if weight.dtype != master.dtype:
                weight.copy_(master)


class ByAutograd:
    """Any model, by torch's autograd: autocast to bfloat16, channels last; while training, some layers by `Fused`."""

    def __init__(self, model: nn.Sequential, dtype: torch.dtype, loss: Loss = F.cross_entropy) -> None:
        self.loss = loss
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.cast = torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16)
        self.fused = Fused(self.model) if dtype == torch.bfloat16 else None

    def batch(self, x: Tensor, targets: Tensor, key: int) -> Judged:
        """See Gradients."""
        torch.manual_seed(_seed(key, 0))
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm1d | Backbone):
                module.train(len(x) > 1)  # one face has no spread: the running mean and variance stand in
        self.model.zero_grad()
        with self.cast:
            y = (self.fused or self.model)(x.contiguous(memory_format=torch.channels_last))
        loss = self.loss(y.float(), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return Judged(loss.item(), _right(y, targets))

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """See Gradients."""
        self.model.eval()
        with self.cast:
            parts = _parts(x.contiguous(memory_format=torch.channels_last), 256)
            return torch.cat([self.model(part) for part in parts]).float()

    def close(self) -> None:
        """See Gradients."""
        if self.fused:
            self.fused.close()


def _forward(
    links: list[Link], x: Tensor, weights: list[Tensor], dice: torch.Generator | None
) -> tuple[Tensor, list[Saved]]:
    saved, at = [], 0
    for layer, count in links:
        x, kept = layer.forward(x, weights[at : at + count], dice)
        saved.append(kept)
        at += count
    return x, saved


def _backward(
    links: list[Link], gradient: Tensor | None, weights: list[Tensor], saved: list[Saved]
) -> tuple[Tensor | None, list[Tensor]]:
    """The gradients of the links' input (None if nobody needs it) and of their weights; `saved` is used up."""
    ours: list[Tensor] = []
    at = len(weights)
    for layer, count in reversed(links):
        kept = saved.pop()
        if gradient is None:
            break
        gradient, theirs = layer.backward(gradient, weights[at - count : at], kept)
        ours, at = [*theirs, *ours], at - count
    return gradient, ours


def _parts(x: Tensor, size: int) -> list[Tensor]:
    return [x[first : first + size] for first in range(0, len(x), size)]


def _right(y: Tensor, targets: Tensor) -> int:
    labels = targets.argmax(1) if targets.is_floating_point() else targets
    return int((y.argmax(1) == labels).sum())


def _sum(gradients: list[list[Tensor]]) -> list[Tensor]:
    """The sum over the chunks, float32."""
    if not gradients:
        return []
    total = [gradient.float() for gradient in gradients[0]]
    for chunk in gradients[1:]:
        torch._foreach_add_(total, chunk)
    return total


def _working_copy(master: Tensor, dtype: torch.dtype) -> Tensor:
    """The master itself in float32, else a copy to be refreshed at each step."""
    if dtype == master.dtype:
        return master
    layout = torch.channels_last if master.dim() == 4 else torch.contiguous_format
    return master.to(dtype).contiguous(memory_format=layout)


def _dice(key: int, part: int) -> torch.Generator:
    return torch.Generator().manual_seed(_seed(key, part))


def _seed(key: int, part: int) -> int:
    """32 bits that depend on all of a key, whatever its size: torch's generator looks at no more of its seed."""
    return int(np.random.SeedSequence((part, key)).generate_state(1)[0])


def _single_core_threads(count: int) -> ThreadPoolExecutor:
    """Threads in which torch uses one core each; it goes on using `count` in the calling thread."""
    threads = ThreadPoolExecutor(count)
    together = Barrier(count)

    def settle(_: int) -> None:
        torch.ones(2**16).add_(1)  # torch sets a thread's number of cores at its first parallel work: now
        torch.set_num_threads(1)
        together.wait()

    list(threads.map(settle, range(count)))
    torch.set_num_threads(count)
    return threads
