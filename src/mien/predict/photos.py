"""Photos: files of any kind, bytes, Pillow images and arrays as upright RGB pixels."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.decoding import MAX_PIXELS, SUFFIXES, DecodeOptions, decode, upright
from mien.faces.fer2013 import SIZE
from mien.faces.images import FaceReader
from mien.predict.alignment import alignment_of, cut
from mien.predict.detector import Detector

if TYPE_CHECKING:
    from PIL.Image import Image

STORED_PIXELS = 8_000_000
"""A larger photo is reduced by a whole factor to at most so many pixels, which bounds memory. A face that is too small
afterwards would not be detected before either."""

SMALLEST = 8
"""The least side of a photo, in pixels."""

PhotoSource: TypeAlias = Union[str, "os.PathLike[str]", bytes, "Image", NDArray[np.generic]]
"""A path, a file's content, a Pillow image, or an array: RGB [H, W, 3], with alpha [H, W, 4], or gray [H, W]."""


@dataclass(frozen=True, eq=False)
class Photo:
    """An opened photo.

    Attributes:
        pixels: uint8 [H, W, 3], RGB, upright.
        size: width and height of the upright photo at full size; all coordinates are in its pixels.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels of the photo at full size for each of `pixels`: 1, except for photos of more than `STORED_PIXELS`."""
        return self.size[0] / float(self.pixels.shape[1])


def open_photo(source: PhotoSource, limit: int = MAX_PIXELS) -> Photo:
    """Open a photo.

    It is rotated as its EXIF data say. Transparent pixels become white, 16 bits a channel become 8, CMYK, palettes and
    gray become RGB. Of an animation the first frame is used.

    Args:
        source: a path, or the photo itself.
        limit: the most pixels that it may have.

    Raises:
        UserError: there is no such file, it is not an image or a damaged one, or it is too small or too large; or the
            source is of another type. `UnknownKindError` and `TooManyPixelsError` are among them.
    """
    from PIL import Image

    options = DecodeOptions("RGB", limit, STORED_PIXELS, SMALLEST)
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
            f"a photo cannot be a {type(source).__name__}; expected a path, a file's content as bytes, a Pillow "
            "image or a numpy array"
        )
    return Photo(decoded.pixels, decoded.size)


def gray(photo: Photo) -> NDArray[np.uint8]:
    """The luma of ITU-R 601, uint8 [H, W], in which FER2013's faces are."""
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


def photo_reader(on_photo: Callable[[], None], limit: int = MAX_PIXELS) -> FaceReader:
    """A reader for `mien.faces.images.read_folder` that reduces each photo to its largest face, aligned as in FER2013.

    Args:
        on_photo: called after each photo, by several threads.
        limit: the most pixels that a photo may have.

    Raises:
        UserError: the face detector is not installed.
    """
    detector = Detector()  # an error of its weights is better reported before the first photo

    def read(source: Path | BytesIO) -> NDArray[np.uint8] | None:
        try:
            return face_of(source)
        finally:
            on_photo()

    def face_of(source: Path | BytesIO) -> NDArray[np.uint8] | None:
        try:
            photo = open_photo(source.getvalue() if isinstance(source, BytesIO) else source, limit)
        except UserError as error:
            raise ValueError(str(error).removeprefix(f"{source}: ")) from None
        faces = detector.find(photo.pixels)
        return cut(gray(photo), alignment_of(faces[0].landmarks, faces[0].box), SIZE) if faces else None

    return FaceReader(read, SUFFIXES)
