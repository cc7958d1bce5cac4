"""Photos in: files of any kind, bytes, Pillow's images and arrays, to upright RGB pixels."""

import math
import os
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.images import opaque

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .heic .heif .avif .jp2 .ppm .pgm".split()  # noqa: SIM905
)
"""How the names of photos end, in small letters: what is taken from a folder."""

LIMIT = 100_000_000
"""Pixels that a photo may have at most: a header of a few bytes can claim any number."""

KEPT = 8_000_000
"""Pixels that are kept of a photo at most: a larger one is shrunk by a whole factor, so that memory stays bounded. A
face that is too small for that would not be found either."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF")
"""Kinds of files that are opened, as Pillow calls them, besides HEIF; of its others, EPS would start a program. Those
that it knows without loading plugins come first."""

SMALLEST = 8
"""The least side of a photo, in pixels."""

HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of files that pi-heif reads: bytes 8 to 12, after `ftyp` (ISO/IEC 23008-12)."""

BROKEN = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, MemoryError),
    *(RuntimeError, struct.error),
)
"""What Pillow raises over damaged files."""

PhotoSource: TypeAlias = Union[str, "os.PathLike[str]", bytes, "Image", NDArray[np.generic]]
"""A path, a file's content, an image of Pillow's, or an array: RGB [H, W, 3], with alpha [H, W, 4], or gray [H, W]."""


class UnknownKindError(UserError):
    """A file is no image, or one of a kind that cannot be read."""


class TooManyPixelsError(UserError):
    """An image says that it has more pixels than are taken."""


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


def open_photo(source: PhotoSource, limit: int = LIMIT) -> Photo:
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

    if isinstance(source, np.ndarray):
        return _of_array(source, limit)
    if isinstance(source, bytes):
        return _of_file(BytesIO(source), "the image", limit)
    if isinstance(source, str | os.PathLike):
        with _opened(Path(source)) as file:
            return _of_file(file, str(source), limit)
    if not isinstance(source, Image.Image):
        raise UserError(
            f"a photo cannot be a {type(source).__name__}; expected a path, a file's content as bytes, an image of "
            "Pillow's or an array of numpy's"
        )
    with _reading("the image", limit):
        return _of_image(source, "the image", limit)


def gray(photo: Photo) -> NDArray[np.uint8]:
    """The luma of ITU-R 601, uint8 [H, W], as FER2013's faces are gray."""
    import cv2

    return cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def _of_array(array: NDArray[np.generic], limit: int) -> Photo:
    shaped = array[..., None] if array.ndim == 2 else array
    if shaped.ndim != 3 or shaped.shape[2] not in (1, 3, 4) or array.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"an array of {array.dtype} {list(array.shape)} is no photo; expected uint8 or uint16 [H, W, 3] in the "
            "order red, green, blue, [H, W, 4] with alpha, or [H, W] of grays"
        )
    height, width, channels = shaped.shape
    _check_size((width, height), "the array", limit)
    pixels = shaped.astype(np.uint32)
    if array.dtype == np.uint16:
        pixels = (pixels + 128) // 257
    if channels == 4:
        alpha = pixels[..., 3:]
        pixels = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return Photo(np.broadcast_to(pixels.astype(np.uint8), (height, width, 3)).copy(), (width, height))


def _of_file(file: BinaryIO, where: str, limit: int) -> Photo:
    from PIL import Image, UnidentifiedImageError

    with _reading(where, limit):
        head = file.read(12)
        if not head:
            raise UserError(f"{where}: the file is empty")
        file.seek(0)
        try:
            image: Image.Image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            if head[4:8] != b"ftyp" or head[8:] not in HEIF:
                raise UnknownKindError(f"{where}: not an image, or one of an unknown kind") from None
            image = _heif(file, where)
        with image:
            return _of_image(image, where, limit, ours=True)


def _heif(file: BinaryIO, where: str) -> "Image":
    from PIL import Image

    try:
        from pi_heif import register_heif_opener
    except ImportError:
        raise UserError(f"{where}: HEIC photos need a reader of their own: pip install pi-heif") from None
    register_heif_opener()
    file.seek(0)
    return Image.open(file, formats=("HEIF",))


def _of_image(image: "Image", where: str, limit: int, ours: bool = False) -> Photo:
    """Upright RGB of an image, of which nothing but the header was read yet if it is ours, opened here."""
    from PIL import ImageOps

    _check_size(image.size, where, limit)
    if image.mode == "F":
        raise UserError(
            f"{where}: its pixels are floating-point numbers, and nothing says which is white; save it with 8 or 16 "
            "bits a channel"
        )
    width, height = image.size
    if ours and (shrink := _shrink(image.size)) > 1:
        image.draft(None, (width // shrink, height // shrink))  # a JPEG is decoded at a half, quarter or eighth
    upright = ImageOps.exif_transpose(image)
    turned = upright.size != image.size
    shown = opaque(upright)
    rgb = shown if shown.mode == "RGB" else shown.convert("RGB")
    if (shrink := _shrink(rgb.size)) > 1:
        rgb = rgb.reduce(shrink)
    return Photo(np.array(rgb), (height, width) if turned else (width, height))


def _shrink(size: tuple[int, int]) -> int:
    """The least whole factor by which a photo is shrunk to `KEPT` pixels."""
    return math.ceil(math.sqrt(size[0] * size[1] / KEPT))


def _check_size(size: tuple[int, int], where: str, limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise TooManyPixelsError(
            f"{where}: {width:,}x{height:,} pixels; more than {limit / 1e6:g} million are refused, make it smaller"
        )
    if min(size) < SMALLEST:
        raise UserError(f"{where}: {width}x{height} pixels are too small for a face")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # A pipe that nobody writes to would be waited for without end.
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise UserError(f"{path}: not a file; a pipe, a socket or a device is not read")
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder, with no photo to take from it") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # a name with a zero byte
        raise UserError(f"{str(path)!r}: no name of a file ({error})") from None


@contextmanager
def _reading(where: str, limit: int) -> Iterator[None]:
    """Make a broken image a UserError, and keep Pillow's warnings about it to ourselves."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Image.DecompressionBombError:
            raise TooManyPixelsError(
                f"{where}: its header claims more than {limit / 1e6:g} million pixels, which are refused"
            ) from None
        except BROKEN as error:
            raise UserError(f"{where}: a broken image ({error})") from None
