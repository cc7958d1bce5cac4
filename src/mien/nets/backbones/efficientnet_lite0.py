"""EfficientNet-Lite0: EfficientNet-B0 (Tan & Le 2019, arXiv 1905.11946) for small devices.

Without squeeze-and-excitation, and with relu6 in place of swish, as TensorFlow's authors published it. Its weights bear
the names of their conversion to torch (`_blocks.1._expand_conv.weight`). Padding is TensorFlow's "same". The random
dropping of whole blocks that it was trained with is left out.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.backbones.conv import Conv, SameConv
from mien.nets.modules import batch_norm_of

_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""The paper's table 1: how many blocks, kernel, stride of the first of them, expansion, channels."""


class EfficientNetLite0(nn.Module):
    """The convolutions of EfficientNet-Lite0: float [N, 3, H, W] -> float [N, 1280, ceil(H / 32), ceil(W / 32)]."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _conv(3, 32, 3, stride=2)
        self._bn0 = batch_norm_of(nn.BatchNorm2d, 32)
        blocks, channels = [], 32
        for count, kernel, stride, expansion, out in _STAGES:
            for at in range(count):
                blocks.append(MBConv(channels, out, kernel, stride if at == 0 else 1, expansion))
                channels = out
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = _conv(channels, 1280, 1)
        self._bn1 = batch_norm_of(nn.BatchNorm2d, 1280)

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        x = self._blocks(_relu6(self._bn0(self._conv_stem(x))))
        return _relu6(self._bn1(self._conv_head(x)))

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The 18 parts that can be thawed, from the image on: the stem, 16 blocks, the last convolution."""
        return [(self._conv_stem, self._bn0), *((block,) for block in self._blocks), (self._conv_head, self._bn1)]


class MBConv(nn.Module):
    """MobileNetV2's inverted residual under the names of EfficientNet.

    x: float [N, C, H, W] -> float [N, out, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.widens = expansion != 1
        if self.widens:
            self._expand_conv = _conv(channels, wide, 1)
            self._bn0 = batch_norm_of(nn.BatchNorm2d, wide)
        self._depthwise_conv = _conv(wide, wide, kernel, stride, groups=wide)
        self._bn1 = batch_norm_of(nn.BatchNorm2d, wide)
        self._project_conv = _conv(wide, out, 1)
        self._bn2 = batch_norm_of(nn.BatchNorm2d, out)
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x."""
        wide = _relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        wide = _relu6(self._bn1(self._depthwise_conv(wide)))
        y: Tensor = self._bn2(self._project_conv(wide))
        return x + y if self.shortcut else y


def _conv(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return SameConv(channels, out, kernel, stride, groups) if stride > 1 else Conv(channels, out, kernel, 1, groups)


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x, inplace=True)
