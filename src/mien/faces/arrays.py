"""Faces that lie in arrays already: NumPy's npz, and parquet as dataset hubs write it."""

import json
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.csv import Columns, read_rows
from mien.faces.images import area_average, read_images, square
from mien.faces.names import SPLIT_WORDS, classes_of, split_of_word
from mien.faces.pixels import pixel_mistakes
from mien.faces.problems import Problems
from mien.faces.types import EMOTIONS, SIZE, SPLITS, Faces, in_split_order

IMAGES = ("images", "image", "img", "pixels", "faces", "x", "data")
LABELS = ("labels", "label", "emotion", "emotions", "y", "target")
USAGES = ("split", "splits", "usage")

_ADVICE = "mend or remove these rows"


def read_npz(path: Path, split: int | None = None) -> Faces:
    """Read an npz file: arrays `images`, `labels` and perhaps `split`, or `x_train`, `y_train`, `x_test`, ...

    Images are [N, H, W], with or without an axis of 1 or 3 colours, or [N, H*H]; whole numbers 0..255, or floats 0..1.
    Labels are 0..6 or names; splits are names (see `LABELS`, `USAGES` and `SPLIT_WORDS` for the words known).

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, where nothing in it tells.

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

    per_split = [
        (arrays[f"{x}_{word}"], arrays[f"{y}_{word}"], SPLITS.index(name))
        for name, words in SPLIT_WORDS.items()
        for word in words
        for x in IMAGES
        for y in LABELS
        if f"{x}_{word}" in arrays and f"{y}_{word}" in arrays
    ]
    if not per_split:
        images, labels, usages = (_first(arrays, names) for names in (IMAGES, LABELS, USAGES))
        if images is None or labels is None:
            raise UserError(
                f"{path}: holds the arrays {', '.join(arrays) or '(none)'}; expected images and labels, and split "
                "where it holds several; or x_train, y_train, x_validation, y_validation, x_test, y_test"
            )
        return _faces(path, _grays(images, path), labels, usages, split)
    for _, labels, _ in per_split:
        if labels.ndim != 1:
            raise UserError(f"{path}: labels have the shape {list(labels.shape)}, one number or name a face expected")
    grays = np.concatenate([_grays(images, path) for images, _, _ in per_split])
    labels = np.concatenate([labels for _, labels, _ in per_split])
    usages = np.concatenate([np.full(len(images), SPLITS[number]) for images, _, number in per_split])
    return _faces(path, grays, labels, usages, None)


def read_parquet(path: Path, split: int | None = None) -> Faces:
    """Read a parquet file with a column of images, one of labels and perhaps one of splits.

    An image is a struct with the `bytes` of an image file (as Hugging Face datasets write it), those bytes, a list of
    pixels (flat, rows of pixels, or rows of colours), or FER2013's text of pixels. Labels are 0..6 or names; where the
    file's own metadata name its numbers, these names count.

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, where no column tells.

    Raises:
        UserError: pyarrow is missing, the file cannot be read, lacks a column or holds mistakes.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"{path}: to read parquet, install pyarrow: pip install 'mien[parquet]'") from None
    try:
        table = pyarrow.parquet.read_table(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as parquet ({str(error).strip()})") from None
    columns = {name.lower(): table.column(name).combine_chunks() for name in table.column_names}
    images, labels, usages = (_first(columns, names) for names in (IMAGES, LABELS, USAGES))
    if images is None or labels is None:
        raise UserError(f"{path}: has the columns {', '.join(columns)}; expected image and label, and perhaps split")
    if images.null_count or labels.null_count:
        raise UserError(f"{path}: {images.null_count:,} images and {labels.null_count:,} labels are missing (null)")
    names = _names_in_metadata(table.schema.metadata or {}, table.column_names)
    values: Any = labels.to_numpy(zero_copy_only=False)
    if names and values.dtype.kind in "iu":
        if not all(0 <= value < len(names) for value in values):
            raise UserError(f"{path}: a label lies outside 0..{len(names) - 1}, the names that its metadata give")
        values = np.array(names)[values]
    return _faces(path, _arrow_grays(images, path), values, usages and np.array(usages.to_pylist()), split)


def _first(named: dict[str, Any], names: Sequence[str]) -> Any:
    return next((named[name] for name in names if name in named), None)


def _names_in_metadata(metadata: dict[bytes, bytes], columns: Sequence[str]) -> list[str] | None:
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    label = next((features[name] for name in columns if name.lower() in LABELS and name in features), None)
    return label.get("names") if isinstance(label, dict) else None


def _arrow_grays(column: Any, path: Path) -> NDArray[np.uint8]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_struct(kind) and "bytes" in kind.names:
        column = column.field("bytes")
        kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        problems = Problems(path, _ADVICE)
        contents = ((f"row {row}", value.as_py() or b"") for row, value in enumerate(column, 1))
        images, _ = read_images(contents, len(column), problems)
        problems.raise_if_any()
        return images
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_grays(column.to_pylist(), path)
    shape = [len(column)]
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = pa.compute.unique(pa.compute.list_value_length(column))
        if len(lengths) != 1:
            raise UserError(f"{path}: its images have different sizes: store them as image files, or of one size")
        shape.append(lengths[0].as_py())
        column = column.flatten()
        kind = column.type
    if len(shape) == 1:
        raise UserError(f"{path}: images of the type {kind}; expected image files' bytes, lists or text of pixels")
    return _grays(column.to_numpy(zero_copy_only=False).reshape(shape), path)


def _text_grays(texts: list[str], path: Path) -> NDArray[np.uint8]:
    lines = [text.encode() + b"\n" for text in texts]
    cuts = np.cumsum([0, *map(len, lines)], dtype=np.uint64)
    rows, problems = read_rows(b"".join(lines), cuts, Columns(count=1, pixels=0)), Problems(path, _ADVICE)
    for row in np.flatnonzero(~rows.good):
        mistakes = pixel_mistakes(texts[row], SIZE * SIZE)
        for mistake in mistakes:
            problems.add(f"row {row + 1}", mistake)
        if not mistakes:
            rows.pixels[row] = [int(word) for word in texts[row].split()]
    problems.raise_if_any()
    return rows.pixels.reshape(-1, SIZE, SIZE)


def _grays(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """Bring images of any layout and number type to uint8 [N, 48, 48]."""
    shape = list(images.shape)
    if images.ndim == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
        images = images.reshape(len(images), math.isqrt(shape[1]), -1)
    elif images.ndim == 4 and shape[1] == 1:
        images = images[:, 0]
    elif images.ndim == 4 and shape[3] == 1:
        images = images[..., 0]
    colours = images.ndim == 4 and shape[3] == 3
    if images.dtype.kind not in "uif" or not (images.ndim == 3 or colours) or 0 in images.shape[1:]:
        raise UserError(
            f"{path}: images are {images.dtype} {shape}; expected numbers of the shape [N, H, W], [N, H, W, 1 or 3], "
            "[N, 1, H, W] or [N, H*H]"
        )
    grays = _bytes(images, path)
    if colours:
        # Pillow's whole-number luma of ITU-R 601, so that an image means the same faces in a file and in an array.
        luma = grays @ np.array([19595, 38470, 7471], np.uint32)
        grays = ((luma + 0x8000) >> 16).astype(np.uint8)
    return area_average(square(grays), SIZE)


def _bytes(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if images.dtype == np.uint8 or not len(images):
        return images.astype(np.uint8)
    if images.dtype.kind == "f" and images.max() <= 1:
        images = images * 255
    flat = images.reshape(len(images), -1)
    problems = Problems(path, "pixels are whole numbers 0..255, or floats 0..1")
    lowest, highest = flat.min(axis=1), flat.max(axis=1)
    for row in np.flatnonzero(~((lowest >= 0) & (highest <= 255))):
        problems.add(f"row {row + 1}", f"pixels from {lowest[row]:g} to {highest[row]:g}")
    problems.raise_if_any()
    rounded: NDArray[np.uint8] = np.rint(images).astype(np.uint8)
    return rounded


def _faces(path: Path, images: NDArray[np.uint8], labels: Any, usages: Any, split: int | None) -> Faces:
    """Make Faces of gray images, labels (numbers 0..6 or names) and the names of their splits, if there are any."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (len(images),) or (usages is not None and usages.shape != labels.shape):
        raise UserError(
            f"{path}: {len(images):,} images, but labels of the shape {list(labels.shape)}"
            + (f" and splits of {list(usages.shape)}" if usages is not None else "")
            + "; one of each a face expected"
        )
    if not len(images):
        raise UserError(f"{path}: holds no face")
    problems = Problems(path, _ADVICE)
    classes: tuple[str, ...] = EMOTIONS
    if labels.dtype.kind in "uif":
        for row in np.flatnonzero(~np.isin(labels, range(len(EMOTIONS)))):
            problems.add(f"row {row + 1}", f"emotion {labels[row]}, 0..{len(EMOTIONS) - 1} expected")
    else:
        words = [str(label) for label in labels]
        classes, index = classes_of(words)
        labels = np.array([index[word] for word in words])
    if usages is None and split is None:
        raise UserError(
            f"{path}: nothing in it or its name tells the split; say which it is: "
            f"train={path}, validation={path} or test={path}"
        )
    numbers = [split] * len(images) if usages is None else [split_of_word(str(usage)) for usage in usages]
    for place, number in enumerate(numbers):
        if number is None:
            problems.add(f"row {place + 1}", f"split {str(usages[place])!r}, {', '.join(SPLITS)} expected")
    problems.raise_if_any()
    return in_split_order(images, labels.astype(np.uint8), np.array(numbers, np.uint8), classes, name=path.stem)
