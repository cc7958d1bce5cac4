"""Image files of any kind, colour and size, to gray faces of one size."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.names import classes_of, split_of_word
from mien.faces.problems import Problems
from mien.faces.types import SIZE, Faces, in_split_order

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm")

_CHUNK = 512


def area_average(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale square images by area-averaging, whose sums are whole numbers: every processor gives the same bytes.

    Args:
        images: uint8 [N, H, H].
        size: the new side, in pixels; where it is larger than H, pixels are repeated in proportion.

    Returns:
        uint8 [N, size, size]: each pixel the mean of the area that it covers, halves rounded up.
    """
    side = images.shape[1]
    if side == size:
        return images
    # The image is side * size units wide: a pixel covers `size` of them before, and `side` of them after.
    before, after = np.arange(side) * size, np.arange(size)[:, None] * side
    overlap = np.minimum(before + size, after + side) - np.maximum(before, after)
    weights = np.maximum(overlap, 0).astype(np.float64)  # [size, side]; its rows add up to `side`
    scaled = np.empty((len(images), size, size), np.uint8)
    for first in range(0, len(images), _CHUNK):
        sums = weights @ images[first : first + _CHUNK] @ weights.T
        scaled[first : first + _CHUNK] = np.floor(sums / side**2 + 0.5)
    return scaled


def square(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut images uint8 [N, H, W] to their central square, which keeps a face's proportions."""
    height, width = images.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, top : top + side, left : left + side]


def read_image(source: Path | BytesIO, size: int = SIZE) -> NDArray[np.uint8]:
    """Read one image file as a gray face.

    It is turned as its EXIF data say; what is transparent becomes white; colour becomes gray by the luma of ITU-R 601
    (Pillow's mode "L"); 16 bits a pixel become 8; its central square is area-averaged.

    Returns:
        uint8 [size, size].

    Raises:
        ValueError: the file is no image, or a broken one.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(source) as image:
            gray: NDArray[np.uint8] = np.asarray(opaque(ImageOps.exif_transpose(image)).convert("L"))
    except UnidentifiedImageError:
        raise ValueError("not an image, or one of an unknown kind") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"broken image ({error})") from None
    face: NDArray[np.uint8] = area_average(square(gray[None]), size)[0]
    return face


def opaque(image: "Image") -> "Image":
    """The image with at most 8 bits a channel nothing transparent: 16 bits are scaled, what shines through is white.

    Raises:
        ValueError: its pixels are floating-point numbers, or have more than 16 bits.
    """
    from PIL import Image

    if image.mode == "I" or image.mode.startswith("I;16"):
        deep: NDArray[np.int64] = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise ValueError("more than 16 bits a pixel")
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def read_images(sources: Iterable[tuple[str, Path | bytes]], count: int, problems: Problems) -> NDArray[np.uint8]:
    """Read `count` image files, given as (how to call it, path or content), on all cores.

    Returns:
        uint8 [count, 48, 48]; a broken image is noted in `problems` and left black.
    """

    def read(named: tuple[str, Path | bytes]) -> NDArray[np.uint8] | tuple[str, str]:
        name, source = named
        try:
            return read_image(BytesIO(source) if isinstance(source, bytes) else source)
        except ValueError as error:
            return name, str(error)

    images = np.zeros((count, SIZE, SIZE), np.uint8)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, result in enumerate(pool.map(read, sources)):
            if isinstance(result, tuple):
                problems.add(*result)
            else:
                images[row] = result
    return images


def read_folder(folder: Path, split: int | None = None) -> Faces:
    """Read a folder of images, `split/emotion/*.png`, or `emotion/*.png` where the split is given.

    Splits and emotions may be named in any case and by common synonyms, emotions also by FER2013's numbers; folders
    with any other names make classes of their own. Files that are no images by their suffix are passed over.

    Args:
        folder: the folder.
        split: the split (index into `SPLITS`) of all images, where no folder tells it.

    Raises:
        UserError: the folders are not so laid out, there is no image, or some are broken.
    """
    splits = {sub: split_of_word(sub.name) for sub in _folders(folder)}
    if any(number is not None for number in splits.values()):
        strange = [sub.name for sub, number in splits.items() if number is None]
        if strange:
            raise UserError(f"{folder}: beside folders named for splits stand {', '.join(strange)}; move them away")
    elif split is not None:
        splits = {folder: split}
    else:
        raise UserError(
            f"{folder}: expected folders train, validation, test and in each of them one per emotion; "
            f"where {folder} is itself a single split, say which: train={folder}"
        )
    files = [
        (file, number, emotion.name)
        for sub, number in splits.items()
        for emotion in _folders(sub)
        for file in sorted(emotion.iterdir())
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    ]
    if not files:
        raise UserError(f"{folder}: holds no image ({', '.join(SUFFIXES)}) in split/emotion/")
    names = {emotion.name for sub in splits for emotion in _folders(sub)}
    classes, index = classes_of(names)
    problems = Problems(folder, "mend or remove these files")
    images = read_images(((str(file.relative_to(folder)), file) for file, _, _ in files), len(files), problems)
    problems.raise_if_any()
    labels = np.array([index[emotion] for _, _, emotion in files], np.uint8)
    return in_split_order(images, labels, np.array([n for _, n, _ in files], np.uint8), classes, name=folder.name)


def _folders(folder: Path) -> list[Path]:
    return sorted(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith((".", "__")))
