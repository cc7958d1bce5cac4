"""Read image files of any kind, colour and size as gray faces of one size."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.disk import in_order
from mien.errors import UserError, counted
from mien.faces.decoding import MAX_PIXELS, SUFFIXES, DecodeOptions, decode
from mien.faces.fer2013 import SIZE
from mien.faces.mistakes import Mistakes
from mien.faces.names import classes_of, split_of_word
from mien.faces.types import Faces, in_split_order

_PIXELS_PER_STEP = 2**17
"""How many pixels are averaged at a time, so that the sums stay in the processor's cache."""


def area_average(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale square images by area-averaging. The sums are whole numbers, so every processor gives the same bytes.

    It uses no matrix product: numpy's waits for its own threads (OpenBLAS), and where another library's threads hold
    the cores, as onnxruntime's do beside a predictor, that wait took 50 times as long as the sums.

    Args:
        images: uint8 [N, H, H].
        size: the new side, in pixels; where it is larger than H, pixels are repeated in proportion.

    Returns:
        uint8 [N, size, size]: each pixel is the mean of the area that it covers; halves are rounded up.
    """
    side = images.shape[1]
    if side == size:
        return images
    scaled = np.empty((len(images), size, size), np.uint8)
    number = np.int32 if 4 * 255 * (side + size) ** 2 < 2**31 else np.int64
    step = max(1, _PIXELS_PER_STEP // side**2)
    for first in range(0, len(images), step):
        rows = _summed(images[first : first + step].astype(number), size)
        sums = _summed(np.ascontiguousarray(rows.swapaxes(1, 2)), size).swapaxes(1, 2)
        scaled[first : first + step] = (2 * sums + side**2) // (2 * side**2)
    return scaled


def _summed(rows: NDArray[np.integer], size: int) -> NDArray[np.integer]:
    """Sum integers [N, H, W] along H to [N, size, W], each the sum of what it covers, `size` times.

    In units of which a row is `size` long, the new ones are H long: they begin and end within rows.
    """
    side = rows.shape[1]
    ends = np.arange(size + 1) * side
    row, within = ends // size, (ends % size)[:, None].astype(rows.dtype)
    sums: NDArray[np.integer] = np.add.reduceat(rows, row[:-1], axis=1, dtype=rows.dtype)
    sums[:, row[1:] == row[:-1]] = 0  # reduceat gives the row itself where there is none between
    before = within * rows[:, np.minimum(row, side - 1)]
    sums *= size
    sums += before[:, 1:] - before[:, :-1]
    return sums


def square(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut images uint8 [N, H, W] to their central square, which keeps a face's proportions."""
    height, width = images.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, top : top + side, left : left + side]


def read_image(source: Path | BytesIO, size: int = SIZE, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Read one image file as a gray face.

    Its EXIF orientation is applied; transparent pixels become white; colour becomes gray by the luma of ITU-R 601
    (Pillow's mode "L"); 16 bits a pixel become 8; its central square is area-averaged.

    Args:
        source: the file's path or its content.
        size: the face's side in pixels.
        max_pixels: the most pixels that it may have.

    Returns:
        uint8 [size, size].

    Raises:
        ValueError: the file is no image, a broken one, or one that is too large.
    """
    where = str(source) if isinstance(source, Path) else ""
    try:
        image = decode(source, where, DecodeOptions("L", max_pixels))
    except UserError as error:
        raise ValueError(str(error).removeprefix(f"{where}: ")) from None
    face: NDArray[np.uint8] = area_average(square(image.pixels[None]), size)[0]
    return face


@dataclass(frozen=True)
class FaceReader:
    """How image files become faces.

    Attributes:
        read: makes a gray face, uint8 [48, 48], of a file or its content; None where the image shows no face. It raises
            a ValueError where the file cannot be read. Several threads call it at once.
        suffixes: of the names of files that are read from a folder, in lower case.
    """

    read: Callable[[Path | BytesIO], NDArray[np.uint8] | None]
    suffixes: Collection[str]


def ready_reader(max_pixels: int = MAX_PIXELS) -> FaceReader:
    """The reader of images that are ready faces, not photos.

    Args:
        max_pixels: the most pixels that an image may have.
    """
    return FaceReader(partial(read_image, max_pixels=max_pixels), SUFFIXES)


DEFAULT_READER = ready_reader()
"""The reader of ready faces, with the usual limit on pixels."""


def read_images(
    sources: Iterable[tuple[str, Path | bytes]], count: int, mistakes: Mistakes, reader: FaceReader = DEFAULT_READER
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read image files on all cores.

    Args:
        sources: (name for messages, path or content) of each.
        count: how many these are.
        mistakes: where broken images are added.
        reader: makes faces of them.

    Returns:
        images uint8 [count, 48, 48], black where one is broken or shows no face; and bool [count]: whether each shows a
        face; broken ones count as if they did.
    """

    def attempt(named: tuple[str, Path | bytes]) -> NDArray[np.uint8] | tuple[str, str] | None:
        name, source = named
        try:
            return reader.read(BytesIO(source) if isinstance(source, bytes) else source)
        except ValueError as error:
            return name, str(error)

    images, has_face = np.zeros((count, SIZE, SIZE), np.uint8), np.ones(count, np.bool_)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, result in enumerate(pool.map(attempt, sources)):
            if isinstance(result, tuple):
                mistakes.add(*result)
            elif result is None:
                has_face[row] = False
            else:
                images[row] = result
    return images, has_face


@dataclass(frozen=True)
class Labelled:
    """An image file in a folder: its path, its split (index into `SPLITS`), and the name of its emotion's folder."""

    path: Path
    split: int
    emotion: str


def labelled_files(folder: Path, split: int | None = None, suffixes: Collection[str] = SUFFIXES) -> list[Labelled]:
    """List the image files of a folder: `split/emotion/*.png`, or `emotion/*.png` where the split is given.

    Splits may be named in any case and by common synonyms. Files with other suffixes are ignored.

    Raises:
        UserError: the folder has another layout, or there is no image.
    """
    splits = {sub: split_of_word(sub.name) for sub in _folders(folder)}
    if any(number is not None for number in splits.values()):
        others = [sub.name for sub, number in splits.items() if number is None]
        if others:
            raise UserError(f"{folder}: {', '.join(others)} beside the folders of splits; move what is no split away")
    elif split is not None:
        splits = {folder: split}
    else:
        raise UserError(
            f"{folder}: expected folders train, validation, test and in each of them one per emotion; "
            f"where {folder} is itself a single split, say which: train={folder}"
        )
    files = [
        Labelled(file, number, emotion.name)
        for sub, number in splits.items()
        if number is not None
        for emotion in _folders(sub)
        for file in in_order(emotion.iterdir())
        if file.suffix.lower() in suffixes and not file.name.startswith(".")
    ]
    if not files:
        raise UserError(f"{folder}: holds no image ({', '.join(sorted(suffixes))}) in split/emotion/")
    return files


def read_folder(folder: Path, split: int | None = None, reader: FaceReader = DEFAULT_READER) -> Faces:
    """Read a folder of images with the layout of `labelled_files`.

    Emotions may be named in any case and by common synonyms; folders with any other names make classes of their own.

    Args:
        folder: the folder.
        split: the split (index into `SPLITS`) of all images, where no folder names it.
        reader: makes faces of the files; images that show none are left out.

    Raises:
        UserError: the folder has another layout, there is no image, or some are broken.
    """
    files = labelled_files(folder, split, reader.suffixes)
    tops = {file.path.parent.parent for file in files}
    classes, index = classes_of({emotion.name for top in tops for emotion in _folders(top)})
    mistakes = Mistakes(folder, "correct or remove these files")
    named = ((str(file.path.relative_to(folder)), file.path) for file in files)
    images, has_face = read_images(named, len(files), mistakes, reader)
    mistakes.raise_if_any()
    labels = np.array([index[file.emotion] for file in files], np.uint8)
    splits = np.array([file.split for file in files], np.uint8)
    order = np.argsort(splits, kind="stable")
    faces = in_split_order(images[order], labels[order], splits[order], classes, name=folder.name)
    return faces.without(~has_face[order], "no_face_found")


def _folders(folder: Path) -> list[Path]:
    return in_order(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith((".", "__")))


@dataclass(frozen=True)
class PassedOver:
    """Files of a folder that were not read.

    Attributes:
        endings: their number by the suffix of their names, in lower case, "" for none.
        misplaced: images that are elsewhere than in split/emotion/, and so have no label.
    """

    endings: dict[str, int]
    misplaced: int

    def __bool__(self) -> bool:
        return bool(self.endings or self.misplaced)

    def __str__(self) -> str:
        parts = [f"{count:,} {ending or 'without an ending'}" for ending, count in self.endings.items()]
        if self.misplaced:
            parts.append(f"{counted(self.misplaced, 'image')} elsewhere than in split/emotion/")
        return ", ".join(parts)


def passed_over(folder: Path, read: Iterable[Path], suffixes: Collection[str] = SUFFIXES) -> PassedOver:
    """Count the files of a folder that were not read; hidden files are not counted.

    Args:
        folder: the folder.
        read: the files that were read.
        suffixes: of the names of images.
    """
    known = set(read)
    inside = ((file, file.relative_to(folder).parts) for file in folder.rglob("*"))
    left = [file for file, parts in inside if not any(part.startswith((".", "__")) for part in parts)]
    left = [file for file in left if file not in known and file.is_file()]
    count = Counter(file.suffix.lower() for file in left)
    misplaced = sum(count.pop(suffix, 0) for suffix in suffixes)
    return PassedOver(dict(sorted(count.items(), key=lambda entry: (-entry[1], entry[0]))), misplaced)
