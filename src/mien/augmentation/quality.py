"""The words that change how good a picture is, not what it shows: as lenses, sensors, enlarging and files do.

A face stays the same face, so the teachers of a net see it without them.
"""

from functools import cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.augmentation.geometry import Share
from mien.augmentation.pixels import Batch

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


def blur(at: Batch, deviation: Pixels, probability: Share = 1.0) -> None:
    """Blur a face by a Gaussian, with this probability: as photos out of focus and small faces made larger are.

    Its standard deviation is drawn for each face, evenly between 0 and `deviation` pixels. At the border what lies
    within the face counts alone.
    """
    deviations = at.drawn(deviation, probability)
    blurred = np.flatnonzero(deviations > 0)
    at.images[blurred] = _smooth(at.images[blurred], deviations[blurred])


def sharpen(at: Batch, amount: Amount, probability: Share = 1.0) -> None:
    """Add to a face what a blur by one pixel would take from it, with this probability: as cameras and resizing do.

    It is taken up to `amount` times, drawn evenly for each face (an unsharp mask).
    """
    amounts = at.drawn(amount, probability)
    chosen = np.flatnonzero(amounts > 0)
    faces = at.images[chosen]
    faces += amounts[chosen, None, None].astype(np.float32) * (faces - _smooth(faces, np.ones(1)))
    at.images[chosen] = np.clip(faces, 0, 255)


def noise(at: Batch, deviation: Deviation, probability: Share = 1.0) -> None:
    """Add normal noise of this standard deviation, in grays of 0..255, to each pixel (Keras's GaussianNoise).

    With a probability, to the faces that it takes alone.
    """
    import torch  # draws them in a third of numpy's time

    drawn = torch.Generator().manual_seed(int(at.rng.integers(2**32)))
    added = torch.empty(at.images.shape).normal_(0, deviation, generator=drawn).numpy()
    if probability < 1:
        added *= (at.rng.random(len(added)) < probability)[:, None, None]
    at.images += added
    np.clip(at.images, 0, 255, out=at.images)


def jpeg(at: Batch, quality: Quality, probability: Share = 1.0) -> None:
    """Compress a face as JPEG does, with this probability, at a quality drawn between `quality` and 100.

    Qualities are those of libjpeg. Blocks of 8 pixels lie from the top left corner; what the last ones lack is as the
    border.
    """
    qualities = at.rng.integers(quality, 101, len(at.images))
    chosen = np.flatnonzero(at.rng.random(len(at.images)) < probability)
    at.images[chosen] = compress(at.images[chosen], qualities[chosen])


def compress(images: NDArray[np.float32], qualities: NDArray[np.integer]) -> NDArray[np.float32]:
    """Gray images as they come back from JPEG files; within rounding those of libjpeg.

    Args:
        images: float32 [N, H, W], 0..255.
        qualities: of libjpeg, integers [N], 1..100.

    Returns:
        Whole numbers, float32 [N, H, W], 0..255.
    """
    height, width = images.shape[1:]
    lacking = (0, 0), (0, -height % BLOCK), (0, -width % BLOCK)
    faces = np.pad(images, lacking, mode="edge") - 128
    down, across = (_cosines(length // BLOCK) for length in faces.shape[1:])
    quanta = np.tile(_quanta(qualities), (1, len(down) // BLOCK, len(across) // BLOCK))
    coded = np.rint((down @ faces @ across.T) / quanta) * quanta
    decoded: NDArray[np.float32] = np.clip(np.rint(down.T @ coded @ across + 128), 0, 255)
    return decoded[:, :height, :width]


def _quanta(qualities: NDArray[np.integer]) -> NDArray[np.float32]:
    """What frequencies are divided by at these qualities of libjpeg, [N, 8, 8]."""
    percent = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)[:, None, None]
    return np.clip((QUANTA * percent + 50) // 100, 1, 255).astype(np.float32)


@cache
def _cosines(blocks: int) -> NDArray[np.float32]:
    """The cosine transform of each of so many blocks in a row, as one matrix, whose transpose undoes it."""
    places = np.arange(BLOCK)
    waves = np.cos(np.pi / BLOCK * (places + 0.5) * places[:, None]) * np.sqrt(2 / BLOCK)
    waves[0] /= np.sqrt(2)
    transform: NDArray[np.float32] = np.kron(np.eye(blocks, dtype=np.float32), waves.astype(np.float32))
    return transform


def _smooth(faces: NDArray[np.float32], deviations: NDArray[np.float64]) -> NDArray[np.float32]:
    """Faces [N, H, W] blurred by a Gaussian of these standard deviations, [N], or [1] of all."""
    height, width = faces.shape[1:]
    down = _gaussians(deviations, height)
    across = down if width == height else _gaussians(deviations, width)
    return (down @ faces @ across.transpose(0, 2, 1)).astype(np.float32, copy=False)


def _gaussians(deviations: NDArray[np.float64], length: int) -> NDArray[np.float32]:
    """The weight of each old pixel of a row in each new one, [N, length, length]; those of a new one add up to 1."""
    places = np.arange(length)
    falling = np.exp(-(places**2) / (2 * np.maximum(deviations, 1e-3)[:, None] ** 2)).astype(np.float32)
    falling[falling < 1e-6] = 0  # the smallest floats make a product ten times slower
    weights = falling[:, np.abs(places[:, None] - places)]
    shares: NDArray[np.float32] = weights / weights.sum(axis=2, keepdims=True)
    return shares
