"""Batch normalisation of images while training, with the sum and the relu behind it; compiled.

Batch normalisation: Ioffe & Szegedy 2015, arXiv 1502.03167. torch's own goes over the values several times more and
takes several times as long; measured in docs/decisions/0003-fast-step.md.

An image batch [N, C, H, W], channels last, is rows of C values here, [N * H * W, C]: float32, or the bits of bfloat16
as uint16. Arithmetic is in float32, sums over all rows in float64. Each core takes its share of the rows.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numba import types
from numba.extending import overload
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.compiled import compiled
from mien.training.fast.threads import shares

Rows = NDArray[np.float32] | NDArray[np.uint16]
Channels = NDArray[np.float32]
Sums = NDArray[np.float64]


class Normalise(torch.autograd.Function):
    """relu(batch_norm(x) + shortcut), shortcut and relu where given; moves the module's running statistics.

    x, shortcut: bfloat16 or float32 [N, C, H, W]. `weight` and `bias` are the module's, given to get their gradients.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        shortcut: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        module: nn.BatchNorm2d,
        relu: bool,
        cores: ThreadPoolExecutor,
    ) -> Tensor:
        """The normalised batch, channels last, in the precision of x."""
        x = x.contiguous(memory_format=torch.channels_last)
        values, count = _rows(x), x.numel() // x.shape[1]
        near = _first(x)
        total = _over(cores, _moments, [values], near)
        with np.errstate(invalid="ignore", over="ignore"):  # a run that diverges is found out by its loss
            variance = np.maximum(total[1] / count - (total[0] / count) ** 2, 0)
        mean = near + total[0] / count
        _remember(module, mean, variance, count)
        deviation = np.sqrt(variance + module.eps)
        factor = weight.detach().numpy() / deviation
        y = torch.empty_like(x)
        beside = values if shortcut is None else _rows(shortcut.contiguous(memory_format=torch.channels_last))
        line = np.stack([factor, bias.detach().numpy() - mean * factor]).astype(np.float32)
        _over(cores, _normalise, [values, beside, _rows(y)], line, shortcut is not None, relu)
        ctx.save_for_backward(x, y if relu else x)
        ctx.settings = mean, deviation, factor, shortcut is not None, relu, cores
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of x, shortcut, weight and bias."""
        x, y = ctx.saved_tensors
        mean, deviation, factor, with_shortcut, relu, cores = ctx.settings
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        given, values, signs = _rows(gradient), _rows(x), _rows(y)
        count = len(values)
        of_bias, of_distance = _over(cores, _gradient_sums, [given, values, signs], mean.astype(np.float32), relu)
        of_weight = of_distance / deviation
        # factor * (g - mean of g - normalised x * mean of (g * normalised x)), as a line in g and x
        slope = -factor * of_weight / deviation / count
        line = np.stack([factor, slope, -factor * of_bias / count, mean]).astype(np.float32)
        back = torch.empty_like(x)
        beside = torch.empty_like(x) if with_shortcut else back
        of_rows = [given, values, signs, _rows(back), _rows(beside)]
        _over(cores, _gradients, of_rows, line, with_shortcut, relu)
        of_channels = [torch.from_numpy(each.astype(np.float32)) for each in (of_weight, of_bias)]
        return back, beside if with_shortcut else None, *of_channels, None, None, None


def _rows(x: Tensor) -> Rows:
    """The values of [N, C, H, W] channels last, on the same memory."""
    rows = x.detach().permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    values: Rows = rows.numpy() if x.dtype == torch.float32 else rows.view(torch.int16).numpy().view(np.uint16)
    return values


def _first(x: Tensor) -> Channels:
    """The first pixel: near to the mean, if values lie close together, so that the squares' sums cancel little."""
    first: Channels = x.detach()[0, :, 0, 0].float().numpy()
    return first


def _remember(module: nn.BatchNorm2d, mean: Sums, variance: Sums, count: int) -> None:
    """Move the running mean and the running unbiased variance by the module's momentum."""
    assert module.running_mean is not None
    assert module.running_var is not None
    assert module.num_batches_tracked is not None
    assert module.momentum is not None
    module.num_batches_tracked.add_(1)
    module.running_mean.lerp_(torch.from_numpy(mean).float(), module.momentum)
    unbiased = variance * (count / max(count - 1, 1))
    module.running_var.lerp_(torch.from_numpy(unbiased).float(), module.momentum)


def _over(cores: ThreadPoolExecutor, kernel: Callable[..., None], images: Sequence[Rows], *constants: Any) -> Sums:
    """Run a kernel on each core's share of the images' rows, and add up what each leaves in its float64 [2, C]."""
    rows, channels = images[0].shape
    parts = shares(rows, torch.get_num_threads())
    sums = np.zeros((len(parts), 2, channels))

    def work(share: slice, left: Sums) -> None:
        kernel(*[image[share] for image in images], *constants, left)

    list(cores.map(work, parts, sums))
    total: Sums = sums.sum(0)
    return total


def _of_both(signature: str) -> list[str]:
    """The signature with each of the two kinds of rows in the place of R."""
    return [signature.replace("R", rows) for rows in ("f4[:,::1]", "u2[:,::1]")]


def _number(value: Any) -> Any:
    """In compiled code: the number that a row's value stands for, float32."""


@overload(_number)
def _compile_number(value: Any) -> Callable[[Any], Any]:
    def itself(value: Any) -> Any:
        return value

    def widened(value: Any) -> Any:
        """The bits of a bfloat16 are the upper half of that float32's."""
        return np.uint32(np.uint32(value) << np.uint32(16)).view(np.float32)

    return itself if value == types.float32 else widened


def _value(number: Any, rows: Any) -> Any:
    """In compiled code: what stands for a number in such rows; of two bfloat16 that are as near, the even one."""


@overload(_value)
def _compile_value(number: Any, rows: Any) -> Callable[[Any, Any], Any]:
    def itself(number: Any, rows: Any) -> Any:
        return number

    def rounded(number: Any, rows: Any) -> Any:
        bits = np.float32(number).view(np.uint32)
        return np.uint16(np.uint32(bits + np.uint32(0x7FFF) + (np.uint32(bits >> 16) & np.uint32(1))) >> np.uint32(16))

    return itself if rows.dtype == types.float32 else rounded


@compiled(_of_both("void(R, f4[::1], f8[:,::1])"))
def _moments(x: Rows, near: Channels, sums: Sums) -> None:
    """Add up x's distance from a number near to its mean, and the distance's square."""
    rows, channels = x.shape
    first, second = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for block in range(0, rows, 256):
        for c in range(channels):
            first[c], second[c] = 0, 0
        for r in range(block, min(block + 256, rows)):
            for c in range(channels):
                value = _number(x[r, c]) - near[c]
                first[c] += value
                second[c] += value * value
        for c in range(channels):
            sums[0, c] += first[c]
            sums[1, c] += second[c]


@compiled(_of_both("void(R, R, R, f4[:,::1], b1, b1, f8[:,::1])"))
def _normalise(x: Rows, shortcut: Rows, y: Rows, line: Channels, with_shortcut: bool, relu: bool, _: Sums) -> None:
    """Give y: factor * x + offset, plus the shortcut, and relu."""
    rows, channels = x.shape
    factor, offset = line[0], line[1]
    floor = np.float32(0 if relu else -np.inf)
    for r in range(rows):
        if with_shortcut:
            for c in range(channels):
                value = factor[c] * _number(x[r, c]) + offset[c] + _number(shortcut[r, c])
                y[r, c] = _value(value if value > floor else floor, y)
        else:
            for c in range(channels):
                value = factor[c] * _number(x[r, c]) + offset[c]
                y[r, c] = _value(value if value > floor else floor, y)


@compiled(_of_both("void(R, R, R, f4[::1], b1, f8[:,::1])"))
def _gradient_sums(g: Rows, x: Rows, y: Rows, mean: Channels, relu: bool, sums: Sums) -> None:
    """Add up the gradient behind relu, and its product with x's distance from the mean."""
    rows, channels = x.shape
    first, second = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for block in range(0, rows, 256):
        for c in range(channels):
            first[c], second[c] = 0, 0
        for r in range(block, min(block + 256, rows)):
            for c in range(channels):
                value = _number(g[r, c])
                value = value if not relu or _number(y[r, c]) > 0 else np.float32(0)
                first[c] += value
                second[c] += value * (_number(x[r, c]) - mean[c])
        for c in range(channels):
            sums[0, c] += first[c]
            sums[1, c] += second[c]


@compiled(_of_both("void(R, R, R, R, R, f4[:,::1], b1, b1, f8[:,::1])"))
def _gradients(
    g: Rows, x: Rows, y: Rows, back: Rows, beside: Rows, line: Channels, with_shortcut: bool, relu: bool, _: Sums
) -> None:
    """The gradient of x, and the gradient behind relu for the shortcut."""
    rows, channels = x.shape
    factor, slope, offset, mean = line[0], line[1], line[2], line[3]
    for r in range(rows):
        for c in range(channels):
            value = _number(g[r, c])
            value = value if not relu or _number(y[r, c]) > 0 else np.float32(0)
            back[r, c] = _value(factor[c] * value + slope[c] * (_number(x[r, c]) - mean[c]) + offset[c], back)
        if with_shortcut:
            for c in range(channels):
                value = g[r, c]
                beside[r, c] = value if not relu or _number(y[r, c]) > 0 else _value(np.float32(0), beside)
