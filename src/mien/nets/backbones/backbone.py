"""Backbone: a network trained on ImageNet or on faces as a layer, from a gray face to flat features."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Protocol, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import UserError
from mien.nets.backbones import weight_cache
from mien.nets.backbones.catalog import TIMM, BackboneFacts
from mien.nets.backbones.conv import Conv
from mien.nets.backbones.dlib_face_resnet import DlibFaceResNet
from mien.nets.backbones.efficientnet_lite0 import EfficientNetLite0
from mien.nets.backbones.mobilenet_v1 import MobileNetV1
from mien.nets.backbones.mobilenet_v2 import MobileNetV2
from mien.nets.backbones.resnet50 import ResNet50
from mien.nets.backbones.restored import RestoredBatchNorm2d
from mien.nets.backbones.timm_network import skeleton
from mien.nets.backbones.weights import find, load
from mien.nets.parsing import Mistake


class Network(Protocol):
    """A network in parts, from the image on."""

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The parts that can be thawed."""


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mobilenet_v2": MobileNetV2,
    "efficientnet_lite0": EfficientNetLite0,
    "resnet50": ResNet50,
    "dlib_face_resnet": DlibFaceResNet,
    "mobilenet_vggface2": MobileNetV1,
}
"""What makes the network of each backbone but timm's."""


class Backbone(nn.Module):
    """Sees a face as its network saw ImageNet's pictures, and gives each feature's mean over the pixels.

    The gray face is made `size` pixels wide (bilinear, smoothed where that is smaller), repeated to three channels and
    normalised by the network's own mean and standard deviation. All but the last `thaw` blocks are frozen: their
    weights take no gradient, and their batch normalisation keeps to the running mean and variance.
    x: float [N, 1, H, W] in -0.5..0.5 -> float [N, features].

    Attributes:
        facts: of the network and its weights.
        thaw: how many of its last blocks are trained.

    Raises:
        Mistake: it has fewer blocks than `thaw`.
    """

    def __init__(self, facts: BackboneFacts, thaw: int, size: int | None) -> None:
        super().__init__()
        self.facts, self.thaw, self.size = facts, thaw, size
        make = NETWORKS.get(facts.name)
        self.network = make() if make else deepcopy(skeleton(facts.name.removeprefix(TIMM)))
        blocks = cast(Network, self.network).blocks()
        if thaw > len(blocks):
            raise Mistake(f"thaw = {thaw}, but it has {len(blocks)} blocks: 0 thaws none of them, {len(blocks)} all")
        self.mean: Tensor
        self.std: Tensor
        for name, values in (("mean", facts.mean), ("std", facts.std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        for parameter in (parameter for block in self.thawed() for parameter in block):
            parameter.requires_grad_()

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        if self.size and x.shape[-1] != self.size:
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=self.size < x.shape[-1])
        colours = ((x + 0.5) - self.mean) / self.std
        features: Tensor = self.network(colours.contiguous(memory_format=torch.channels_last))
        return features.mean((2, 3))

    def train(self, mode: bool = True) -> Self:
        """Train the thawed blocks; the frozen ones stay as they are."""
        super().train(mode)
        blocks = cast(Network, self.network).blocks()
        for module in (module for block in blocks[: len(blocks) - self.thaw] for module in block):
            module.eval()
        return self

    def reset_constants(self) -> None:
        """Set what no file of weights holds: the mean and deviation of the network's pictures."""
        for constant, values in ((self.mean, self.facts.mean), (self.std, self.facts.std)):
            constant.copy_(torch.tensor(values).view(1, 3, 1, 1))

    def load_published(self) -> None:
        """Take the published weights, all of them and no others; convolutions without a published bias get zeros.

        Raises:
            UserError: the weights are not here, their file is not what was published, or timm has changed the network.
        """
        published = {name: tensor for name, tensor in load(self.facts).items() if name not in self.facts.top}
        zeros = {
            f"{name}.bias": torch.zeros_like(module.bias)
            for name, module in self.network.named_modules()
            if isinstance(module, Conv) and module.bias is not None
        }
        try:
            self.network.load_state_dict(zeros | published)
        except RuntimeError:
            raise UserError(
                f"{find(self.facts)}: does not fit {self.facts.name}; remove it, and get it again"
            ) from None

    @torch.no_grad()
    def fit_normalisation(self, x: Tensor) -> None:
        """Give the thawed batch normalisations that were published as scale and shift the statistics of faces.

        What it gives for a face in evaluation stays the same, but for rounding; without them, the first training steps
        would undo what was learnt. x: float [N, 1, H, W] in -0.5..0.5.
        """
        blocks = cast(Network, self.network).blocks()[-self.thaw :] if self.thaw else []
        norms = [norm for block in blocks for part in block for norm in part.modules()]
        hooks = [
            norm.register_forward_pre_hook(lambda norm, inputs: norm.fit(inputs[0]))
            for norm in norms
            if isinstance(norm, RestoredBatchNorm2d)
        ]
        training = self.training
        try:
            if hooks:
                self.eval()(x)
        finally:
            self.train(training)
            for hook in hooks:
                hook.remove()

    @property
    def fingerprint(self) -> str:
        """Identifies its frozen weights: the SHA-256 of their file, or of the weights themselves for models of timm."""
        return self.facts.sha256 if self.facts.name in NETWORKS else weight_cache.digest(self.network.state_dict())

    def thawed(self) -> list[list[nn.Parameter]]:
        """What is trained of each thawed block, the last block first."""
        blocks = cast(Network, self.network).blocks()
        return [_trained(block) for block in blocks[: -self.thaw - 1 : -1]]


def _trained(block: Sequence[nn.Module]) -> list[nn.Parameter]:
    """A block's weights, but for biases that batch normalisation cancels."""
    return [
        parameter
        for part in block
        for module in part.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if not (isinstance(module, Conv) and name == "bias")
    ]
