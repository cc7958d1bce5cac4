"""Gradients on a CUDA GPU: forward and backward pass are recorded once as a CUDA graph, then replayed.

A small net's step is some hundred kernels of a few microseconds each, which the processor cannot launch as fast as the
GPU computes them; a graph is launched as one. See "CUDA Graphs" in torch's notes on CUDA semantics.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.training.gradients import BatchResult, Scale, Whole, seed_of
from mien.training.losses import Loss

WARM_UP = 3
"""Batches of a shape that are computed one kernel at a time before they are recorded, as torch asks for."""


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A recorded step: it reads its two inputs, adds to the gradients and leaves its result, all at fixed places."""

    graph: torch.cuda.CUDAGraph
    x: Tensor
    targets: Tensor
    result: BatchResult


class Graphed(Whole):
    """Any model on CUDA; see Whole. Each shape of a batch has a graph of its own, and all share their memory.

    Dropout: the graph reads the generator's seed when it is replayed, so that a replayed step draws from its own key.
    """

    def __init__(
        self,
        model: nn.Sequential,
        dtype: torch.dtype,
        loss: Loss = F.cross_entropy,
        device: torch.device | None = None,
        scale: Scale | None = None,
    ) -> None:
        super().__init__(model, dtype, loss, device or torch.device("cuda"), scale)
        if dtype != torch.float32:
            # A recorded step must not take casts of weights from a cache that a step before it has filled.
            self.cast = torch.autocast("cuda", dtype, cache_enabled=False)
        self.trained = [weight for weight in model.parameters() if weight.requires_grad]
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.pool = torch.cuda.graph_pool_handle()
        self.seen: dict[tuple[torch.Size, torch.Size], int] = {}
        self.recorded: dict[tuple[torch.Size, torch.Size], _Recorded] = {}

    def batch(self, x: Tensor, targets: Tensor, key: int) -> BatchResult:
        """See Gradients."""
        shape = x.shape, targets.shape
        if shape not in self.recorded:
            self.prepare(len(x))
            self.seen[shape] = self.seen.get(shape, 0) + 1
            if self.seen[shape] <= WARM_UP:
                return self._launch(x, targets, key)
            self.recorded[shape] = self._record(x, targets)
        recorded = self.recorded[shape]
        recorded.x.copy_(x)
        recorded.targets.copy_(targets)
        torch.cuda.manual_seed(seed_of(key, 0))
        self._clear_gradients()
        recorded.graph.replay()
        # What a replay leaves is overwritten by the next one.
        return BatchResult(recorded.result.loss.clone(), recorded.result.correct.clone())

    def close(self) -> None:
        """See Gradients."""
        self.recorded.clear()

    def _launch(self, x: Tensor, targets: Tensor, key: int) -> BatchResult:
        """A step kernel by kernel, on the stream that will be recorded."""
        torch.cuda.manual_seed(seed_of(key, 0))
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            self._clear_gradients()
            result = self.differentiate(x, targets)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def _record(self, x: Tensor, targets: Tensor) -> _Recorded:
        inputs, goals = x.contiguous(memory_format=torch.channels_last).clone(), targets.clone()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, stream=self.stream):
            result = self.differentiate(inputs, goals)
        return _Recorded(graph, inputs, goals, result)

    def _clear_gradients(self) -> None:
        """Zeros in each gradient, which stays where it is: recorded steps add to it."""
        missing = [weight for weight in self.trained if weight.grad is None]
        for weight in missing:
            weight.grad = torch.zeros_like(weight)
        torch._foreach_zero_([weight.grad for weight in self.trained if weight.grad is not None])
