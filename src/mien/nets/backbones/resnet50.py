"""ResNet-50: "Deep Residual Learning for Image Recognition" (He et al. 2016, arXiv 1512.03385).

Its weights bear torchvision's names (`layer1.0.conv1.weight`); as there, a block's stride is in its 3x3 convolution.
Its convolutions have biases, as Keras's ResNet50 has them, so that it counts 23,587,712 parameters; the published file
has none, so they are 0. Before a batch normalisation a bias changes nothing, so they are never trained.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.backbones.conv import Conv

_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""The paper's table 1: channels of the 3x3 convolutions, how many blocks, stride of the first of them."""

_WIDER = 4
"""How many times as many channels a block gives as its 3x3 convolution has."""


class ResNet50(nn.Module):
    """The convolutions of ResNet-50: float [N, 3, H, W] -> float [N, 2048, ceil(H / 32), ceil(W / 32)]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv(3, 64, 7, stride=2)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for number, (width, count, stride) in enumerate(_STAGES, start=1):
            blocks = []
            for at in range(count):
                blocks.append(Bottleneck(channels, width, stride if at == 0 else 1))
                channels = width * _WIDER
            self.add_module(f"layer{number}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        for block in self._bottlenecks():
            x = block(x)
        return x

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The 17 parts that can be thawed, from the image on: the stem, 16 bottlenecks."""
        return [(self.conv1, self.bn1), *((block,) for block in self._bottlenecks())]

    def _bottlenecks(self) -> list[nn.Module]:
        return [
            block for number in range(1, len(_STAGES) + 1) for block in self.get_submodule(f"layer{number}").children()
        ]


class Bottleneck(nn.Module):
    """Narrow by a 1x1 convolution, filter by a 3x3 one, widen by a 1x1 one, and add the input.

    Where the shape changes, a 1x1 convolution of the input is added instead.
    x: float [N, C, H, W] -> float [N, 4 * width, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * _WIDER
        self.conv1, self.bn1 = _conv(channels, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, out, 1), nn.BatchNorm2d(out)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(_conv(channels, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x), inplace=True)


def _conv(channels: int, out: int, kernel: int, stride: int = 1) -> Conv:
    return Conv(channels, out, kernel, stride, bias=True)
