"""Gradients of a batch on the processor: plain nets in chunks on each core, other nets as a whole.

Both keep the master weights in float32 and compute in bfloat16 or float32.
"""

import ctypes
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.training.fast.functions import forward, plain_layers
from mien.training.fast.fused import Fused
from mien.training.fast.threads import single_core_threads
from mien.training.gradients import BatchResult, Gradients, Whole, count_correct, seed_of
from mien.training.losses import Loss

CHUNK = 128
"""The most faces that go through the image layers together; measured in docs/decisions/0003-fast-step.md."""

In = TypeVar("In")
Out = TypeVar("Out")


def make_gradients(model: nn.Sequential, dtype: torch.dtype, loss: Loss = F.cross_entropy) -> Gradients:
    """The processor's fastest way to the gradients of a model; dtype: bfloat16 or float32.

    From its first call on the process keeps the memory that it frees.
    """
    keep_memory()
    layers = plain_layers(model)
    return FusedWhole(model, dtype, loss) if layers is None else Chunked(model, layers, dtype, loss)


class Chunked:
    """A plain net, on all cores.

    Chunks of faces go through the image layers, each on one core; the whole batch through the flat layers behind them,
    on all cores together. The chunks' gradients are added up in the chunks' order, whichever was done first.
    """

    def __init__(
        self, model: nn.Sequential, layers: Sequence[nn.Module], dtype: torch.dtype, loss: Loss = F.cross_entropy
    ) -> None:
        border = next((at for at, layer in enumerate(layers) if isinstance(layer, nn.Flatten)), len(layers))
        self.trunk, self.head = layers[:border], layers[border:]
        self.dtype, self.loss = dtype, loss
        self.masters = list(model.parameters())
        self.weights = [_working_copy(master, dtype) for master in self.masters]
        of_trunk = sum(len(list(layer.parameters())) for layer in self.trunk)
        self.trunk_weights, self.head_weights = self.weights[:of_trunk], self.weights[of_trunk:]
        self.cores = torch.get_num_threads()
        self.threads = single_core_threads(self.cores) if self.trunk else None

    def batch(self, x: Tensor, targets: Tensor, key: int) -> BatchResult:
        """See Gradients."""
        self._refresh()
        size = min(CHUNK, -(-len(x) // self.cores)) if self.threads else len(x)
        chunks = torch.split(x, size)
        outputs = self._each(lambda at: self._through_trunk(chunks[at], _generator(key, 1 + at)), range(len(chunks)))
        features = torch.cat([y.detach() for y in outputs]) if len(outputs) > 1 else outputs[0].detach()
        trains_trunk = bool(self.trunk_weights)
        y = forward(self.head, features.requires_grad_(trains_trunk), self.head_weights, _generator(key, 0))
        loss = self.loss(y.float(), targets)
        result = BatchResult(loss.detach(), count_correct(y, targets))
        by_head = torch.autograd.grad(loss, [*([features] if trains_trunk else []), *self.head_weights])
        by_chunks: list[Sequence[Tensor]] = []
        if trains_trunk:
            parts = torch.split(by_head[0], size)

            def back_through_trunk(at: int) -> Sequence[Tensor]:
                return torch.autograd.grad(outputs[at], self.trunk_weights, parts[at])

            by_chunks = self._each(back_through_trunk, range(len(parts)))
        self._write([*_sum(by_chunks), *by_head[trains_trunk:]])
        return result

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """See Gradients."""
        self._refresh()

        @torch.no_grad()
        def whole(chunk: Tensor) -> Tensor:
            return forward(self.head, self._through_trunk(chunk, None), self.head_weights, None).float()

        return torch.cat(self._each(whole, torch.split(x, CHUNK if self.threads else 1024)))

    def close(self) -> None:
        """See Gradients."""
        if self.threads:
            self.threads.shutdown()

    def _through_trunk(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        n, _, height, width = x.shape
        # A copy: layers may overwrite it, which autograd would take for a change of the other chunks too.
        image = x.to(self.dtype, copy=True).view(n, height, width, 1).permute(0, 3, 1, 2)  # one channel, and that last
        return forward(self.trunk, image, self.trunk_weights, generator)

    def _each(self, function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        return list(self.threads.map(function, items) if self.threads else map(function, items))

    @torch.no_grad()
    def _refresh(self) -> None:
        for weight, master in zip(self.weights, self.masters, strict=True):
            if weight.dtype != master.dtype:
                weight.copy_(master)

    @torch.no_grad()
    def _write(self, gradients: Sequence[Tensor]) -> None:
        for master, gradient in zip(self.masters, gradients, strict=True):
            # The fused optimisers walk a weight and its gradient in the order of memory: both must be laid out alike.
            alike = gradient.dtype == master.dtype and gradient.stride() == master.stride()
            master.grad = gradient if alike else torch.empty_like(master).copy_(gradient)


class FusedWhole(Whole):
    """Any model, a batch at once; while training, some layers by `Fused`. In float32 they evaluate as well."""

    def __init__(self, model: nn.Sequential, dtype: torch.dtype, loss: Loss = F.cross_entropy) -> None:
        super().__init__(model, dtype, loss)
        self.fused = Fused(self.model, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """See Whole."""
        return self.fused(x)

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """See Gradients."""
        if self.fused.dtype != torch.float32:
            return super().logits(x)
        self.model.eval()
        parts = torch.split(x.contiguous(memory_format=torch.channels_last), 256)
        return torch.cat([self.fused(part) for part in parts])

    def close(self) -> None:
        """See Gradients."""
        self.fused.close()


def _sum(gradients: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The sum over the chunks, float32."""
    if not gradients:
        return []
    total = [gradient.float() for gradient in gradients[0]]
    for chunk in gradients[1:]:
        torch._foreach_add_(total, list(chunk))
    return total


def _working_copy(master: Tensor, dtype: torch.dtype) -> Tensor:
    """A leaf in this precision: in float32 on the master's own memory, else a copy to be refreshed at each step."""
    copy = master.detach()
    if dtype != master.dtype:
        layout = torch.channels_last if master.dim() == 4 else torch.contiguous_format
        copy = copy.to(dtype).contiguous(memory_format=layout)
    return copy.requires_grad_()


def _generator(key: int, part: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(key, part))


_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_NEVER = 2**31 - 1


def keep_memory() -> None:
    """Make glibc's malloc hand no memory back to the system while the process lives.

    A step's activations are tens of megabytes, freed and taken again each step. By default glibc maps and unmaps every
    block of that size, and each page is faulted in and zeroed anew: almost half of the time of a step of a small
    convolutional net (docs/decisions/0003-fast-step.md). Elsewhere than on glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
        libc.mallopt(_M_ARENA_MAX, 1)
