"""Tiles of images for Winograd's convolution, compiled: cut out and transformed, or transformed back and put together.

A transform is one small matrix for a tile's rows and its columns: M @ tile @ M.T. Images are float32 [N, H, W, C],
transformed tiles float32 [SIZE * SIZE, tiles, C], which is as many matrices, for as many matrix products. The matrices
are those of F(4x4, 3x3) of Lavin & Gray 2016, arXiv 1509.09308.
"""

import numpy as np
from numpy.typing import NDArray

from mien.compiled import compiled
from mien.training.fast.vectors import LANES, Matrix, linear_map

Images = NDArray[np.float32]
Tiles = NDArray[np.float32]
Bias = NDArray[np.float32]
Sums = NDArray[np.float64]

OUT = 4
"""The side of a tile of the output."""

SIZE = OUT + 2
"""The side of a tile of the input, and of a transformed one; kernels are 3x3."""

KERNEL: Matrix = ((1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6), (1 / 24, 1 / 12, 1 / 6))
KERNEL = (*KERNEL, (1 / 24, -1 / 12, 1 / 6), (0, 0, 1))
"""G: transforms a kernel."""

INPUT: Matrix = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0), (0, -2, -1, 2, 1, 0))
INPUT = (*INPUT, (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1))
"""B.T: transforms a tile of the input."""

OUTPUT: Matrix = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
"""A.T: gives a tile of the output. Its second column is of ones, so what stands there at both sides is a sum."""

SUM = SIZE + 1
"""The transformed value that adds to every pixel of an output's tile, and takes the sum of its gradient."""

_copy = linear_map(((1,),))
_clear = linear_map(((0,),))
_input = linear_map(INPUT)
_input_back = linear_map(tuple(zip(*INPUT, strict=True)))
_add_input_back = linear_map(tuple(zip(*INPUT, strict=True)), adds=True)
_output = linear_map(OUTPUT)
_output_back = linear_map(tuple(zip(*OUTPUT, strict=True)))


@compiled("void(f4[:,:,:,::1], i8, i8, i8, b1, f4[:,:,::1], f8[::1])")
def gather(x: Images, padding: int, down: int, across: int, overlap: bool, tiles: Tiles, sums: Sums) -> None:
    """Cut images into down * across tiles each, and transform them.

    x: of channels that `LANES` divides; what a tile has beyond the image is 0. padding: where the first tile begins, in
    pixels before the first. overlap: true for inputs, false for the gradient of outputs. tiles: for the result.
    sums: float64 [C], to which the sum of each channel of an output's gradient is added, or empty.
    """
    faces, height, width, channels = x.shape
    size = SIZE if overlap else OUT
    wide = OUT * across + size - OUT
    row, line = width * channels, wide * channels
    count = tiles.shape[1] * channels
    pixels, to = x.reshape(-1), tiles.reshape(-1)
    half = np.zeros(SIZE * line, np.float32)  # transformed down: [SIZE, wide, channels]
    edge = np.zeros(size * row, np.float32)
    tile = 0
    for face in range(faces):
        for i in range(down):
            top = OUT * i - padding
            source, start = pixels, (face * height + top) * row
            if top < 0 or top + size > height:
                for r in range(size):
                    inside = 0 <= top + r < height
                    for c in range(0, row, LANES):
                        if inside:
                            _copy(pixels, start + r * row + c, 0, edge, r * row + c, 0)
                        else:
                            _clear(edge, 0, 0, edge, r * row + c, 0)
                source, start = edge, 0
            for c in range(0, row, LANES):
                if overlap:
                    _input(source, start + c, row, half, padding * channels + c, line)
                else:
                    _output_back(source, start + c, row, half, padding * channels + c, line)
            for k in range(SIZE):
                for j in range(across):
                    at, place = k * line + OUT * j * channels, SIZE * k * count + (tile + j) * channels
                    for c in range(0, channels, LANES):
                        if overlap:
                            _input(half, at + c, channels, to, place + c, count)
                        else:
                            _output_back(half, at + c, channels, to, place + c, count)
            tile += across
    for t in range(tile):
        for c in range(sums.size):
            sums[c] += tiles[SUM, t, c]


@compiled("void(f4[:,:,::1], i8, i8, i8, b1, f4[:,:,:,::1], f4[::1])")
def scatter(tiles: Tiles, padding: int, down: int, across: int, overlap: bool, y: Images, bias: Bias) -> None:
    """The adjoint of `gather` for the other matrix: transform tiles and put them together to images.

    overlap: false for outputs; true for the gradient of inputs, where tiles are added up. y: for the result.
    bias: [C], added to outputs, or empty; `tiles` is overwritten.
    """
    faces, height, width, channels = y.shape
    for t in range(faces * down * across):
        for c in range(bias.size):
            tiles[SUM, t, c] += bias[c]
    size = SIZE if overlap else OUT
    wide = OUT * across + size - OUT
    row, line, beside = width * channels, wide * channels, across * channels
    count = tiles.shape[1] * channels
    source, pixels = tiles.reshape(-1), y.reshape(-1)
    half = np.empty(size * SIZE * beside, np.float32)  # transformed down: [size, SIZE, across, channels]
    to = np.zeros(size * line, np.float32)  # [size, wide, channels]
    tile = 0
    for face in range(faces):
        for c in range(0, size * line, LANES):
            _clear(to, 0, 0, to, c, 0)
        for i in range(down):
            for k in range(SIZE):
                at = k * count + tile * channels
                for c in range(0, beside, LANES):
                    if overlap:
                        _input_back(source, at + c, SIZE * count, half, k * beside + c, SIZE * beside)
                    else:
                        _output(source, at + c, SIZE * count, half, k * beside + c, SIZE * beside)
            for r in range(size):
                for j in range(across):
                    at, place = r * SIZE * beside + j * channels, r * line + OUT * j * channels
                    for c in range(0, channels, LANES):
                        if overlap:
                            _add_input_back(half, at + c, beside, to, place + c, channels)
                        else:
                            _output(half, at + c, beside, to, place + c, channels)
            for r in range(size if i == down - 1 else OUT):
                place = OUT * i + r - padding
                if 0 <= place < height:
                    for c in range(0, row, LANES):
                        _copy(to, r * line + padding * channels + c, 0, pixels, (face * height + place) * row + c, 0)
            if overlap:  # the next tiles begin in the last two rows of these
                for c in range(0, (size - OUT) * line, LANES):
                    _copy(to, OUT * line + c, 0, to, c, 0)
                for c in range((size - OUT) * line, size * line, LANES):
                    _clear(to, 0, 0, to, c, 0)
            tile += across
