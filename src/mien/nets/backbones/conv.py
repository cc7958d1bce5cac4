"""Convolutions that are fast on a processor in bfloat16, whatever their shape."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.modules import SameConv2d, every


class Conv(nn.Conv2d):
    """A convolution, padded by half its kernel; one kernel a channel if `groups` is their number.

    In bfloat16 torch 2.13 takes up to a hundred times as long as it should for the gradients of some shapes
    (docs/decisions/0005-backbones.md). So while training under autocast a 1x1 convolution is a matrix product, one
    kernel a channel with a stride or of more than 3x3 pixels is computed in float32, and an image smaller than the
    kernel is first filled up with the zeros that padding would have added anyway. The numbers are the same but for
    rounding.
    x: float [N, C, H, W] -> float [N, out, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> None:
        super().__init__(channels, out, kernel, stride, padding=kernel // 2, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if kernel == 1 and stride > 1 and _trained(self, x):
            # As `PointwiseConv2d` does.
            x, stride = every(self.stride, x), 1
        if not _trained_in_bfloat16(self, x):
            return F.conv2d(x, self.weight, self.bias, stride, self.padding, groups=self.groups)
        if kernel == 1:
            return F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)
        if self.groups > 1 and (stride > 1 or kernel > 3):
            return _in_float32(super().forward, x)
        height, width = x.shape[2:]
        if min(height, width) >= kernel:
            return super().forward(x)
        y = super().forward(F.pad(x, (0, max(kernel - width, 0), 0, max(kernel - height, 0))))
        return y[:, :, : -(-height // stride), : -(-width // stride)]


class SameConv(SameConv2d):
    """A convolution padded as TensorFlow pads, without bias, as fast as Conv."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x."""
        if self.groups > 1 and _trained_in_bfloat16(self, x):
            return _in_float32(super().forward, x)
        return super().forward(x)


def _trained_in_bfloat16(convolution: nn.Conv2d, x: Tensor) -> bool:
    return _trained(convolution, x) and torch.is_autocast_enabled("cpu")


def _trained(convolution: nn.Conv2d, x: Tensor) -> bool:
    return torch.is_grad_enabled() and (convolution.weight.requires_grad or x.requires_grad)


def _in_float32(convolve: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        return convolve(x.float()).to(torch.bfloat16)
