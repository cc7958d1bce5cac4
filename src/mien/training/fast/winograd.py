"""Convolutions of 3x3 kernels in float32 by Winograd's minimal filtering, and their gradients.

A tile of 4x4 outputs takes 36 products of a channel with a filter instead of 144: F(4x4, 3x3) of Lavin & Gray 2016,
arXiv 1509.09308. Inputs, kernels and outputs are transformed by small constant matrices, and between them are 36 matrix
products. The gradients are the same transforms turned round. Rounding errors are some four times a direct
convolution's. Measured in docs/decisions/0003-fast-step.md.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from mien.training.fast.threads import shares
from mien.training.fast.tiles import KERNEL, OUT, SIZE, Images, gather, scatter
from mien.training.fast.vectors import LANES

Out = TypeVar("Out")

TILES = 128
"""Tiles that are transformed together, about: few enough for the caches, many enough for the matrix products."""

FEWEST = 16
"""Channels and filters below which the transforms cost more than they save."""

_NO_BIAS, _NO_SUMS = np.empty(0, np.float32), np.empty(0)
_G = torch.from_numpy(np.kron(KERNEL, KERNEL)).float()


def suits(x: Tensor, kernel: Tensor, stride: list[int], padding: list[int]) -> bool:
    """Whether a convolution of x [N, C, H, W] is computed here."""
    filters, channels, *sides = kernel.shape
    return (
        x.dtype == torch.float32
        and (sides, stride) == ([3, 3], [1, 1])
        and padding in ([0, 0], [1, 1])
        and min(filters, channels) >= FEWEST
        and filters % LANES == channels % LANES == 0
    )


def transform_kernel(kernel: Tensor) -> Tensor:
    """float32 [F, C, 3, 3] -> [36, C, F]."""
    filters, channels = kernel.shape[:2]
    return (_G @ kernel.permute(2, 3, 1, 0).reshape(9, -1)).view(-1, channels, filters)


def convolve(
    x: Tensor, transformed: Tensor, bias: Tensor | None, padding: int, cores: ThreadPoolExecutor | None = None
) -> Tensor:
    """The convolution of x float32 [N, C, H, W] with a kernel that `transform_kernel` gave: channels last.

    cores: threads that take their shares of the faces; without them all is done in this one.
    """
    grid = _Grid.of(x, padding)
    y = torch.empty(len(x), transformed.shape[2], grid.height, grid.width, memory_format=torch.channels_last)
    images, convolved = _channels_last(x), _channels_last(y)
    added = _NO_BIAS if bias is None else bias.detach().numpy()

    def work(share: slice) -> None:
        for faces, inputs, outputs in grid.blocks(share, transformed):
            gather(images[faces], padding, grid.down, grid.across, True, inputs.numpy(), _NO_SUMS)
            torch.bmm(inputs, transformed, out=outputs)
            scatter(outputs.numpy(), 0, grid.down, grid.across, False, convolved[faces], added)

    _over(cores, torch.no_grad()(work), len(x))
    return y


def gradients(
    gradient: Tensor,
    x: Tensor,
    transformed: Tensor,
    padding: int,
    of_image: bool,
    cores: ThreadPoolExecutor | None = None,
) -> tuple[Tensor | None, Tensor, Tensor]:
    """The gradients of x (where `of_image`), of the kernel [F, C, 3, 3] and of the bias, from that of the output."""
    channels, filters = transformed.shape[1:]
    grid = _Grid.of(x, padding)
    back = torch.empty_like(x, memory_format=torch.channels_last) if of_image else None
    images, given = _channels_last(x), _channels_last(gradient)
    of_images = None if back is None else _channels_last(back)

    def work(share: slice) -> tuple[Tensor, Tensor]:
        of_kernel, of_bias = torch.zeros_like(transformed), np.zeros(filters)
        for faces, inputs, outputs in grid.blocks(share, transformed):
            gather(images[faces], padding, grid.down, grid.across, True, inputs.numpy(), _NO_SUMS)
            gather(given[faces], 0, grid.down, grid.across, False, outputs.numpy(), of_bias)
            of_kernel.baddbmm_(inputs.transpose(1, 2), outputs)
            if of_images is not None:
                torch.bmm(outputs, transformed.transpose(1, 2), out=inputs)
                scatter(inputs.numpy(), padding, grid.down, grid.across, True, of_images[faces], _NO_BIAS)
        return of_kernel, torch.from_numpy(of_bias).float()

    of_kernels, of_biases = zip(*_over(cores, torch.no_grad()(work), len(x)), strict=True)
    of_kernel = (_G.T @ sum(of_kernels).view(SIZE**2, -1)).view(3, 3, channels, filters).permute(3, 2, 0, 1)
    return back, of_kernel, sum(of_biases)


class _Grid(NamedTuple):
    """The tiles of an output of height x width pixels."""

    height: int
    width: int
    down: int
    across: int

    @classmethod
    def of(cls, x: Tensor, padding: int) -> "_Grid":
        height, width = (side + 2 * padding - 2 for side in x.shape[2:])
        return cls(height, width, -(-height // OUT), -(-width // OUT))

    def blocks(self, share: slice, transformed: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """The faces of a share that are transformed together, and memory for their inputs' and outputs' tiles."""
        positions, channels, filters = transformed.shape
        together = max(round(TILES / (self.down * self.across)), 1)
        for first in range(share.start, share.stop, together):
            count = min(together, share.stop - first)
            if first == share.start or count < together:  # the same memory for all blocks: it stays in the caches
                tiles = count * self.down * self.across
                inputs = transformed.new_empty(positions, tiles, channels)
                outputs = transformed.new_empty(positions, tiles, filters)
            yield slice(first, first + count), inputs, outputs


def _over(cores: ThreadPoolExecutor | None, work: Callable[[slice], Out], faces: int) -> list[Out]:
    """The results of all shares of the faces, in their order."""
    if cores is None:
        return [work(slice(0, faces))]
    return list(cores.map(work, shares(faces, torch.get_num_threads())))


def _channels_last(x: Tensor) -> Images:
    """[N, C, H, W] as an array [N, H, W, C], on the same memory if that is channels last."""
    images: Images = x.detach().permute(0, 2, 3, 1).contiguous().numpy()
    return images
