"""Image files of any kind, colour and size, to gray faces of one size."""

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

from mien.errors import UserError
from mien.faces.decoding import LIMIT, SUFFIXES, Wanted, decode
from mien.faces.mistakes import Problems
from mien.faces.names import classes_of, split_of_word
from mien.faces.types import SIZE, Faces, in_split_order

_PIXELS = 2**17
"""Of so many pixels of images at a time area-averaging takes the sums: they then stay in a processor's cache."""


def area_average(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale square images by area-averaging, whose sums are whole numbers: every processor gives the same bytes.

    No matrix product: numpy's would wait for threads of its own (OpenBLAS), and where another library's threads hold
    the cores, as onnxruntime's do beside a predictor, that wait took 50 times as long as the sums.

    Args:
        images: uint8 [N, H, H].
        size: the new side, in pixels; where it is larger than H, pixels are repeated in proportion.

    Returns:
        uint8 [N, size, size]: each pixel the mean of the area that it covers, halves rounded up.
    """
    side = images.shape[1]
    if side == size:
        return images
    scaled = np.empty((len(images), size, size), np.uint8)
    number = np.int32 if 4 * 255 * (side + size) ** 2 < 2**31 else np.int64
    step = max(1, _PIXELS // side**2)
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


def read_image(source: Path | BytesIO, size: int = SIZE, limit: int = LIMIT) -> NDArray[np.uint8]:
    """Read one image file as a gray face.

    It is turned as its EXIF data say; what is transparent becomes white; colour becomes gray by the luma of ITU-R 601
    (Pillow's mode "L"); 16 bits a pixel become 8; its central square is area-averaged.

    Args:
        source: its path or its content.
        size: the face's side in pixels.
        limit: pixels that it may have at most.

    Returns:
        uint8 [size, size].

    Raises:
        ValueError: the file is no image, or a broken one, or too large.
    """
    where = str(source) if isinstance(source, Path) else ""
    try:
        image = decode(source, where, Wanted("L", limit))
    except UserError as error:
        raise ValueError(str(error).removeprefix(f"{where}: ")) from None
    face: NDArray[np.uint8] = area_average(square(image.pixels[None]), size)[0]
    return face


@dataclass(frozen=True)
class FaceReader:
    """How image files become faces.

    Attributes:
        read: makes a gray face, uint8 [48, 48], of a file or its content; None of one that shows no face; a ValueError
            says what is wrong with one that cannot be read. Several threads call it at once.
        endings: of the names of files that are taken from a folder, in small letters.
    """

    read: Callable[[Path | BytesIO], NDArray[np.uint8] | None]
    endings: Collection[str]


def ready_reader(limit: int = LIMIT) -> FaceReader:
    """What reads images that are faces already.

    Args:
        limit: pixels that one may have at most.
    """
    return FaceReader(partial(read_image, limit=limit), SUFFIXES)


READY = ready_reader()
"""The reader of ready faces, with the usual limit."""


def read_images(
    sources: Iterable[tuple[str, Path | bytes]], count: int, problems: Problems, reader: FaceReader = READY
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read `count` image files, given as (how to call it, path or content), on all cores.

    Returns:
        uint8 [count, 48, 48]; a broken image is noted in `problems` and left black, as one without a face is.
        bool [count]: whether each shows a face.
    """

    def attempt(named: tuple[str, Path | bytes]) -> NDArray[np.uint8] | tuple[str, str] | None:
        name, source = named
        try:
            return reader.read(BytesIO(source) if isinstance(source, bytes) else source)
        except ValueError as error:
            return name, str(error)

    images, found = np.zeros((count, SIZE, SIZE), np.uint8), np.ones(count, np.bool_)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, result in enumerate(pool.map(attempt, sources)):
            if isinstance(result, tuple):
                problems.add(*result)
            elif result is None:
                found[row] = False
            else:
                images[row] = result
    return images, found


@dataclass(frozen=True)
class Labelled:
    """An image file of a folder: where it is, its split (index into `SPLITS`), and its emotion as the folder has it."""

    path: Path
    split: int
    emotion: str


def labelled_files(folder: Path, split: int | None = None, endings: Collection[str] = SUFFIXES) -> list[Labelled]:
    """The image files of a folder, `split/emotion/*.png`, or `emotion/*.png` where the split is given.

    Splits may be named in any case and by common synonyms. Files with other endings are passed over.

    Raises:
        UserError: the folders are not so laid out, or there is no image.
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
        Labelled(file, number, emotion.name)
        for sub, number in splits.items()
        if number is not None
        for emotion in _folders(sub)
        for file in sorted(emotion.iterdir())
        if file.suffix.lower() in endings and not file.name.startswith(".")
    ]
    if not files:
        raise UserError(f"{folder}: holds no image ({', '.join(sorted(endings))}) in split/emotion/")
    return files


def read_folder(folder: Path, split: int | None = None, reader: FaceReader = READY) -> Faces:
    """Read a folder of images, laid out as `labelled_files` has it.

    Emotions may be named in any case, by common synonyms and by FER2013's numbers; folders with any other names make
    classes of their own.

    Args:
        folder: the folder.
        split: the split (index into `SPLITS`) of all images, where no folder tells it.
        reader: makes faces of the files; what shows none is left out.

    Raises:
        UserError: the folders are not so laid out, there is no image, or some are broken.
    """
    files = labelled_files(folder, split, reader.endings)
    tops = {file.path.parent.parent for file in files}
    classes, index = classes_of({emotion.name for top in tops for emotion in _folders(top)})
    problems = Problems(folder, "mend or remove these files")
    named = ((str(file.path.relative_to(folder)), file.path) for file in files)
    images, found = read_images(named, len(files), problems, reader)
    problems.raise_if_any()
    labels = np.array([index[file.emotion] for file in files], np.uint8)
    splits = np.array([file.split for file in files], np.uint8)
    order = np.argsort(splits, kind="stable")
    faces = in_split_order(images[order], labels[order], splits[order], classes, name=folder.name)
    return faces.without(~found[order], "no_face_found")


def _folders(folder: Path) -> list[Path]:
    return sorted(sub for sub in folder.iterdir() if sub.is_dir() and not sub.name.startswith((".", "__")))


@dataclass(frozen=True)
class PassedOver:
    """Files of a folder that were not taken for faces.

    Attributes:
        endings: how many there are by the ending of their names, in small letters, "" for none.
        misplaced: images that lie elsewhere than in split/emotion/, and so have no label.
    """

    endings: dict[str, int]
    misplaced: int

    def __bool__(self) -> bool:
        return bool(self.endings or self.misplaced)

    def __str__(self) -> str:
        told = [f"{count:,} {ending or 'without an ending'}" for ending, count in self.endings.items()]
        if self.misplaced:
            told.append(f"{self.misplaced:,} image{'s' * (self.misplaced > 1)} elsewhere than in split/emotion/")
        return ", ".join(told)


def passed_over(folder: Path, taken: Iterable[Path], endings: Collection[str] = SUFFIXES) -> PassedOver:
    """Count what `labelled_files` left in a folder; hidden files are not counted.

    Args:
        folder: the folder.
        taken: the files that were taken from it.
        endings: of the names of images.
    """
    known = set(taken)
    inside = ((file, file.relative_to(folder).parts) for file in folder.rglob("*"))
    left = [file for file, parts in inside if not any(part.startswith((".", "__")) for part in parts)]
    left = [file for file in left if file not in known and file.is_file()]
    count = Counter(file.suffix.lower() for file in left)
    misplaced = sum(count.pop(ending, 0) for ending in endings)
    return PassedOver(dict(sorted(count.items(), key=lambda entry: (-entry[1], entry[0]))), misplaced)
