"""Read faces from NumPy's npz and npy files; and make Faces of arrays, for other readers too."""

import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, counted
from mien.faces.fer2013 import SIZE, SPLITS
from mien.faces.images import area_average, square
from mien.faces.mistakes import Mistakes
from mien.faces.names import LABEL_COLUMNS, SPLIT_WORDS, USAGE_COLUMNS, classes_of, split_of_word
from mien.faces.types import Faces, in_split_order

IMAGES = ("images", "image", "img", "pixels", "faces", "x", "data")
NAMES = ("classes", "class_names", "names", "label_names")
"""Names of an array of the classes' names, of which the first is that of number 0."""

MAX_CLASSES = 64
"""The most different labels: with more, they are no emotions."""

ADVICE = "correct or remove these rows"


def read_npz(path: Path, split: int | None = None) -> Faces:
    """Read an npz file: arrays `images`, `labels` and perhaps `split`, or `x_train`, `y_train`, `x_test`, ...

    Images are [N, H, W], with or without an axis of 1 or 3 colours, or [N, H*H]; whole numbers 0..255, or floats 0..1.
    Labels are names; or numbers, also one-hot [N, K]. An array `classes` names the numbers; without it they stay
    numbers, as the names of classes. Splits are names (see `LABEL_COLUMNS`, `USAGE_COLUMNS` and `SPLIT_WORDS` for the
    words known).

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, where nothing in it says so.

    Raises:
        UserError: the file cannot be read, lacks an array or holds mistakes; all are counted, the first ten listed.
    """
    try:
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            arrays = {name.lower(): file[name] for name in file.files}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: cannot be read as an npz file of plain arrays ({error})") from None
    return _of_arrays(path, arrays, split)


def read_npy(folder: Path, split: int | None = None) -> Faces:
    """Read a folder of npy files: images.npy and labels.npy, and perhaps split.npy; or x_train.npy, y_train.npy, ...

    Args:
        folder: its files have the names of the arrays that `read_npz` reads.
        split: the split (index into `SPLITS`) of all their rows, where nothing in them says so.

    Raises:
        UserError: a file cannot be read, is missing or holds mistakes; all are counted, the first ten listed.
    """
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        try:
            arrays[path.stem.lower()] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError, TypeError, AttributeError) as error:
            reason = (
                "it holds Python objects, which are never loaded; save plain numbers or texts: "
                "np.save(FILE, np.array(list(images)))"
                if "pickle" in str(error)
                else str(error)
            )
            raise UserError(f"{path}: cannot be read as a plain array: {reason}") from None
    return _of_arrays(folder, arrays, split)


def holds_arrays(folder: Path) -> bool:
    """Whether a folder holds npy files of images: images.npy, x_train.npy, train_images.npy."""
    stems = {file.stem.lower() for file in folder.glob("*.npy")}
    return bool(
        stems & {name for x in IMAGES for names in (_names(x, "train"), _names(x, "test"), [x]) for name in names}
    )


def _names(array: str, split: str) -> list[str]:
    """The names that the array of a split may have."""
    return [f"{array}_{split}", f"{split}_{array}"]


def _of_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], split: int | None) -> Faces:
    """Make Faces of arrays by their names, which are in lower case."""
    names = first_of(arrays, NAMES)
    classes = None if names is None else [str(name) for name in np.atleast_1d(names)]
    per_split = [
        (arrays[x], arrays[y], SPLITS.index(name))
        for name, words in SPLIT_WORDS.items()
        for word in words
        for images in IMAGES
        for labels in LABEL_COLUMNS
        for x, y in zip(_names(images, word), _names(labels, word), strict=True)
        if x in arrays and y in arrays
    ]
    if not per_split:
        images, labels, usages = (first_of(arrays, names) for names in (IMAGES, LABEL_COLUMNS, USAGE_COLUMNS))
        if images is None or labels is None:
            raise UserError(
                f"{path}: holds the arrays {', '.join(arrays) or '(none)'}; expected images and labels, and split "
                "where it holds several; or x_train, y_train, x_validation, y_validation, x_test, y_test"
            )
        return labelled_faces(path, gray_images(images, path), _numbers(labels), usages, split, classes)
    each = [_numbers(labels) for _, labels, _ in per_split]
    for labels in each:
        if labels.ndim != 1:
            raise UserError(
                f"{path}: labels have the shape {list(labels.shape)}, one number or name for each face expected"
            )
    grays = np.concatenate([gray_images(images, path) for images, _, _ in per_split])
    usages = np.concatenate([np.full(len(images), SPLITS[number]) for images, _, number in per_split])
    return labelled_faces(path, grays, np.concatenate(each), usages, None, classes)


def first_of(named: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The value of the first of the names that is in `named`; None where none is."""
    return next((named[name] for name in names if name in named), None)


def gray_images(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Convert images of any layout and number type to uint8 [N, 48, 48].

    Args:
        images: [N, H, W], [N, H, W, 1 or 3], [N, 1, H, W] or [N, H*H]; whole numbers 0..255, or floats 0..1.
        path: of the source, for messages.

    Raises:
        UserError: they have another shape or type, or pixels out of range.
    """
    shape = list(images.shape)
    if images.ndim == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
        images = images.reshape(len(images), math.isqrt(shape[1]), -1)
    elif images.ndim == 4 and shape[1] == 1:
        images = images[:, 0]
    elif images.ndim == 4 and shape[3] == 1:
        images = images[..., 0]
    coloured = images.ndim == 4 and shape[3] == 3
    if images.dtype.kind not in "uif" or not (images.ndim == 3 or coloured) or 0 in images.shape[1:]:
        raise UserError(
            f"{path}: images are {images.dtype} {shape}; expected numbers of the shape [N, H, W], [N, H, W, 1 or 3], "
            "[N, 1, H, W] or [N, H*H]"
        )
    grays = _bytes(images, path)
    if coloured:
        # Pillow's whole-number luma of ITU-R 601, so that a file and an array of an image give the same face.
        luma = grays @ np.array([19595, 38470, 7471], np.uint32)
        grays = ((luma + 0x8000) >> 16).astype(np.uint8)
    return area_average(square(grays), SIZE)


def _bytes(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if images.dtype == np.uint8 or not len(images):
        return images.astype(np.uint8)
    if images.dtype.kind == "f" and images.max() <= 1:
        images = images * 255
    flat = images.reshape(len(images), -1)
    mistakes = Mistakes(path, "pixels are whole numbers 0..255, or floats 0..1")
    lowest, highest = flat.min(axis=1), flat.max(axis=1)
    for row in np.flatnonzero(~((lowest >= 0) & (highest <= 255))):
        mistakes.add(f"row {row + 1}", f"pixels from {lowest[row]:g} to {highest[row]:g}")
    mistakes.raise_if_any()
    rounded: NDArray[np.uint8] = np.rint(images).astype(np.uint8)
    return rounded


def _numbers(labels: NDArray[Any]) -> NDArray[Any]:
    """Remove an axis of length 1 from labels, and make numbers of one-hot rows; others stay as they are."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "buif" and labels.size and np.isin(labels, (0, 1)).all():
        return labels.argmax(axis=1) if (labels.sum(axis=1) == 1).all() else labels
    return labels


def labelled_faces(
    path: Path,
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    usages: Any,
    split: int | None,
    names: Sequence[str] | None = None,
    always: Sequence[str] = (),
) -> Faces:
    """Make Faces of gray images and their labels.

    Args:
        path: of the source, for messages.
        images: uint8 [N, H, H].
        labels: [N], numbers or names.
        usages: the names of the rows' splits, [N]; None where there are none.
        split: the split (index into `SPLITS`) of all rows, where `usages` is None.
        names: the name of each number; None: numbers stay numbers, as names of classes.
        always: classes that the result has even if no row has them.

    Raises:
        UserError: the arrays have different lengths, or hold mistakes: all are counted, the first ten listed.
    """
    if labels.shape != (len(images),) or (usages is not None and usages.shape != labels.shape):
        raise UserError(
            f"{path}: {counted(len(images), 'image')}, but labels of the shape {list(labels.shape)}"
            + (f" and splits of {list(usages.shape)}" if usages is not None else "")
            + "; one for each face expected"
        )
    if not len(images):
        raise UserError(f"{path}: holds no face")
    mistakes = Mistakes(path, ADVICE)
    words = _words(labels, names, mistakes)
    if usages is None and split is None:
        raise UserError(
            f"{path}: neither it nor its name says which split it is; say so: "
            f"train={path}, validation={path} or test={path}"
        )
    numbers = [split] * len(images) if usages is None else [split_of_word(str(usage)) for usage in usages]
    for place, number in enumerate(numbers):
        if number is None:
            mistakes.add(f"row {place + 1}", f"split {str(usages[place])!r}, {', '.join(SPLITS)} expected")
    mistakes.raise_if_any()
    classes, index = classes_of([*words, *always])
    if len(classes) > MAX_CLASSES:
        raise UserError(f"{path}: its labels take {len(classes):,} different values, which are no emotions")
    places = [index[word] for word in words]
    return in_split_order(images, places, np.array(numbers, np.uint8), classes, name=path.stem)


def _words(labels: NDArray[Any], names: Sequence[str] | None, mistakes: Mistakes) -> list[str]:
    """Each row's class: its name, or its number as a text. Labels that are neither are added to `mistakes`."""
    if labels.dtype.kind not in "uif":
        words = [str(label).strip() for label in labels]
        for place, word in enumerate(words, 1):
            if word.lower() in ("", "nan", "none", "null"):
                mistakes.add(f"row {place}", f"emotion {word!r}, a name expected")
        return words
    most = 100 if names is None else len(names)
    good = np.isin(labels, range(most))
    for row in np.flatnonzero(~good):
        mistakes.add(f"row {row + 1}", f"emotion {labels[row]}, 0..{most - 1} expected")
    numbers = np.where(good, labels, 0).astype(np.int64).tolist()
    return [str(number) if names is None else names[number] for number in numbers]
