"""Every kernel of torch that a net can reach, in float32 and channels last, on small and odd shapes, beside float64.

    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python kernel_sweep.py [KIND]

A process of its own, as a kernel that writes beyond its memory takes the whole process along. Prints one line for each
shape that is wrong, and ends with 1 if there was one.
"""

import itertools
import sys
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from mien.nets.modules import PointwiseConv2d, Residual, SameConv2d

CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 20, 31, 33)

CLOSE = 1e-4
"""By how much, by its norm, a float32 result may differ from float64's: sums of some 10,000 products err by less."""


def convolutions() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Convolutions as layer words and backbones build them, and what they are given."""
    for channels, out in itertools.product(CHANNELS, (1, 3, 6, 8, 17)):
        for kernel, stride, same in itertools.product((1, 2, 3, 5), (1, 2, 3), (False, True)):
            kind = PointwiseConv2d if kernel == 1 and stride > 1 else SameConv2d if same else nn.Conv2d
            yield (
                f"conv {channels}->{out} {kernel} {stride} {same}",
                kind(channels, out, kernel, stride),
                (channels, 13),
            )
    for channels, kernel, stride in itertools.product(CHANNELS, (3, 5), (1, 2)):
        conv = nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels)
        yield f"depthwise {channels} {kernel} {stride}", conv, (channels, 13)


def blocks() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Residual blocks."""
    for channels, filters, stride in itertools.product(CHANNELS[2:], (3, 6, 16, 17), (1, 2)):
        yield f"residual {channels}->{filters} {stride}", Residual(channels, filters, stride, 4), (channels, 13)


def others() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    """Normalising, pooling and dense layers."""
    for channels in CHANNELS:
        yield f"batch norm {channels}", nn.BatchNorm2d(channels), (channels, 13)
        for size, stride in itertools.product((2, 3), (1, 2, 3)):
            yield f"max pool {channels} {size} {stride}", nn.MaxPool2d(size, stride), (channels, 13)
            yield f"average pool {channels} {size} {stride}", nn.AvgPool2d(size, stride), (channels, 13)
        for out in (1, 7, 17, 64):
            yield f"dense {channels}->{out}", nn.Linear(channels, out), (channels,)


KINDS: dict[str, Callable[[], Iterator[tuple[str, nn.Module, tuple[int, ...]]]]] = {
    "convolutions": convolutions,
    "blocks": blocks,
    "others": others,
}


def outcome(module: nn.Module, x: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """What a module gives for x, and every gradient of a weighted sum of that; float64."""
    module = module.to(dtype).train()
    given = x.to(dtype)
    if x.dim() == 4:
        given, module = (thing.to(memory_format=torch.channels_last) for thing in (given, module))
    given = given.detach().requires_grad_()
    y = module(given)
    # Weights of different size, so that no error cancels out.
    weights = torch.linspace(-1, 2, y.numel(), dtype=dtype).view(y.shape)
    gradients = torch.autograd.grad((y * weights).sum(), [given, *module.parameters()])
    return [tensor.detach().double() for tensor in (y, *gradients)]


def main() -> int:
    """Sweep one kind, or all."""
    wrong = 0
    for kind in sys.argv[1:] or KINDS:
        for name, module, (channels, *side) in KINDS[kind]():
            torch.manual_seed(0)
            x = torch.randn(5, channels, *side * 2)
            for ours, exact in zip(outcome(module, x, torch.float32), outcome(module, x, torch.float64), strict=True):
                # A bias before a batch norm has no gradient but rounding: hence the constant.
                if not (ours - exact).norm() <= CLOSE * exact.norm() + 1e-3:
                    sys.stdout.write(f"{name}: {(ours - exact).norm() / exact.norm():.2g} off\n")
                    wrong += 1
                    break
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
