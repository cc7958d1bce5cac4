"""Layers of plain nets for torch's autograd, with gradients that take less time and memory than torch's own.

A plain net is a chain of common layers. As nobody but the next layer uses a layer's output, layers may do what autograd
cannot know to be safe: overwrite their input or the gradient that they are given, and pool before a monotone activation
instead of after it (the same numbers, a quarter of the work). Measured in docs/decisions/0003-fast-step.md.

Images are `[N, C, H, W]`, channels last in memory, and flat values `[N, C]`; both have the precision of the weights,
bfloat16 or float32.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.nets.modules import SameConv2d
from mien.training.fast import kernels, winograd
from mien.training.fast.convolution import image_gradient, kernel_gradients

aten = torch.ops.aten


class Convolve(torch.autograd.Function):
    """A convolution: by `winograd.py` where that suits, else torch's, with the gradients of `convolution.py`."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        kernel: Tensor,
        bias: Tensor | None,
        stride: list[int],
        padding: list[int],
        cores: ThreadPoolExecutor | None = None,
    ) -> Tensor:
        """The convolved batch, channels last; `cores`: threads for what does not share itself out."""
        ctx.save_for_backward(x, kernel)
        ctx.settings = stride, padding, bias is not None, cores
        ctx.transformed = winograd.transform_kernel(kernel) if winograd.suits(x, kernel, stride, padding) else None
        if ctx.transformed is not None:
            return winograd.convolve(x, ctx.transformed, bias, padding[0], cores)
        return F.conv2d(x, kernel, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of x (where it is needed), kernel and bias."""
        stride, padding, with_bias, cores = ctx.settings
        x, kernel = ctx.saved_tensors
        of_image = ctx.needs_input_grad[0]
        if ctx.transformed is not None:
            call = (gradients[0], x, ctx.transformed, padding[0], of_image, cores)
            of_x, of_kernel, of_bias = winograd.gradients(*call)
            return of_x, of_kernel, of_bias if with_bias else None, None, None, None
        gradient = _channels_last(gradients[0])
        # Two calls take less time than one for all three.
        of_kernel, of_bias = kernel_gradients(gradient, x, kernel, stride, padding)
        of_x = image_gradient(gradient, x, kernel, stride, padding) if of_image else None
        return of_x, of_kernel, of_bias if with_bias else None, None, None, None


class MaxPool2x2(torch.autograd.Function):
    """Max-pooling of 2x2 windows, and relu behind it where `relu` is true."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, relu: bool) -> Tensor:
        """The pooled batch, channels last."""
        y, winner = kernels.pool(x, with_relu=relu)
        ctx.save_for_backward(winner)
        ctx.shape = x.shape
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of x."""
        (winner,) = ctx.saved_tensors
        return kernels.pool_backward(gradients[0], winner, ctx.shape), None


class MaxPool(torch.autograd.Function):
    """Max-pooling as torch's own, which would save its input; this one saves the positions of the maxima alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int, stride: int) -> Tensor:
        """The pooled batch, channels last."""
        ctx.window = [size] * 2, [stride] * 2, [0, 0], [1, 1], False
        y, positions = aten.max_pool2d_with_indices(x, *ctx.window)
        ctx.save_for_backward(positions)
        ctx.shape = x.shape
        pooled: Tensor = y
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of x."""
        gradient = _channels_last(gradients[0])
        # Only its shape is read.
        like = torch.empty(ctx.shape, dtype=gradient.dtype, memory_format=torch.channels_last)
        return aten.max_pool2d_with_indices_backward(gradient, like, *ctx.window, *ctx.saved_tensors), None, None


class Activate(torch.autograd.Function):
    """An activation in place: it overwrites x, and on the way back the gradient of its output."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kind: type[nn.Module]) -> Tensor:
        """The activated x, in the memory of x."""
        activate, ctx.differentiate = _ACTIVATIONS[kind]
        activate(x)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of x."""
        gradient = _channels_last(gradients[0])
        ctx.differentiate(gradient, *ctx.saved_tensors)
        return gradient, None


class Dropout(torch.autograd.Function):
    """Each value is 0 with the rate's probability, else divided by 1 - rate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rate: float, generator: torch.Generator) -> Tensor:
        """New values: x may be what an activation has saved."""
        y, numbers = x / (1 - rate), kernels.random_int16(x, generator)
        kernels.drop(y, numbers, rate)
        ctx.save_for_backward(numbers)
        ctx.rate = rate
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of x."""
        gradient = _channels_last(gradients[0]).div_(1 - ctx.rate)
        (numbers,) = ctx.saved_tensors
        kernels.drop(gradient, numbers, ctx.rate)
        return gradient, None, None


class Flatten(torch.autograd.Function):
    """All values of a face in one row, channel by channel, in new memory, so that what follows may overwrite it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C * H * W]."""
        ctx.shape = x.shape
        y = x.new_empty(len(x), x[0].numel())
        y.view(x.shape).copy_(x)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient of x."""
        return _channels_last(gradients[0].view(ctx.shape))


def _elu_backward(gradient: Tensor, y: Tensor) -> None:
    aten.elu_backward.grad_input(gradient, 1.0, 1.0, 1.0, True, y, grad_input=gradient)


def _sigmoid_backward(gradient: Tensor, y: Tensor) -> None:
    aten.sigmoid_backward.grad_input(gradient, y, grad_input=gradient)


def _tanh_backward(gradient: Tensor, y: Tensor) -> None:
    aten.tanh_backward.grad_input(gradient, y, grad_input=gradient)


_ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], None], Callable[[Tensor, Tensor], None]]] = {
    nn.ReLU: (kernels.relu, kernels.relu_backward),
    nn.ELU: (lambda x: kernels.apply(F.elu_, x), _elu_backward),
    nn.Sigmoid: (lambda x: kernels.apply(torch.sigmoid_, x), _sigmoid_backward),
    nn.Tanh: (lambda x: kernels.apply(torch.tanh_, x), _tanh_backward),
}
"""Each activation: the function that works in place, and the one that turns its output's gradient into its input's."""


def plain_layers(model: nn.Sequential) -> list[nn.Module] | None:
    """The layers of a plain net, each max-pooling moved before the activation before it; None if it is not plain."""
    layers = list(model)
    for at in range(len(layers) - 1):
        if type(layers[at]) in _ACTIVATIONS and type(layers[at + 1]) is nn.MaxPool2d:
            layers[at], layers[at + 1] = layers[at + 1], layers[at]
    # An activation overwrites its input, which must not be what another one saved; these two may hand that on.
    writers = [type(layer) for layer in layers if not isinstance(layer, nn.Flatten | nn.Dropout)]
    in_a_row = any(a in _ACTIVATIONS and b in _ACTIVATIONS for a, b in pairwise(writers))
    return layers if layers and not in_a_row and all(map(_is_plain, layers)) else None


def forward(
    layers: Sequence[nn.Module], x: Tensor, weights: Sequence[Tensor], generator: torch.Generator | None
) -> Tensor:
    """The output of plain layers.

    Args:
        layers: a part of `plain_layers`.
        x: what the first is given; may be overwritten.
        weights: of all of them in their order, in the precision of x.
        generator: of dropout; None where the net is not training.
    """
    own = iter(weights)
    for at, layer in enumerate(layers):
        done = at > 0 and isinstance(layer, nn.ReLU) and pools_2x2(layers[at - 1])
        if not done:
            relu_behind = isinstance(layers[at + 1], nn.ReLU) if at + 1 < len(layers) else False
            x = apply_layer(layer, x, own, generator, relu_behind)
    return x


def apply_layer(
    layer: nn.Module, x: Tensor, weights: Iterator[Tensor], generator: torch.Generator | None, relu_behind: bool
) -> Tensor:
    """The output of one plain layer, which takes its weights from the iterator; relu_behind: whether relu follows."""
    match layer:
        case SameConv2d():
            padded = F.pad(x, layer.margins(x.shape[2], x.shape[3]))
            return _call(Convolve, padded, next(weights), next(weights), list(layer.stride), [0, 0])
        case nn.Conv2d():
            padding = list(map(int, layer.padding))
            return _call(Convolve, x, next(weights), next(weights), list(layer.stride), padding)
        case nn.MaxPool2d() if pools_2x2(layer):
            return _call(MaxPool2x2, x, relu_behind)
        case nn.MaxPool2d(kernel_size=size, stride=stride):
            return _call(MaxPool, x, size, size if stride is None else stride)
        case nn.Linear():
            return F.linear(x, next(weights), next(weights))
        case nn.Dropout():
            return x if generator is None or not layer.p else _call(Dropout, x, layer.p, generator)
        case nn.Flatten():
            return _call(Flatten, x)
    return _call(Activate, x, type(layer))


def _call(function: type[torch.autograd.Function], *arguments: object) -> Tensor:
    y: Tensor = function.apply(*arguments)  # type: ignore[no-untyped-call]
    return y


def _is_plain(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.bias is not None
    return type(layer) in _ACTIVATIONS or isinstance(layer, nn.MaxPool2d | nn.Linear | nn.Dropout | nn.Flatten)


def pools_2x2(layer: nn.Module) -> bool:
    """Whether a layer is a max-pooling that `MaxPool2x2` does: of 2x2 windows."""
    return isinstance(layer, nn.MaxPool2d) and layer.kernel_size == 2 and layer.stride in (None, 2)


def _channels_last(gradient: Tensor) -> Tensor:
    return gradient.contiguous(memory_format=torch.channels_last) if gradient.dim() == 4 else gradient
