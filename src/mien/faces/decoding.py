"""Image files of every kind that is read, to upright pixels: of ready faces and of photos alike."""

import math
import os
import stat
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.metadata import EXIF_ORIENTATION, exif_orientation, without_metadata

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .tif .tiff .gif .heic .heif .avif .jp2 .ppm .pgm".split()  # noqa: SIM905
)
"""How the names of image files end, in small letters: what is taken from a folder."""

LIMIT = 128_000_000
"""Pixels that an image may have at most, unless more are allowed: a header of a few bytes can claim any number."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000", "AVIF")
"""Kinds of files that are opened, as Pillow calls them, besides HEIF; of its others, EPS would start a program. Those
that it knows without loading plugins come first."""

HEIF = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""Brands of files that pi-heif reads: bytes 8 to 12, after `ftyp` (ISO/IEC 23008-12)."""

BROKEN = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, OverflowError),
    *(RuntimeError, struct.error),
)
"""What Pillow raises over damaged files."""


_MOST_BYTES, _MOST_METADATA = 8, 1 << 28
"""Bytes of a file for each of its pixels, 16 bits for each of four channels, and besides them."""


class UnknownKindError(UserError):
    """A file is no image, or one of a kind that cannot be read."""


class TooManyPixelsError(UserError):
    """An image says that it has more pixels than are taken: the first argument tells it, the second what to do."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.args))


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image as it is to be seen.

    Attributes:
        pixels: uint8, upright: [H, W] of gray, [H, W, 3] of RGB.
        size: width and height of the whole upright image, where `pixels` has been shrunk.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]


@dataclass(frozen=True)
class Wanted:
    """What is wanted of an image.

    Attributes:
        mode: "RGB"; or "L", gray by the luma of ITU-R 601.
        limit: pixels that it may have at most.
        keep: pixels that are kept of it at most: a larger one is shrunk by a whole factor, a JPEG while it is decoded.
        least: the least side that it may have, in pixels.
    """

    mode: Literal["L", "RGB"]
    limit: int = LIMIT
    keep: int | None = None
    least: int = 1

    def check(self, size: tuple[int, int], where: str) -> None:
        """Refuse an image by its width and height.

        Raises:
            UserError: a side is too short.
            TooManyPixelsError: the UserError of that.
        """
        width, height = size
        if width * height > self.limit:
            raise TooManyPixelsError(
                f"{where}: {width:,}x{height:,} pixels; more than {self.limit / 1e6:g} million are refused",
                f"make it smaller, or allow so many: --max-pixels {width * height}",
            )
        if min(size) < self.least:
            raise UserError(f"{where}: {width}x{height} pixels are too small for a face")

    def shrink(self, size: tuple[int, int]) -> int:
        """The least whole factor by which an image becomes small enough."""
        return math.ceil(math.sqrt(size[0] * size[1] / self.keep)) if self.keep else 1


def decode(source: Path | BinaryIO, where: str, wanted: Wanted) -> Decoded:
    """Read an image file.

    Of its metadata only the orientation is used, and nothing else of them makes it unreadable. What is transparent
    becomes white, 16 bits a channel become 8, CMYK and palettes become RGB, of an animation the first frame is taken.

    Args:
        source: a path, or a file that is opened and at its beginning.
        where: what to call it in a message.
        wanted: what to make of it.

    Raises:
        UserError: there is no such file, it is no image or a broken one, or it is too small.
        UnknownKindError, TooManyPixelsError: the UserErrors of those.
    """
    if isinstance(source, Path):
        with _opened(source) as file:
            return decode(file, where, wanted)
    with _broken_told(where):
        image, orientation = _identified(source, where, wanted.limit)
        with image:
            wanted.check(image.size, where)
            size, shrink = image.size, wanted.shrink(image.size)
            if shrink > 1:
                image.draft(None, (size[0] // shrink, size[1] // shrink))  # a JPEG is read at a half, quarter or eighth
            return _made(image, orientation or _orientation(image), size, where, wanted)


def upright(image: "Image", where: str, wanted: Wanted) -> Decoded:
    """The same of an image that somebody opened with Pillow; it stays as it is.

    Raises:
        UserError: it is broken or too small, or has no pixels that can be shown.
        TooManyPixelsError: the UserError of that.
    """
    with _broken_told(where):
        wanted.check(image.size, where)
        return _made(image, _orientation(image), image.size, where, wanted)


def _made(image: "Image", orientation: int, size: tuple[int, int], where: str, wanted: Wanted) -> Decoded:
    image.load()
    if image.mode == "F":
        raise UserError(
            f"{where}: its pixels are floating-point numbers, and nothing says which is white; save it with 8 or 16 "
            "bits a channel"
        )
    shown = _opaque(image)
    shown = shown if shown.mode == wanted.mode else shown.convert(wanted.mode)
    if (shrink := wanted.shrink(shown.size)) > 1:
        shown = shown.reduce(shrink)
    pixels: NDArray[np.uint8] = _TURNS[orientation](np.asarray(shown))
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
"""How pixels are set upright, by the orientation of EXIF (Exif 2.32, 4.6.4)."""


def _opaque(image: "Image") -> "Image":
    """The image with at most 8 bits a channel and nothing transparent: what shines through is white."""
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
    """What an image's own metadata tell, as far as they are right; 1 where they do not."""
    try:
        found = image.getexif().get(EXIF_ORIENTATION)
    except BROKEN:
        found = exif_orientation(image.info["exif"]) if isinstance(image.info.get("exif"), bytes) else None
    return found if found in _TURNS else 1


def _identified(file: BinaryIO, where: str, limit: int) -> tuple["Image", int | None]:
    """Pillow's image of a file, of which no pixel was read yet; and its orientation, where its decoder does not tell.

    Pillow's plugins are asked one by one, past `Image.open`: that refuses what has more pixels than a number tells that
    belongs to the whole process.
    """
    from PIL import Image

    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not size:
        raise UserError(f"{where}: the file is empty")
    if size > _MOST_BYTES * limit + _MOST_METADATA:
        raise TooManyPixelsError(
            f"{where}: a file of {size / 1e6:,.0f} MB, which no image of {limit / 1e6:g} million pixels has",
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
        raise UserError(f"{where}: HEIC photos need a reader of their own: pip install pi-heif") from None
    image: Image = HeifImageFile(file)
    return image


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
def _broken_told(where: str) -> Iterator[None]:
    """Make what goes wrong over a broken image a UserError, and keep Pillow's warnings about it to ourselves."""
    from PIL import Image

    with _without_warnings():
        try:
            yield
        except Image.DecompressionBombError:
            raise TooManyPixelsError(
                f"{where}: more pixels than Pillow reads of this kind of file", "make it smaller, or save it as JPEG"
            ) from None
        except MemoryError:
            raise UserError(f"{where}: has more pixels than fit into this machine's memory; make it smaller") from None
        except BROKEN as error:
            raise UserError(f"{where}: broken image ({error})") from None


_lock, _inside, _caught = threading.Lock(), 0, warnings.catch_warnings()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow's warnings are not shown inside, in any thread.

    `warnings.catch_warnings` is for one thread: two that leave it in the order in which they came leave it on for ever.
    So the first thread goes in for all of them, and the last comes out.
    """
    global _inside, _caught
    with _lock:
        _inside += 1
        if _inside == 1:
            _caught = warnings.catch_warnings()
            _caught.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _caught.__exit__(None, None, None)
