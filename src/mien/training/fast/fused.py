"""Fused: a net's forward pass for autograd, its convolutions, batch norms and residual blocks by mien's own.

The same layers as the model's own, on the same weights; what is not known here is left to the module itself
(docs/decisions/0003-fast-step.md).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.modules import Residual, SameConv2d
from mien.training.fast import kernels
from mien.training.fast.functions import Convolve
from mien.training.fast.normalisation import Normalise
from mien.training.fast.threads import single_core_threads


class SpreadMaxPool2x2(torch.autograd.Function):
    """The largest value of each 2x2 window, x: [N, C, H, W]; each core takes its share of the faces."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cores: ThreadPoolExecutor) -> Tensor:
        """The pooled batch, channels last."""
        shares = x.contiguous(memory_format=torch.channels_last).chunk(torch.get_num_threads())
        pooled = list(cores.map(lambda share: kernels.pool(share, with_relu=False), shares))
        ctx.settings = [winner for _, winner in pooled], [share.shape for share in shares], cores
        return torch.cat([y for y, _ in pooled])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of x."""
        winners, shapes, cores = ctx.settings
        shares = gradients[0].contiguous(memory_format=torch.channels_last).chunk(len(winners))
        return torch.cat(list(cores.map(kernels.pool_backward, shares, winners, shapes))), None


class Fused:
    """A model's forward pass, in float32 or under bfloat16 autocast.

    x: float32 [N, 1, H, W] channels last -> logits [N, K].
    """

    def __init__(self, model: nn.Sequential, dtype: torch.dtype) -> None:
        self.model, self.dtype = model, dtype
        self.cores = single_core_threads(torch.get_num_threads())

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the model to x."""
        for module, relu in _with_relu(self.model):
            match module:
                case Residual():
                    x = self._residual(module, x)
                case nn.BatchNorm2d():
                    x = self._normalise(module, x, relu)
                case nn.Conv2d():
                    x = self._convolve(module, x)
                case nn.MaxPool2d(kernel_size=2, stride=None | 2):
                    x = self._pool(x)
                case _:
                    x = module(x)
        return x

    def close(self) -> None:
        """Shut down the thread pool."""
        self.cores.shutdown()

    def _pool(self, x: Tensor) -> Tensor:
        y: Tensor = SpreadMaxPool2x2.apply(x.to(self.dtype), self.cores)  # type: ignore[no-untyped-call]
        return y

    def _residual(self, block: Residual, x: Tensor) -> Tensor:
        shortcut = x
        if isinstance(block.shortcut, nn.Sequential):
            projection, norm = block.shortcut
            shortcut = self._normalise(norm, self._convolve(projection, x), relu=False)
        y = self._normalise(block.norm_1, self._convolve(block.conv_1, x), relu=True)
        y = self._convolve(block.conv_2, y)
        if block.excite is None:
            return self._normalise(block.norm_2, y, relu=True, shortcut=shortcut)
        excited: Tensor = block.excite(self._normalise(block.norm_2, y, relu=False))
        return F.relu(excited + shortcut)

    def _normalise(self, norm: nn.Module, x: Tensor, relu: bool, shortcut: Tensor | None = None) -> Tensor:
        if not norm.training:
            normalised = norm(x) if shortcut is None else norm(x) + shortcut
            return F.relu(normalised, inplace=True) if relu else normalised
        beside = None if shortcut is None else shortcut.to(self.dtype)
        y: Tensor = Normalise.apply(x.to(self.dtype), beside, norm.weight, norm.bias, norm, relu, self.cores)  # type: ignore[no-untyped-call]
        return y

    def _convolve(self, conv: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(conv, nn.Conv2d)
        padding = list(map(int, conv.padding))
        if isinstance(conv, SameConv2d):
            x, padding = F.pad(x, conv.margins(x.shape[2], x.shape[3])), [0, 0]
        x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
        bias = None if conv.bias is None else conv.bias.to(self.dtype)
        settings = list(conv.stride), padding, self.cores
        y: Tensor = Convolve.apply(x, conv.weight.to(self.dtype), bias, *settings)  # type: ignore[no-untyped-call]
        return y


def _with_relu(model: nn.Sequential) -> Iterator[tuple[nn.Module, bool]]:
    """The modules, and whether a relu is to be applied with it: one behind a batch norm is left out."""
    modules = list(model)
    for before, module, behind in zip([None, *modules], modules, [*modules[1:], None], strict=False):
        if not (isinstance(module, nn.ReLU) and isinstance(before, nn.BatchNorm2d)):
            yield module, isinstance(behind, nn.ReLU)
