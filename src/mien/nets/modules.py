"""The modules that torch does not have."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SameConv2d(nn.Conv2d):
    """A convolution padded with zeros as TensorFlow's "same" pads, whatever its stride and kernel.

    An output side is ceil(side / stride). Where an odd number of rows or columns is missing, the odd one is added at
    the bottom or right. x: float [N, C, H, W] -> float [N, out_channels, ceil(H / stride), ceil(W / stride)].
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x."""
        padded = F.pad(x, self.margins(x.shape[2], x.shape[3]))
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)

    def margins(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The zeros to add to an image of so many pixels: left, right, top, bottom."""
        missing = [
            max((-(-side // stride) - 1) * stride + kernel - side, 0)
            for side, kernel, stride in zip((width, height), self.kernel_size[::-1], self.stride[::-1], strict=True)
        ]
        left, top = missing[0] // 2, missing[1] // 2
        return left, missing[0] - left, top, missing[1] - top


class PointwiseConv2d(nn.Conv2d):
    """A 1x1 convolution whose stride is larger than 1, trained on the pixels that it sees.

    oneDNN writes beyond its memory in the gradient of such a kernel, where the channels that come in fill no vector of
    the processor (uxlfoundation/oneDNN#6035): the gradient is wrong, or the process hangs or aborts. Without the stride
    it is right, and as fast.
    x: float [N, C, H, W] -> float [N, out_channels, ceil(H / stride), ceil(W / stride)].
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x."""
        if not (torch.is_grad_enabled() and self.weight.requires_grad):
            return super().forward(x)
        return F.conv2d(every(self.stride, x), self.weight, self.bias)


def every(stride: Sequence[int], x: Tensor) -> Tensor:
    """Every `stride`-th pixel of x [N, C, H, W], down and across, in new memory that is laid out as x is."""
    layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    return x[:, :, :: stride[0], :: stride[1]].contiguous(memory_format=layout)


class Residual(nn.Module):
    """The basic block of "Deep Residual Learning for Image Recognition" (He et al. 2016, arXiv 1512.03385).

    Two 3x3 convolutions without bias, each batch-normalised; relu between them and after the sum with the shortcut:
    the input itself or, where the shape changes, a normalised 1x1 convolution of it. With `squeeze` the branch is
    excited before the sum.
    x: float [N, channels, H, W] -> float [N, filters, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(self, channels: int, filters: int, stride: int, squeeze: int | None = None) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
        self.norm_1 = batch_norm_of(nn.BatchNorm2d, filters)
        self.conv_2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm_2 = batch_norm_of(nn.BatchNorm2d, filters)
        self.excite = None if squeeze is None else SqueezeExcite(filters, squeeze)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != filters:
            pointwise = PointwiseConv2d if stride > 1 else nn.Conv2d
            projection = pointwise(channels, filters, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, batch_norm_of(nn.BatchNorm2d, filters))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x."""
        y = F.relu(self.norm_1(self.conv_1(x)))
        branch = self.norm_2(self.conv_2(y))
        if self.excite is not None:
            branch = self.excite(branch)
        return F.relu(branch + self.shortcut(x))


class SqueezeExcite(nn.Module):
    """Each channel times a number between 0 and 1, by what the means of all channels say: Hu et al. 2018.

    "Squeeze-and-Excitation Networks", arXiv 1709.01507: two dense layers, relu between them, a sigmoid behind.
    x: float [N, channels, H, W] -> the same shape.

    Args:
        channels: of the image.
        reduction: the paper's r, how many times fewer values stand between the two layers; at least one does.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(channels // reduction, 1))
        self.excite = nn.Linear(self.squeeze.out_features, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Excite x."""
        gates = torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        return x * gates[:, :, None, None]


class GlobalAverage(nn.Module):
    """The mean of each channel over its pixels. x: float [N, C, H, W] -> float [N, C]."""

    def forward(self, x: Tensor) -> Tensor:
        """Average x."""
        return x.mean((2, 3))


def batch_norm_of(kind: type[nn.BatchNorm1d] | type[nn.BatchNorm2d], channels: int) -> nn.Module:
    """Batch normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167) with Keras's defaults: momentum 0.99, epsilon 1e-3.

    What Keras calls momentum is the share of the old running mean that is kept; torch's is the share of the new.
    """
    return kind(channels, eps=1e-3, momentum=0.01)
