"""Corruptions: changes of a face's pixels as by light, lenses, distance and compression, to test robustness."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien.faces import Faces


def _half_the_contrast(face: Image.Image) -> Image.Image:
    return Image.blend(Image.new("L", face.size, round(float(np.asarray(face).mean()))), face, 0.5)


def _darker(face: Image.Image) -> Image.Image:
    return face.point([round(255 * (gray / 255) ** 2) for gray in range(256)])


def _brighter(face: Image.Image) -> Image.Image:
    return face.point([round(255 * (gray / 255) ** 0.5) for gray in range(256)])


def _blurred(face: Image.Image) -> Image.Image:
    return face.filter(ImageFilter.GaussianBlur(1))


def _sharpened(face: Image.Image) -> Image.Image:
    return face.filter(ImageFilter.UnsharpMask(radius=1, percent=100, threshold=0))


def _noisy(face: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 8, (face.height, face.width))
    return Image.fromarray(np.clip(np.rint(np.asarray(face) + noise), 0, 255).astype(np.uint8))


def _half_the_size(face: Image.Image) -> Image.Image:
    small = face.resize((face.width // 2, face.height // 2), Image.Resampling.BOX)
    return small.resize(face.size, Image.Resampling.BICUBIC)


def _compressed(face: Image.Image) -> Image.Image:
    content = BytesIO()
    face.save(content, "JPEG", quality=20)
    return Image.open(content)


CORRUPTIONS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "half the contrast": _half_the_contrast,
    "darker: gamma 2": _darker,
    "brighter: gamma 0.5": _brighter,
    "blurred by 1 pixel": _blurred,
    "sharpened": _sharpened,
    "noise of 8 grays": _noisy,
    "half the size, enlarged": _half_the_size,
    "JPEG of quality 20": _compressed,
}
"""Functions of a gray face, by name."""


def corrupt(faces: Faces, name: str) -> Faces:
    """Apply one of `CORRUPTIONS` to each face.

    Args:
        faces: images uint8 [N, H, W].
        name: of the corruption.
    """
    corrupted = [np.asarray(CORRUPTIONS[name](Image.fromarray(face)), np.uint8) for face in faces.images]
    images: NDArray[np.uint8] = np.array(corrupted, np.uint8).reshape(faces.images.shape)
    return replace(faces, images=images)
