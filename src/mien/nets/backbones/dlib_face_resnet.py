"""dlib's face recognition network: a ResNet of 27 convolutions that has learnt who people are, not what they feel.

Davis King 2017, "High Quality Face Recognition with Deep Metric Learning", blog.dlib.net: `anet_type` of dlib's
`dnn_face_recognition_ex.cpp`, trained on some 3 million faces of 7,485 people at 150 pixels. Its last block and the 128
values behind it are left out: of faces of 96 pixels nothing would be left for it to see.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.backbones.conv import Conv
from mien.nets.backbones.restored import RestoredBatchNorm2d, convolutions

_STAGES = ((32, 3, 1), (64, 4, 2), (128, 3, 2), (256, 3, 2))
"""Channels, how many blocks, stride of the first of them."""


class DlibFaceResNet(nn.Module):
    """The convolutions of dlib's network: float [N, 3, H, W] -> float [N, 256, h, w], at 96 pixels 2x2 of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Valid(3, 32, 7, 2)
        self.stem_norm = RestoredBatchNorm2d(32)
        blocks = []
        channels = 32
        for out, count, stride in _STAGES:
            for at in range(count):
                blocks.append(Block(channels, out, stride if at == 0 else 1))
                channels = out
        self.layers = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        x = F.relu(self.stem_norm(self.stem(x)), inplace=True)
        x = F.max_pool2d(x, 3, stride=2)
        for block in self.layers:
            x = block(x)
        return x

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The 14 parts that can be thawed, from the image on: the stem, 13 residual blocks."""
        return [(self.stem, self.stem_norm), *((block,) for block in self.layers)]


class Block(nn.Module):
    """Two normalised 3x3 convolutions, and the input added; with a stride, its mean over 2x2 pixels.

    dlib pads the smaller of the two with zeros, at the bottom, on the right and in the channels that only one has.
    x: float [N, C, H, W] -> float [N, out, H, W]; with a stride of 2, [N, out, H // 2, W // 2].
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Conv(channels, out, 3) if stride == 1 else _Valid(channels, out, 3, stride)
        self.bn1 = RestoredBatchNorm2d(out)
        self.conv2, self.bn2 = Conv(out, out, 3), RestoredBatchNorm2d(out)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to x."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.stride == 1:
            return F.relu(x + y, inplace=True)
        x = F.avg_pool2d(x, 2)
        height, width = max(x.shape[2], y.shape[2]), max(x.shape[3], y.shape[3])
        return F.relu(_filled(x, y.shape[1], height, width) + _filled(y, y.shape[1], height, width), inplace=True)


class _Valid(Conv):
    """A convolution that is not padded."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int) -> None:
        super().__init__(channels, out, kernel, stride)
        self.padding = (0, 0)


def _filled(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    missing = (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1])
    return F.pad(x, missing) if any(missing) else x


def read(content: bytes) -> dict[str, Tensor]:
    """The weights of dlib's `dlib_face_recognition_resnet_model_v1.dat`, under this module's names.

    dlib writes a network layer by layer, from the image on, each as its name, a few numbers and its values as float32.
    Its `affine_` layers are batch normalisations whose statistics are folded into scale and shift.

    Args:
        content: of the file, already checked by its hash.
    """
    weights: dict[str, Tensor] = {}
    at = 0
    for conv, convolution, norm, normalisation in convolutions(DlibFaceResNet()):
        shape, out = convolution.weight.shape, convolution.out_channels
        values, at = _values(content, content.index(b"con_", at), shape.numel() + out)
        affine, at = _values(content, content.index(b"affine_", at), 2 * out)
        scale, shift, bias = affine[:out], affine[out:], values[-out:]
        weights[f"{conv}.weight"] = values[:-out].reshape(shape)
        weights |= normalisation.folded(norm, scale, shift + scale * bias)
    return weights


def _values(content: bytes, at: int, count: int) -> tuple[Tensor, int]:
    """The float32 values of the layer whose name begins at `at`, and where they end.

    Between both stand integers, each as the number of its bytes and these: a version, and four sides, of which the
    first is `count`.
    """
    side = count.to_bytes((count.bit_length() + 7) // 8, "little")
    header = bytes((1, 2, len(side))) + side + b"\x01\x01" * 3
    start = content.index(header, at) + len(header)
    end = start + 4 * count
    return torch.frombuffer(bytearray(content[start:end]), dtype=torch.float32), end
