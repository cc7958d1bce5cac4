"""Batch normalisation of images in bfloat16 while training, with the sum and the relu behind it; compiled.

Batch normalisation: Ioffe & Szegedy 2015, arXiv 1502.03167. torch's own goes over the values several times more and
takes several times as long; measured in docs/decisions/0003-fast-step.md.

An image batch [N, C, H, W], channels last, is rows of C values here: the bits of bfloat16, uint16 [N * H * W, C].
Arithmetic is in float32, sums over all rows in float64. Each core takes its share of the rows.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.compiled import compiled

Bits = NDArray[np.uint16]
Channels = NDArray[np.float32]
Sums = NDArray[np.float64]


class Normalise(torch.autograd.Function):
    """relu(batch_norm(x) + shortcut), shortcut and relu where given; moves the module's running statistics.

    x, shortcut: bfloat16 [N, C, H, W]. `weight` and `bias` are the module's, given so that they get their gradients.
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
        """The normalised batch, bfloat16 [N, C, H, W] channels last."""
        x = x.contiguous(memory_format=torch.channels_last)
        values, count = _rows(x), x.numel() // x.shape[1]
        total = _over(cores, _moments, values)
        mean = total[0] / count
        with np.errstate(invalid="ignore", over="ignore"):  # a run that diverges is found out by its loss
            variance = np.maximum(total[1] / count - mean**2, 0)
        _remember(module, mean, variance, count)
        deviation = np.sqrt(variance + module.eps)
        factor = weight.detach().numpy() / deviation
        y = torch.empty_like(x)
        beside = values if shortcut is None else _rows(shortcut.contiguous(memory_format=torch.channels_last))
        line = np.stack([factor, bias.detach().numpy() - mean * factor]).astype(np.float32)
        _over(cores, _normalise, values, beside, _rows(y), line, shortcut is not None, relu)
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
        of_bias, of_distance = _over(cores, _gradient_sums, given, values, signs, mean.astype(np.float32), relu)
        of_weight = of_distance / deviation
        # factor * (g - mean of g - normalised x * mean of (g * normalised x)), as a line in g and x
        slope = -factor * of_weight / deviation / count
        line = np.stack([factor, slope, -factor * of_bias / count - slope * mean]).astype(np.float32)
        back = torch.empty_like(x)
        beside = torch.empty_like(x) if with_shortcut else back
        _over(cores, _gradients, given, values, signs, _rows(back), _rows(beside), line, with_shortcut, relu)
        of_channels = [torch.from_numpy(each.astype(np.float32)) for each in (of_weight, of_bias)]
        return back, beside if with_shortcut else None, *of_channels, None, None, None


def _rows(x: Tensor) -> Bits:
    """The bits of bfloat16 [N, C, H, W] channels last, on the same memory."""
    bits: NDArray[np.int16] = x.detach().permute(0, 2, 3, 1).reshape(-1, x.shape[1]).view(torch.int16).numpy()
    return bits.view(np.uint16)


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


def _over(cores: ThreadPoolExecutor, kernel: Callable[..., None], *arguments: Any) -> Sums:
    """Run a kernel on each core's share of the rows, and add up what each leaves in its float64 [2, C]."""
    rows, channels = arguments[0].shape
    parts = torch.get_num_threads()
    bounds = [rows * part // parts for part in range(parts + 1)]
    sums = np.zeros((parts, 2, channels))

    def work(part: int) -> None:
        share = slice(bounds[part], bounds[part + 1])
        given = [array[share] if getattr(array, "dtype", None) == np.uint16 else array for array in arguments]
        kernel(*given, sums[part])

    list(cores.map(work, range(parts)))
    total: Sums = sums.sum(0)
    return total


@compiled("f4(u2)")
def _float(bits: np.uint16) -> np.float32:
    """The number that a bfloat16 stands for: its bits are the upper half of that float32's."""
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


@compiled("u2(f4)")
def _bfloat16(number: np.float32) -> np.uint16:
    """The bits of the nearest bfloat16, of two the even one."""
    bits = np.float32(number).view(np.uint32)
    return np.uint16(np.uint32(bits + np.uint32(0x7FFF) + (np.uint32(bits >> 16) & np.uint32(1))) >> np.uint32(16))


@compiled("void(u2[:,::1], f8[:,::1])")
def _moments(x: Bits, sums: Sums) -> None:
    """Add up x and its square."""
    rows, channels = x.shape
    first, second = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for block in range(0, rows, 256):
        first[:], second[:] = 0, 0
        for r in range(block, min(block + 256, rows)):
            for c in range(channels):
                value = _float(x[r, c])
                first[c] += value
                second[c] += value * value
        sums[0] += first
        sums[1] += second


@compiled("void(u2[:,::1], u2[:,::1], u2[:,::1], f4[:,::1], b1, b1, f8[:,::1])")
def _normalise(x: Bits, shortcut: Bits, y: Bits, line: Channels, with_shortcut: bool, relu: bool, _: Sums) -> None:
    """Give y: factor * x + offset, plus the shortcut, and relu."""
    rows, channels = x.shape
    factor, offset = line[0], line[1]
    floor = np.float32(0 if relu else -np.inf)
    for r in range(rows):
        if with_shortcut:
            for c in range(channels):
                value = factor[c] * _float(x[r, c]) + offset[c] + _float(shortcut[r, c])
                y[r, c] = _bfloat16(value if value > floor else floor)
        else:
            for c in range(channels):
                value = factor[c] * _float(x[r, c]) + offset[c]
                y[r, c] = _bfloat16(value if value > floor else floor)


@compiled("void(u2[:,::1], u2[:,::1], u2[:,::1], f4[::1], b1, f8[:,::1])")
def _gradient_sums(g: Bits, x: Bits, y: Bits, mean: Channels, relu: bool, sums: Sums) -> None:
    """Add up the gradient behind relu, and its product with x's distance from the mean."""
    rows, channels = x.shape
    first, second = np.zeros(channels, np.float32), np.zeros(channels, np.float32)
    for block in range(0, rows, 256):
        first[:], second[:] = 0, 0
        for r in range(block, min(block + 256, rows)):
            for c in range(channels):
                value = _float(g[r, c] if not relu or np.int16(y[r, c]) > 0 else np.uint16(0))
                first[c] += value
                second[c] += value * (_float(x[r, c]) - mean[c])
        sums[0] += first
        sums[1] += second


@compiled("void(u2[:,::1], u2[:,::1], u2[:,::1], u2[:,::1], u2[:,::1], f4[:,::1], b1, b1, f8[:,::1])")
def _gradients(
    g: Bits, x: Bits, y: Bits, back: Bits, beside: Bits, line: Channels, with_shortcut: bool, relu: bool, _: Sums
) -> None:
    """The gradient of x, and the gradient behind relu for the shortcut."""
    rows, channels = x.shape
    factor, slope, offset = line[0], line[1], line[2]
    for r in range(rows):
        for c in range(channels):
            value = _float(g[r, c] if not relu or np.int16(y[r, c]) > 0 else np.uint16(0))
            back[r, c] = _bfloat16(factor[c] * value + slope[c] * _float(x[r, c]) + offset[c])
        if with_shortcut:
            for c in range(channels):
                beside[r, c] = g[r, c] if not relu or np.int16(y[r, c]) > 0 else np.uint16(0)
