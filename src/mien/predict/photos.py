"""Photos in: files of any kind, bytes, Pillow's images and arrays, to upright RGB pixels."""

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.decoding import MAX_PIXELS, DecodeOptions, decode, upright

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT = 8_000_000
"""Pixels that are kept of a photo at most: a larger one is shrunk by a whole factor, so that memory stays bounded. A
face that is too small for that would not be found either."""

SMALLEST = 8
"""The least side of a photo, in pixels."""

PhotoSource: TypeAlias = Union[str, "os.PathLike[str]", bytes, "Image", NDArray[np.generic]]
"""A path, a file's content, an image of Pillow's, or an array: RGB [H, W, 3], with alpha [H, W, 4], or gray [H, W]."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as it is looked at.

    Attributes:
        pixels: uint8 [H, W, 3], RGB, upright.
        size: width and height of the whole upright photo, in whose pixels all places are told.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """How many pixels of the whole photo one of `pixels` stands for: 1, but for photos of more than `KEPT`."""
        return self.size[0] / float(self.pixels.shape[1])


def open_photo(source: PhotoSource, limit: int = MAX_PIXELS) -> Photo:
    """Open a photo.

    It is turned as its EXIF data say. What is transparent becomes white, 16 bits a channel become 8, of an animation
    the first frame is taken; CMYK, palettes and gray become RGB.

    Args:
        source: where it is, or what it is.
        limit: pixels that it may have at most.

    Raises:
        UserError: there is no such file, it is no image or a broken one, or it is too small or too large; or the
            source is none of these.
        UnknownKindError, TooManyPixelsError: the UserErrors of those.
    """
    from PIL import Image

    options = DecodeOptions("RGB", limit, KEPT, SMALLEST)
    if isinstance(source, np.ndarray):
        return _of_array(source, options)
    if isinstance(source, bytes):
        decoded = decode(BytesIO(source), "the image", options)
    elif isinstance(source, str | os.PathLike):
        decoded = decode(Path(source), str(source), options)
    elif isinstance(source, Image.Image):
        decoded = upright(source, "the image", options)
    else:
        raise UserError(
            f"a photo cannot be a {type(source).__name__}; expected a path, a file's content as bytes, an image of "
            "Pillow's or an array of numpy's"
        )
    return Photo(decoded.pixels, decoded.size)


def gray(photo: Photo) -> NDArray[np.uint8]:
    """The luma of ITU-R 601, uint8 [H, W], as FER2013's faces are gray."""
    import cv2

    return cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _of_array(array: NDArray[np.generic], options: DecodeOptions) -> Photo:
    shaped = array[..., None] if array.ndim == 2 else array
    if shaped.ndim != 3 or shaped.shape[2] not in (1, 3, 4) or array.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"an array of {array.dtype} {list(array.shape)} is no photo; expected uint8 or uint16 [H, W, 3] in the "
            "order red, green, blue, [H, W, 4] with alpha, or [H, W] of grays"
        )
    height, width, channels = shaped.shape
    options.check((width, height), "the array")
    pixels = shaped.astype(np.uint32)
    if array.dtype == np.uint16:
        pixels = (pixels + 128) // 257
    if channels == 4:
        alpha = pixels[..., 3:]
        pixels = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return Photo(np.broadcast_to(pixels.astype(np.uint8), (height, width, 3)).copy(), (width, height))
