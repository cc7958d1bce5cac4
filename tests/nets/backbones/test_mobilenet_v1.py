"""MobileNet on faces: its file, read; what it computes, beside the same written out otherwise."""

import pytest
import torch
from face_files import MOBILENET_STAGES, mobilenet_file
from torch import Tensor
from torch.nn import functional as F

from mien.nets.backbones.mobilenet_v1 import MobileNetV1, read


def convolved(x: Tensor, layer: dict[str, Tensor], stride: int) -> Tensor:
    """TensorFlow's "same": of an odd number of zeros the odd one lies at the bottom and on the right."""
    out, into, kernel, _ = layer["kernel"].shape
    missing = max((-(-x.shape[2] // stride) - 1) * stride + kernel - x.shape[2], 0)
    x = F.pad(x, (missing // 2, missing - missing // 2) * 2)
    y = F.conv2d(x, layer["kernel"], stride=stride, groups=out if into == 1 else 1)
    return (y * layer["scale"].view(-1, 1, 1) + layer["shift"].view(-1, 1, 1)).clamp(0, 6)


@pytest.mark.parametrize(("size", "side"), [(48, 2), (75, 3), (96, 3)])
def test_it_computes_what_was_published(size: int, side: int) -> None:
    content, layers = mobilenet_file()
    network = MobileNetV1()
    network.load_state_dict(read(content))
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = network.eval()(x)
        expected = convolved(x, layers[0], 2)
        for (_, stride), depthwise, pointwise in zip(MOBILENET_STAGES, layers[1::2], layers[2::2], strict=True):
            expected = convolved(convolved(expected, depthwise, stride), pointwise, 1)
    assert features.shape == (2, 1024, side, side)
    assert torch.allclose(features, expected, atol=1e-4)
    assert len(network.blocks()) == 14
