"""dlib's face network: its file, read; what it computes, beside the same written out otherwise."""

import pytest
import torch
from face_files import DLIB_STAGES, dlib_file
from torch import Tensor
from torch.nn import functional as F

from mien.nets import Net, check
from mien.nets.backbones.dlib_face_resnet import DlibFaceResNet, read


def loaded() -> tuple[DlibFaceResNet, list[dict[str, Tensor]]]:
    content, layers = dlib_file()
    network = DlibFaceResNet()
    network.load_state_dict(read(content))
    return network.eval(), layers


def convolved(x: Tensor, layer: dict[str, Tensor], stride: int, padding: int) -> Tensor:
    y = F.conv2d(x, layer["kernel"], layer["bias"], stride, padding)
    return y * layer["scale"].view(-1, 1, 1) + layer["shift"].view(-1, 1, 1)


def reference(x: Tensor, layers: list[dict[str, Tensor]]) -> Tensor:
    """As dlib defines it: where two maps are added, both are laid at the top left of zeros as large as the larger."""
    rest = iter(layers)
    x = F.max_pool2d(convolved(x, next(rest), 2, 0).relu(), 3, 2)
    for stage, (channels, count) in enumerate(DLIB_STAGES):
        for at in range(count):
            down = stage > 0 and at == 0
            y = convolved(x, next(rest), 2 if down else 1, 0 if down else 1).relu()
            y = convolved(y, next(rest), 1, 1)
            x = F.avg_pool2d(x, 2) if down else x
            summed = torch.zeros(len(x), channels, max(x.shape[2], y.shape[2]), max(x.shape[3], y.shape[3]))
            summed[:, : x.shape[1], : x.shape[2], : x.shape[3]] += x
            summed[:, :, : y.shape[2], : y.shape[3]] += y
            x = summed.relu()
    return x


@pytest.mark.parametrize(("size", "side"), [(72, 2), (96, 2), (112, 3), (150, 4)])
def test_it_computes_what_dlib_does(size: int, side: int) -> None:
    network, layers = loaded()
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features, expected = network(x), reference(x, layers)
    assert features.shape == (2, 256, side, side)
    assert torch.allclose(features, expected, atol=1e-4 * float(expected.abs().max()))


def test_it_has_27_convolutions_in_14_blocks() -> None:
    network, layers = loaded()
    assert len(layers) == 27
    assert sum(isinstance(module, torch.nn.Conv2d) for module in network.modules()) == 27
    assert len(network.blocks()) == 14


def test_faces_that_are_too_small_for_it_are_refused_with_their_size() -> None:
    (problem,) = check(Net("n", ("dlib_face_resnet", "classes")))
    assert problem.startswith("nets.n.layers[0]: dlib_face_resnet: it cannot take 48x48 pixels (")
    assert problem.endswith("; set its size; it was trained at size=150")
    assert not check(Net("n", ("dlib_face_resnet(size=96)", "classes")))
