"""Chain: a plain net as layers whose gradients are written out by hand.

torch's autograd gives the same numbers; by hand a step is faster (docs/decisions/0003-fast-step.md), because layers can
do what autograd cannot know to be safe: overwrite what nobody needs any more, drop a convolution's output once it is
pooled, pool before a monotone activation instead of after it (the same numbers, a quarter of the work), and leave out
the gradient of the image. Nets with other layers than these go through autograd (gradients.py).

Throughout, `x` and `y` are a layer's input and output, `[N, C, H, W]` channels last in memory or `[N, C]`, and all
numbers have the precision of the weights: bfloat16 or float32.
"""

from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.modules import SameConv2d
from mien.training.fast import kernels
from mien.training.fast.convolution import image_gradient, kernel_gradients

Saved = Any
"""What a layer's backward needs of its forward; only that layer looks inside."""

aten = torch.ops.aten


class Layer(Protocol):
    """One layer. Its weights are given to both directions, in the order of its module's parameters."""

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        """y, and what to save. x may be overwritten. Without dice the net is not training."""

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        """From the gradient of y, which may be overwritten, to the gradients of x and of the weights."""


class Conv:
    """A convolution with bias. The first of a net needs no gradient of its input."""

    def __init__(self, module: nn.Conv2d, first: bool) -> None:
        self.first, self.stride = first, list(module.stride)
        self.padding = [0, 0] if isinstance(module, SameConv2d) else list(map(int, module.padding))

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        kernel, bias = weights
        return F.conv2d(x, kernel, bias, self.stride, self.padding), x

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        call = (gradient, saved, weights[0], self.stride, self.padding)
        # Two calls take less time than one that asks for all three.
        ours = kernel_gradients(*call)
        return None if self.first else image_gradient(*call), list(ours)


class Pad:
    """The zeros around an image that "same" padding asks for."""

    def __init__(self, module: SameConv2d) -> None:
        self.margins = module.margins

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        left, right, top, bottom = self.margins(x.shape[2], x.shape[3])
        return F.pad(x, (left, right, top, bottom)), (top, left, x.shape[2], x.shape[3])

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        top, left, height, width = saved
        inner = gradient[:, :, top : top + height, left : left + width]
        return inner.contiguous(memory_format=torch.channels_last), []


class Pool2x2:
    """Max-pooling of 2x2 windows, and relu behind it if there is one; on bfloat16."""

    def __init__(self, with_relu: bool) -> None:
        self.with_relu = with_relu

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        y, winner = kernels.pool(x, self.with_relu)
        return y, (winner, x.shape)

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        return kernels.pool_backward(gradient, *saved), []


class Pool:
    """Max-pooling."""

    def __init__(self, module: nn.MaxPool2d) -> None:
        stride = module.kernel_size if module.stride is None else module.stride
        self.window = [module.kernel_size] * 2, [stride] * 2, [0, 0], [1, 1], False

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        y, index = aten.max_pool2d_with_indices(x, *self.window)
        return y, (index, x.shape)

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        index, shape = saved
        like = torch.empty(shape, dtype=gradient.dtype, memory_format=torch.channels_last)  # only its shape is read
        return aten.max_pool2d_with_indices_backward(gradient, like, *self.window, index), []


class Relu:
    """max(x, 0)."""

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        kernels.relu(x)
        return x, x

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        kernels.relu_backward(gradient, saved)
        return gradient, []


class Elu:
    """x where it is positive, exp(x) - 1 elsewhere."""

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        kernels.apply(F.elu_, x)
        return x, x

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        aten.elu_backward.grad_input(gradient, 1.0, 1.0, 1.0, True, saved, grad_input=gradient)
        return gradient, []


class Sigmoid:
    """1 / (1 + exp(-x))."""

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        kernels.apply(torch.sigmoid_, x)
        return x, x

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        aten.sigmoid_backward.grad_input(gradient, saved, grad_input=gradient)
        return gradient, []


class Tanh:
    """The hyperbolic tangent."""

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        kernels.apply(torch.tanh_, x)
        return x, x

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        aten.tanh_backward.grad_input(gradient, saved, grad_input=gradient)
        return gradient, []


class Dropout:
    """While training, each value is 0 with the rate's probability, else divided by 1 - rate."""

    def __init__(self, module: nn.Dropout) -> None:
        self.rate = module.p

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        if dice is None or not self.rate:
            return x, None
        y, drawn = x / (1 - self.rate), kernels.draws(x, dice)  # not in place: an activation may have saved x
        kernels.drop(y, drawn, self.rate)
        return y, drawn

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        if saved is not None:
            kernels.drop(gradient.div_(1 - self.rate), saved, self.rate)
        return gradient, []


class Flatten:
    """All values of a face in one row, channel by channel."""

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        return x.flatten(1), x.shape

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        image = gradient.view(saved)
        return (image.contiguous(memory_format=torch.channels_last) if len(saved) == 4 else image), []


class Dense:
    """A fully connected layer with bias. The first of a net needs no gradient of its input."""

    def __init__(self, first: bool) -> None:
        self.first = first

    def forward(self, x: Tensor, weights: list[Tensor], dice: torch.Generator | None) -> tuple[Tensor, Saved]:
        return F.linear(x, *weights), x

    def backward(self, gradient: Tensor, weights: list[Tensor], saved: Saved) -> tuple[Tensor | None, list[Tensor]]:
        x = None if self.first else gradient @ weights[0]
        return x, [gradient.t() @ saved, gradient.sum(0)]


class Link(NamedTuple):
    """A layer of a chain, and how many weights of the model are its own."""

    layer: Layer
    weights: int


class Chain(NamedTuple):
    """A net's layers: those that see images, and those behind the flattening."""

    trunk: list[Link]
    head: list[Link]


_ACTIVATIONS: dict[type[nn.Module], type[Layer]] = {nn.ReLU: Relu, nn.ELU: Elu, nn.Sigmoid: Sigmoid, nn.Tanh: Tanh}


def chain(model: nn.Sequential, dtype: torch.dtype) -> Chain | None:
    """The model as a chain, or None if it has a layer that is not written out here."""
    modules = _pool_first(list(model))
    # An activation overwrites its input, which must not be what another one saved; these two may hand that on.
    writers = [type(module) for module in modules if not isinstance(module, nn.Flatten | nn.Dropout)]
    if not modules or any(a in _ACTIVATIONS and b in _ACTIVATIONS for a, b in pairwise(writers)):
        return None
    learnt = [bool(list(module.parameters())) for module in modules]
    links: list[Link] = []
    for at, module in enumerate(modules):
        layers = _layers(module, first=not any(learnt[:at]))
        if layers is None:
            return None
        links += [Link(layer, len(list(module.parameters())) if layer is layers[-1] else 0) for layer in layers]
    links = _fused(links) if dtype == torch.bfloat16 else links
    flat = [isinstance(link.layer, Flatten) for link in links]
    border = flat.index(True) if any(flat) else len(links)
    return Chain(links[:border], links[border:])


def _layers(module: nn.Module, first: bool) -> list[Layer] | None:
    if type(module) in _ACTIVATIONS:
        return [_ACTIVATIONS[type(module)]()]
    match module:
        case SameConv2d():
            return [Pad(module), Conv(module, first)]
        case nn.Conv2d() if module.bias is not None:
            return [Conv(module, first)]
        case nn.MaxPool2d():
            return [Pool(module)]
        case nn.Linear():
            return [Dense(first)]
        case nn.Dropout():
            return [Dropout(module)]
        case nn.Flatten():
            return [Flatten()]
    return None


def _pool_first(modules: list[nn.Module]) -> list[nn.Module]:
    """Each max-pooling before the activation that stands before it: all of them are monotone."""
    for at in range(len(modules) - 1):
        if type(modules[at]) in _ACTIVATIONS and type(modules[at + 1]) is nn.MaxPool2d:
            modules[at], modules[at + 1] = modules[at + 1], modules[at]
    return modules


def _fused(links: list[Link]) -> list[Link]:
    """Pooling of 2x2 windows as its own layer, which takes in the relu behind it."""
    fused: list[Link] = []
    for link in links:
        before = fused[-1].layer if fused else None
        if isinstance(link.layer, Pool) and link.layer.window[:2] == ([2, 2], [2, 2]):
            fused.append(Link(Pool2x2(with_relu=False), 0))
        elif isinstance(link.layer, Relu) and isinstance(before, Pool2x2):
            fused[-1] = Link(Pool2x2(with_relu=True), 0)
        else:
            fused.append(link)
    return fused
