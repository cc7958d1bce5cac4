"""Decode image files of every kind that is read to upright pixels, both ready faces and photos."""

import math
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.extras import install_command
from mien.faces.decode_errors import DECODE_ERRORS, TooManyPixelsError, UnknownKindError, errors_translated
from mien.faces.metadata import EXIF_ORIENTATION, exif_orientation, without_metadata

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .heic .heif .avif .jp2 .ppm .pgm".split()  # noqa: SIM905
)
"""Suffixes of image files, in lower case: these files are read from a folder."""

MAX_PIXELS = 128_000_000
"""The most pixels that an image may have by default: a header of a few bytes can claim any number."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF")
"""Kinds of files that are opened, by Pillow's names; HEIF is read besides. Of Pillow's other kinds, EPS would start a
program. Those that Pillow knows without loading plugins come first."""

HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of the files that pi-heif reads: bytes 8 to 12, after `ftyp` (ISO/IEC 23008-12)."""

_MAX_BYTES_PER_PIXEL, _MAX_METADATA = 8, 1 << 28
"""The most bytes of a file: for each pixel (16 bits for each of four channels), and for its metadata."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded image.

    Attributes:
        pixels: uint8, upright: [H, W] of gray, [H, W, 3] of RGB.
        size: width and height of the whole upright image, where `pixels` has been shrunk.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]


@dataclass(frozen=True)
class DecodeOptions:
    """How to decode an image.

    Attributes:
        mode: "RGB"; or "L", gray by the luma of ITU-R 601.
        max_pixels: the most pixels that it may have.
        shrink_to: the most pixels of the result: a larger image is shrunk by a whole factor, a JPEG while it is
            decoded. None: it is not shrunk.
        min_side: the least width and height that it may have, in pixels.
    """

    mode: Literal["L", "RGB"]
    max_pixels: int = MAX_PIXELS
    shrink_to: int | None = None
    min_side: int = 1

    def check(self, size: tuple[int, int], where: str) -> None:
        """Check an image's width and height.

        Raises:
            UserError: a side is too short.
            TooManyPixelsError: there are more than `max_pixels`.
        """
        width, height = size
        if width * height > self.max_pixels:
            raise TooManyPixelsError(
                f"{where}: {width:,}x{height:,} pixels; more than {self.max_pixels / 1e6:g} million are refused",
                f"make it smaller, or allow so many: --max-pixels {width * height}",
            )
        if min(size) < self.min_side:
            raise UserError(f"{where}: {width}x{height} pixels are too small for a face")

    def shrink_factor(self, size: tuple[int, int]) -> int:
        """The least whole factor to divide width and height by, to get `shrink_to` pixels at most."""
        return math.ceil(math.sqrt(size[0] * size[1] / self.shrink_to)) if self.shrink_to else 1


def decode(source: Path | BinaryIO, where: str, options: DecodeOptions) -> Decoded:
    """Decode an image file.

    Of its metadata only the orientation is used; nothing else in the metadata makes the image unreadable. Transparent
    pixels become white, 16 bits a channel become 8, CMYK and palettes become RGB. An animation gives its first frame.

    Args:
        source: a path, or an open file at its beginning.
        where: its name in messages.
        options: how to decode it.

    Raises:
        UserError: there is no such file, it is broken, or it is too small.
        UnknownKindError: it is no image, or one of an unknown kind.
        TooManyPixelsError: it has more than `options.max_pixels`.
    """
    if isinstance(source, Path):
        with _opened(source) as file:
            return decode(file, where, options)
    with errors_translated(where):
        image, orientation = _identify(source, where, options.max_pixels)
        with image:
            options.check(image.size, where)
            size, factor = image.size, options.shrink_factor(image.size)
            if factor > 1:
                image.draft(None, (size[0] // factor, size[1] // factor))  # a JPEG is read at a half, quarter or eighth
            return _to_pixels(image, orientation or _orientation(image), size, where, options)


def upright(image: "Image", where: str, options: DecodeOptions) -> Decoded:
    """Decode an image that is open in Pillow, as `decode` does; it stays as it is.

    Raises:
        UserError: it is broken or too small, or its pixels are floating-point numbers.
        TooManyPixelsError: it has more than `options.max_pixels`.
    """
    with errors_translated(where):
        options.check(image.size, where)
        return _to_pixels(image, _orientation(image), image.size, where, options)


def _to_pixels(image: "Image", orientation: int, size: tuple[int, int], where: str, options: DecodeOptions) -> Decoded:
    image.load()
    if image.mode == "F":
        raise UserError(
            f"{where}: its pixels are floating-point numbers, and nothing says which is white; save it with 8 or 16 "
            "bits a channel"
        )
    opaque = _opaque(image)
    converted = opaque if opaque.mode == options.mode else opaque.convert(options.mode)
    if (factor := options.shrink_factor(converted.size)) > 1:
        converted = converted.reduce(factor)
    pixels: NDArray[np.uint8] = _TURNS[orientation](np.asarray(converted))
    return Decoded(np.ascontiguousarray(pixels), size[::-1] if orientation > 4 else size)


_TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda pixels: pixels.copy(),
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
"""How to turn pixels upright, by EXIF's orientation (Exif 2.32, 4.6.4)."""


def _opaque(image: "Image") -> "Image":
    """The image with at most 8 bits a channel, on white where it is transparent."""
    from PIL import Image

    if image.mode == "I" or image.mode.startswith("I;16"):
        deep: NDArray[np.int64] = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise ValueError("more than 16 bits a pixel")
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _orientation(image: "Image") -> int:
    """The orientation in an image's metadata, 1 to 8; 1 where there is none or it is damaged."""
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION)
    except DECODE_ERRORS:
        exif = image.info.get("exif")
        orientation = exif_orientation(exif) if isinstance(exif, bytes) else None
    return orientation if orientation in _TURNS else 1


def _identify(file: BinaryIO, where: str, max_pixels: int) -> tuple["Image", int | None]:
    """Open a file as Pillow's image, without reading pixels; and its orientation, where the decoder does not apply it.

    This calls Pillow's plugins one by one and not `Image.open`, which refuses images with more pixels than a limit that
    is set for the whole process.
    """
    from PIL import Image

    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not size:
        raise UserError(f"{where}: the file is empty")
    if size > _MAX_BYTES_PER_PIXEL * max_pixels + _MAX_METADATA:
        raise TooManyPixelsError(
            f"{where}: a file of {size / 1e6:,.0f} MB, more than an image of {max_pixels / 1e6:g} million pixels takes",
            "make it smaller, or allow more pixels: --max-pixels",
        )
    content, orientation = without_metadata(file.read())
    Image.preinit()
    for name in FORMATS:
        if name not in Image.OPEN:
            Image.init()
        factory, accepts = Image.OPEN[name]
        if accepts and accepts(content[:16]) is True:
            try:
                return factory(BytesIO(content), ""), orientation
            except (SyntaxError, LookupError, TypeError, struct.error):
                continue
    if content[4:8] == b"ftyp" and content[8:12] in HEIF:
        return _heif(BytesIO(content), where), None
    raise UnknownKindError(f"{where}: not an image, or one of an unknown kind")


def _heif(file: BinaryIO, where: str) -> "Image":
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        raise UserError(f"{where}: HEIC photos need a reader of their own: {install_command('heic')}") from None
    image: Image = HeifImageFile(file)
    return image


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # Opening a pipe to which nobody writes would wait for ever.
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
        raise UserError(f"{str(path)!r}: not a file name ({error})") from None
