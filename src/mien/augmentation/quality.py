"""The words that change how good a picture is, not what it shows: as lenses, sensors, enlarging and files do.

A face stays the same face, so the teachers of a net see it without them.
"""

from functools import cache
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.augmentation.geometry import Share

if TYPE_CHECKING:
    from torch import Tensor

    from mien.augmentation.batch import Batch

Deviation = Annotated[float, Field(ge=0, le=255)]
Pixels = Annotated[float, Field(ge=0, le=16)]
Amount = Annotated[float, Field(ge=0, le=10)]
Quality = Annotated[int, Field(ge=1, le=100)]

QUANTA = np.array(
    [
        (16, 11, 10, 16, 24, 40, 51, 61),
        (12, 12, 14, 19, 26, 58, 60, 55),
        (14, 13, 16, 24, 40, 57, 69, 56),
        (14, 17, 22, 29, 51, 87, 80, 62),
        (18, 22, 37, 56, 68, 109, 103, 77),
        (24, 35, 55, 64, 81, 104, 113, 92),
        (49, 64, 78, 87, 103, 121, 120, 101),
        (72, 92, 95, 98, 112, 100, 103, 99),
    ],
    np.float32,
)
"""By what JPEG divides the frequencies of a block of brightness at quality 50: ITU-T T.81, table K.1."""

BLOCK = len(QUANTA)
"""The side of JPEG's blocks, in pixels."""


def blur(at: "Batch", deviation: Pixels, probability: Share = 1.0) -> None:
    """Blur a face by a Gaussian, with this probability: as photos out of focus and small faces made larger are.

    Its standard deviation is drawn for each face, evenly between 0 and `deviation` pixels. At the border what lies
    within the face counts alone.
    """
    deviations = at.drawn(deviation, probability)
    blurred = np.flatnonzero(deviations > 0)
    index = at.sent(blurred)
    at.images[index] = _smooth(at.images.index_select(0, index), at.sent(deviations[blurred]))


def sharpen(at: "Batch", amount: Amount, probability: Share = 1.0) -> None:
    """Add to a face what a blur by one pixel would take from it, with this probability: as cameras and resizing do.

    It is taken up to `amount` times, drawn evenly for each face (an unsharp mask).
    """
    amounts = at.drawn(amount, probability)
    chosen = np.flatnonzero(amounts > 0)
    index = at.sent(chosen)
    faces = at.images.index_select(0, index)
    times = at.sent(-amounts[chosen])[:, None, None]
    at.images[index] = faces.lerp(_smooth(faces, at.sent(np.ones(1))), times).clamp_(0, 255)


def noise(at: "Batch", deviation: Deviation, probability: Share = 1.0) -> None:
    """Add normal noise of this standard deviation, in grays of 0..255, to each pixel (Keras's GaussianNoise).

    With a probability, to the faces that it takes alone.
    """
    added = at.noise(deviation)
    if probability < 1:
        added.mul_(at.sent(at.rng.random(len(added)) < probability)[:, None, None])
    at.images.add_(added).clamp_(0, 255)


def jpeg(at: "Batch", quality: Quality, probability: Share = 1.0) -> None:
    """Compress a face as JPEG does, with this probability, at a quality drawn between `quality` and 100.

    Qualities are those of libjpeg. Blocks of 8 pixels lie from the top left corner; what the last ones lack is as the
    border.
    """
    qualities = at.rng.integers(quality, 101, len(at.images))
    chosen = np.flatnonzero(at.rng.random(len(at.images)) < probability)
    index = at.sent(chosen)
    height, width = at.images.shape[1:]
    quanta = at.sent(_quanta(qualities[chosen])).repeat(1, -(-height // BLOCK), -(-width // BLOCK))
    down, up = map(at.sent, _cosines(height))
    across, back = (down, up) if width == height else map(at.sent, _cosines(width))
    coded = down @ (at.images.index_select(0, index).sub_(128) @ across.T)
    coded.div_(quanta).round_().mul_(quanta)
    at.images[index] = (up @ (coded @ back.T)).add_(128).round_().clamp_(0, 255)


def _quanta(qualities: NDArray[np.integer]) -> NDArray[np.float32]:
    """What frequencies are divided by at these qualities of libjpeg, [N, 8, 8]."""
    percent = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)[:, None, None]
    return np.clip((QUANTA * percent + 50) // 100, 1, 255).astype(np.float32)


@cache
def _cosines(length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The cosine transform of each block of a column of pixels, as a matrix, and the matrix that undoes it.

    The first is [B, length], with B the length in whole blocks: what the last block lacks is as the last pixel.
    """
    blocks, places = -(-length // BLOCK), np.arange(BLOCK)
    waves = np.cos(np.pi / BLOCK * (places + 0.5) * places[:, None]) * np.sqrt(2 / BLOCK)
    waves[0] /= np.sqrt(2)
    transform = np.kron(np.eye(blocks), waves)
    extended = np.eye(length)[np.minimum(np.arange(blocks * BLOCK), length - 1)]
    return (transform @ extended).astype(np.float32), transform.T[:length].astype(np.float32)


def _smooth(faces: "Tensor", deviations: "Tensor") -> "Tensor":
    """Faces [N, H, W] blurred by a Gaussian of these standard deviations, [N], or [1] of all."""
    height, width = faces.shape[1:]
    down = _gaussians(deviations, height)
    across = down if width == height else _gaussians(deviations, width)
    return down @ faces @ across.mT


def _gaussians(deviations: "Tensor", length: int) -> "Tensor":
    """The weight of each old pixel of a row in each new one, [N, length, length]; those of a new one add up to 1."""
    import torch

    distances = torch.arange(1 - length, length, device=deviations.device)
    falling = (-0.5 * (distances / deviations.clamp(min=1e-3)[:, None]).square()).clamp_(min=-20).exp_()
    falling *= falling >= 1e-6  # the smallest floats make a product ten times slower
    weights = falling.unfold(1, length, 1).flip(1)
    return weights.div_(weights.sum(2, keepdim=True))
