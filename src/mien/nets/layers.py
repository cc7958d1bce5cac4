"""The layers: one function a word, whose signature is the word's grammar.

Each takes the place where the layer stands and what the word says, and gives the torch module. Semantics and defaults
are Keras's (keras.layers) where Keras has the layer. `l1` and `l2` are the strengths of the penalty on the layer's
kernel: `l1` times the sum of |w| and `l2` times the sum of w squared are added to the loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from mien.nets.backbones.backbone import Backbone
from mien.nets.backbones.catalog import BACKBONES
from mien.nets.backbones.timm_models import facts_of
from mien.nets.grammar import Blocks, Padding, Rate, Side, Strength, Units
from mien.nets.modules import GlobalAverage, PointwiseConv2d, Residual, SameConv2d, batch_norm_of
from mien.nets.parsing import Mistake


@dataclass(frozen=True)
class Place:
    """Where a layer stands in a net.

    Attributes:
        shape: of what comes in from one face, channels first: (C, H, W), or (C,) once the values are flat.
        classes: how many classes the net distinguishes.
    """

    shape: tuple[int, ...]
    classes: int

    def image(self) -> tuple[int, int, int]:
        """C, H and W of an image; a Mistake where the values are flat."""
        if len(self.shape) != 3:
            raise Mistake(f"needs an image, but its input is flat: {list(self.shape)}")
        channels, height, width = self.shape
        return channels, height, width

    def flat(self) -> int:
        """C of flat values; a Mistake where they are an image."""
        if len(self.shape) != 1:
            raise Mistake(
                f"needs flat input, but its input is {list(self.shape)}; put flatten or global_average before"
            )
        return self.shape[0]

    def check_window(self, side: int) -> None:
        """A Mistake where the image is smaller than a window of side x side pixels."""
        if side > min(self.image()[1:]):
            raise Mistake(f"its window of {side}x{side} pixels is larger than its input {list(self.shape)}")


class Layer(NamedTuple):
    """A layer's module, and the strengths of the penalties on its kernels."""

    module: nn.Module
    l1: float = 0.0
    l2: float = 0.0


def conv(
    at: Place,
    filters: Units,
    kernel: Side = 3,
    stride: Side = 1,
    padding: Padding = "valid",
    l1: Strength = 0.0,
    l2: Strength = 0.0,
) -> Layer:
    """A convolution with bias (Conv2D)."""
    channels, _, _ = at.image()
    if padding == "valid":
        at.check_window(kernel)
    if kernel == 1 and stride > 1:  # nothing to pad
        return Layer(PointwiseConv2d(channels, filters, 1, stride), l1, l2)
    if padding == "valid":
        return Layer(nn.Conv2d(channels, filters, kernel, stride), l1, l2)
    if stride == 1 and kernel % 2:
        return Layer(nn.Conv2d(channels, filters, kernel, padding=kernel // 2), l1, l2)
    return Layer(SameConv2d(channels, filters, kernel, stride), l1, l2)


def pool(at: Place, size: Side = 2, stride: Side | None = None) -> Layer:
    """The largest value of each window of size x size pixels, `stride` apart, or `size` if None (MaxPooling2D)."""
    at.check_window(size)
    return Layer(nn.MaxPool2d(size, stride))


def average_pool(at: Place, size: Side = 2, stride: Side | None = None) -> Layer:
    """The mean of each window of size x size pixels, `stride` apart, or `size` if None (AveragePooling2D)."""
    at.check_window(size)
    return Layer(nn.AvgPool2d(size, stride))


def global_average(at: Place) -> Layer:
    """The mean of each channel over all pixels, which makes the values flat (GlobalAveragePooling2D)."""
    at.image()
    return Layer(GlobalAverage())


def residual(
    at: Place,
    filters: Units,
    stride: Side = 1,
    l1: Strength = 0.0,
    l2: Strength = 0.0,
    squeeze: Side | None = None,
) -> Layer:
    """Two normalised 3x3 convolutions and a shortcut around them, He et al. 2016; `squeeze` excites: Hu et al. 2018."""
    return Layer(Residual(at.image()[0], filters, stride, squeeze), l1, l2)


def mobilenet_v2(at: Place, thaw: Blocks = 0, size: Side | None = None) -> Layer:
    """MobileNetV2 as trained on ImageNet, its last `thaw` blocks to be trained on, on faces made `size` pixels wide."""
    return _backbone(at, "mobilenet_v2", thaw, size)


def efficientnet_lite0(at: Place, thaw: Blocks = 0, size: Side | None = None) -> Layer:
    """EfficientNet-Lite0, in the same way."""
    return _backbone(at, "efficientnet_lite0", thaw, size)


def resnet50(at: Place, thaw: Blocks = 0, size: Side | None = None) -> Layer:
    """ResNet-50, in the same way."""
    return _backbone(at, "resnet50", thaw, size)


def dlib_face_resnet(at: Place, thaw: Blocks = 0, size: Side | None = None) -> Layer:
    """Dlib's face recognition ResNet without its last block, trained on 3 million faces, in the same way."""
    return _backbone(at, "dlib_face_resnet", thaw, size)


def mobilenet_vggface2(at: Place, thaw: Blocks = 0, size: Side | None = None) -> Layer:
    """MobileNet as trained on VGGFace2's faces, in the same way."""
    return _backbone(at, "mobilenet_vggface2", thaw, size)


def timm(at: Place, name: str, thaw: Blocks = 0, size: Side | None = None) -> Layer:
    """A pretrained model of timm, named with its tag, in the same way; blocks are the stages of its `feature_info`."""
    at.image()
    return _seeing(at, Backbone(facts_of(name), thaw, size))


def _backbone(at: Place, name: str, thaw: int, size: int | None) -> Layer:
    at.image()
    return _seeing(at, Backbone(BACKBONES[name], thaw, size))


def _seeing(at: Place, backbone: Backbone) -> Layer:
    try:
        backbone(torch.empty(2, *at.shape))
    except (AssertionError, RuntimeError, ValueError) as error:
        side, reason = backbone.size or at.shape[-1], " ".join(str(error).split())
        remedy = f"set its size; it was trained at size={backbone.facts.size}"
        raise Mistake(f"it cannot take {side}x{side} pixels ({reason}); {remedy}") from None
    return Layer(backbone)


def flatten(at: Place) -> Layer:
    """All values of an image in one row, channel by channel (Flatten)."""
    return Layer(nn.Flatten())


def dense(at: Place, units: Units, l1: Strength = 0.0, l2: Strength = 0.0) -> Layer:
    """A fully connected layer with bias (Dense)."""
    return Layer(nn.Linear(at.flat(), units), l1, l2)


def classes(at: Place, l1: Strength = 0.0, l2: Strength = 0.0) -> Layer:
    """The last layer: dense with a unit a class. It gives logits; the softmax is taken with the loss."""
    return Layer(nn.Linear(at.flat(), at.classes), l1, l2)


def dropout(at: Place, rate: Rate) -> Layer:
    """While training, each value is 0 with probability `rate` and else divided by 1 - rate (Dropout)."""
    return Layer(nn.Dropout(rate))


def batch_norm(at: Place) -> Layer:
    """Batch normalisation a channel, momentum 0.99 and epsilon 1e-3 (BatchNormalization)."""
    return Layer(batch_norm_of(nn.BatchNorm2d if len(at.shape) == 3 else nn.BatchNorm1d, at.shape[0]))


def relu(at: Place) -> Layer:
    """The positive part: max(x, 0)."""
    return Layer(nn.ReLU())


def elu(at: Place) -> Layer:
    """The positive part of x, and exp(x) - 1 where x is negative (alpha 1)."""
    return Layer(nn.ELU())


def gelu(at: Place) -> Layer:
    """The product of x and the standard normal distribution function of x, not approximated."""
    return Layer(nn.GELU())


def silu(at: Place) -> Layer:
    """The product of x and sigmoid(x)."""
    return Layer(nn.SiLU())


def sigmoid(at: Place) -> Layer:
    """The logistic function: 1 / (1 + exp(-x))."""
    return Layer(nn.Sigmoid())


def tanh(at: Place) -> Layer:
    """The hyperbolic tangent of x."""
    return Layer(nn.Tanh())


WORDS: dict[str, Callable[..., Layer]] = {
    layer.__name__: layer
    for layer in (
        *(conv, pool, average_pool, global_average, residual),
        *(mobilenet_v2, efficientnet_lite0, resnet50, dlib_face_resnet, mobilenet_vggface2, timm),
        *(flatten, dense, classes, dropout, batch_norm),
        *(relu, elu, gelu, silu, sigmoid, tanh),
    )
}
"""Every layer word, and the function that makes its layer."""
