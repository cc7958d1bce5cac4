"""MobileNetV2: "Inverted Residuals and Linear Bottlenecks" (Sandler et al. 2018, arXiv 1801.04381).

Its weights bear torchvision's names (`features.1.conv.0.0.weight`), so that the published file fits them.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mien.nets.backbones.conv import Conv

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""The paper's table 2: expansion, channels, how many blocks, stride of the first of them."""


class MobileNetV2(nn.Module):
    """The convolutions of MobileNetV2: float [N, 3, H, W] -> float [N, 1280, ceil(H / 32), ceil(W / 32)]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, 32, 3, stride=2)]
        channels = 32
        for expansion, out, count, stride in _STAGES:
            for at in range(count):
                layers.append(InvertedResidual(channels, out, stride if at == 0 else 1, expansion))
                channels = out
        self.features = nn.Sequential(*layers, _conv(channels, 1280, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        features: Tensor = self.features(x)
        return features

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The 19 parts that can be thawed, from the image on: the stem, 17 inverted residuals, the last convolution."""
        return [(block,) for block in self.features]


class InvertedResidual(nn.Module):
    """Widen by a 1x1 convolution, filter each channel by itself, narrow by a 1x1 convolution without activation.

    Where the shape stays, the input is added. x: float [N, C, H, W] -> float [N, out, ceil(H / stride), ...].
    """

    def __init__(self, channels: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        widen = [_conv(channels, wide, 1)] if expansion != 1 else []
        self.conv = nn.Sequential(
            *widen,
            _conv(wide, wide, 3, stride, groups=wide),
            Conv(wide, out, 1),
            nn.BatchNorm2d(out),
        )
        self.shortcut = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x."""
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


def _conv(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        Conv(channels, out, kernel, stride, groups),
        nn.BatchNorm2d(out),
        nn.ReLU6(inplace=True),
    )
