"""Find copies of images, pixel for pixel or nearly so, and images of one gray.

Images of one gray are called constant. They show no face, so they count as no copies of each other. Copies are equal
pixel for pixel; near duplicates have the same difference hash, or one that differs in a few bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mien.faces.types import Faces

Rows = NDArray[np.int64]


def leaked(faces: Faces) -> NDArray[np.bool_]:
    """Which test images are also in train, pixel for pixel: bool [rows of test]; False for constant images."""
    group = copies(faces)
    test = group[faces.rows("test")]
    return (test >= 0) & np.isin(test, group[faces.rows("train")])


def is_constant(faces: Faces) -> NDArray[np.bool_]:
    """Which images have one gray only: bool [N]."""
    return np.asarray(faces.images.min(axis=(1, 2)) == faces.images.max(axis=(1, 2)))


def copies(faces: Faces) -> Rows:
    """For every image the row of the first image that equals it pixel for pixel: int64 [N], -1 for constant images."""
    first: dict[bytes, int] = {}
    rows = (first.setdefault(image.tobytes(), row) for row, image in enumerate(faces.images))
    return np.where(is_constant(faces), -1, np.fromiter(rows, np.int64, len(faces)))


def conflicting(faces: Faces, group: Rows) -> Rows:
    """The groups whose images carry different labels, ascending: int64 [groups].

    Args:
        faces: the images.
        group: int64 [N], what `copies` gives for them.
    """
    known = group >= 0
    pairs = np.unique(np.stack([group[known], faces.labels[known]]), axis=1)
    groups, labels = np.unique(pairs[0], return_counts=True)
    return groups[labels > 1]


def difference_hash(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The 64-bit difference hash (N. Krawetz 2013, "Kind of Like That", hackerfactor.com).

    Images are reduced to 9x8 by Lanczos's filter; each pixel that is brighter than the one to its left sets a bit.

    Args:
        images: uint8 [N, H, W].

    Returns:
        uint64 [N].
    """
    from PIL import Image  # with its filter the hashes are comparable with those of others

    n, height, width = images.shape
    if n == 0:
        return np.zeros(0, np.uint64)
    # All images at once, as one tall picture: first every row is made 9 wide, then, turned, every column 8 high.
    rows = Image.fromarray(images.reshape(n * height, width)).resize((9, n * height), Image.Resampling.LANCZOS)
    columns = np.ascontiguousarray(np.asarray(rows).reshape(n, height, 9).swapaxes(1, 2)).reshape(n * 9, height)
    small = np.asarray(Image.fromarray(columns).resize((8, n * 9), Image.Resampling.LANCZOS)).reshape(n, 9, 8)
    brighter = small[:, 1:] > small[:, :-1]
    return np.packbits(brighter.swapaxes(1, 2).reshape(n, 64), axis=1).view(">u8").ravel().astype(np.uint64)


def nearest(
    hashes: NDArray[np.uint64], among: NDArray[np.uint64], block: int = 256
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """For every hash, find the nearest of other hashes: the one that differs in the fewest bits.

    Args:
        hashes: uint64 [N].
        among: uint64 [M], M > 0.
        block: how many of `hashes` to compare at once.

    Returns:
        bits uint8 [N], 0..64, in which they differ; and places int64 [N], 0..M-1, of the nearest.
    """
    bits, places = np.empty(len(hashes), np.uint8), np.empty(len(hashes), np.int64)
    for start in range(0, len(hashes), block):
        differ = np.bitwise_count(hashes[start : start + block, None] ^ among[None, :])
        at = differ.argmin(axis=1)
        places[start : start + block] = at
        bits[start : start + block] = differ[np.arange(len(at)), at]
    return bits, places
