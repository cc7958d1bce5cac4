"""Gradients of a batch: the interface of a training step, and the way of any model on any device.

Master weights are float32; a step computes in float32, bfloat16 or float16. Dropout is drawn from a key, so that a step
depends on nothing but its own number and the seed. Nothing here waits for the device.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.backbones.backbone import Backbone
from mien.training.losses import CPU, Loss

Scale = Callable[[Tensor], Tensor]
"""Multiplies a loss before it is differentiated, as float16 needs; see torch.amp.GradScaler."""


class BatchResult(NamedTuple):
    """The outcome of a batch's forward pass; both are scalars on the device, so that nobody has to wait for them.

    Attributes:
        loss: the loss of the batch, float32.
        correct: how many faces were given their own emotion, the most probable of their targets, int64.
    """

    loss: Tensor
    correct: Tensor


class Gradients(Protocol):
    """A net that can be differentiated."""

    def batch(self, x: Tensor, targets: Tensor, key: int) -> BatchResult:
        """Forward and backward, training: leaves the gradient of the loss in each parameter's `grad`.

        x: float32 [N, 1, H, W], may be overwritten; targets: int64 [N] or float32 [N, K]; key: what dropout is drawn
        from, 0 or more.
        """

    def logits(self, x: Tensor) -> Tensor:
        """The net's logits of x, without dropout: float32 [N, 1, H, W] -> float32 [N, K]."""

    def close(self) -> None:
        """Shut down the thread pool."""


class Whole:
    """Any model, a batch at once, channels last, under autocast.

    Args:
        model: on the device.
        dtype: float32, bfloat16 or float16.
        loss: what is minimised.
        device: that computes.
        scale: of the loss, where it is float16.
    """

    def __init__(
        self,
        model: nn.Sequential,
        dtype: torch.dtype,
        loss: Loss = F.cross_entropy,
        device: torch.device = CPU,
        scale: Scale | None = None,
    ) -> None:
        self.loss, self.scale = loss, scale
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.cast: AbstractContextManager[object] = nullcontext()
        if dtype != torch.float32:
            self.cast = torch.autocast(device.type, dtype)

    def batch(self, x: Tensor, targets: Tensor, key: int) -> BatchResult:
        """See Gradients."""
        torch.manual_seed(seed_of(key, 0))
        self.prepare(len(x))
        self.model.zero_grad()
        return self.differentiate(x, targets)

    def prepare(self, faces: int) -> None:
        """Set the model to training on so many faces."""
        self.model.train()
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm1d | Backbone):
                module.train(faces > 1)  # one face has no spread: the running mean and variance stand in

    def differentiate(self, x: Tensor, targets: Tensor) -> BatchResult:
        """Add the gradient of the loss to each parameter's `grad`; the forward and backward pass alone."""
        with self.cast:
            y = self.forward(x.contiguous(memory_format=torch.channels_last))
        loss = self.loss(y.float(), targets)
        (self.scale(loss) if self.scale else loss).backward()  # type: ignore[no-untyped-call]
        return BatchResult(loss.detach(), count_correct(y, targets))

    def forward(self, x: Tensor) -> Tensor:
        """The model's logits while training."""
        y: Tensor = self.model(x)
        return y

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """See Gradients."""
        self.model.eval()
        with self.cast:
            parts = torch.split(x.contiguous(memory_format=torch.channels_last), 256)
            return torch.cat([self.model(part) for part in parts]).float()

    def close(self) -> None:
        """See Gradients."""


def count_correct(y: Tensor, targets: Tensor) -> Tensor:
    """How many logits y [N, K] are highest where the targets, int64 [N] or shares [N, K], are: int64 scalar."""
    labels = targets.argmax(1) if targets.is_floating_point() else targets
    return (y.detach().argmax(1) == labels).sum()


def seed_of(key: int, part: int) -> int:
    """32 bits that depend on all of a key, whatever its size: torch's generator looks at no more of its seed."""
    return int(np.random.SeedSequence((part, key)).generate_state(1)[0])
