"""Read parquet files of faces, in the forms that dataset hubs write."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, counted
from mien.extras import install_command
from mien.faces.arrays import ADVICE, IMAGES, first_of, gray_images, labelled_faces
from mien.faces.fer2013 import EIGHT, EMOTIONS, SIZE
from mien.faces.images import read_images
from mien.faces.mistakes import Mistakes
from mien.faces.names import LABEL_COLUMNS, USAGE_COLUMNS
from mien.faces.pixel_text import Columns, pixel_mistakes, read_rows
from mien.faces.types import Faces


def read_parquet(path: Path, split: int | None = None, named: bool = True) -> Faces:
    """Read a parquet file with a column of images, one of labels and perhaps one of splits.

    An image is a struct with the `bytes` of an image file (Hugging Face datasets write this), those bytes, a list of
    pixels (flat, rows of pixels, or rows of colours), or FER2013's text of pixels. Labels are names or numbers. The
    numbers get the names in the file's metadata; beside FER2013's text of pixels they get FER2013's names; else they
    stay numbers, as names of classes.

    Args:
        path: the file.
        split: the split (index into `SPLITS`) of all its rows, where no column has it.
        named: whether numbers get names by the file's metadata or form; else they stay numbers.

    Returns:
        Faces with images uint8 [N, 48, 48].

    Raises:
        UserError: pyarrow is not installed, the file cannot be read, lacks a column or holds mistakes.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise UserError(f"{path}: to read parquet, install pyarrow: {install_command('parquet')}") from None
    try:
        table = pyarrow.parquet.read_table(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as parquet ({str(error).strip()})") from None
    columns = {name.lower(): table.column(name).combine_chunks() for name in table.column_names}
    images, labels, usages = (first_of(columns, names) for names in (IMAGES, LABEL_COLUMNS, USAGE_COLUMNS))
    if images is None or labels is None:
        raise UserError(f"{path}: has the columns {', '.join(columns)}; expected image and label, and perhaps split")
    if images.null_count or labels.null_count:
        empty = f"{counted(images.null_count, 'image')} and {counted(labels.null_count, 'label')}"
        raise UserError(f"{path}: empty fields (null) in {empty}; remove these rows")
    names: Sequence[str] | None = _names_in_metadata(table.schema.metadata or {}, table.column_names) if named else None
    values = labels.to_numpy(zero_copy_only=False)
    always: Sequence[str] = ()
    if named and names is None and values.dtype.kind in "uif" and _is_text(images.type):
        names, always = EIGHT, EMOTIONS
    splits = usages and np.array(usages.to_pylist())
    return labelled_faces(path, _arrow_grays(images, path), values, splits, split, names, always)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _names_in_metadata(metadata: dict[bytes, bytes], columns: Sequence[str]) -> list[str] | None:
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    label = next((features[name] for name in columns if name.lower() in LABEL_COLUMNS and name in features), None)
    return label.get("names") if isinstance(label, dict) else None


def _arrow_grays(column: Any, path: Path) -> NDArray[np.uint8]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_struct(kind) and "bytes" in kind.names:
        column = column.field("bytes")
        kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        mistakes = Mistakes(path, ADVICE)
        contents = ((f"row {row}", value.as_py() or b"") for row, value in enumerate(column, 1))
        images, _ = read_images(contents, len(column), mistakes)
        mistakes.raise_if_any()
        return images
    if _is_text(kind):
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
    return gray_images(column.to_numpy(zero_copy_only=False).reshape(shape), path)


def _text_grays(texts: list[str], path: Path) -> NDArray[np.uint8]:
    lines = [text.encode() + b"\n" for text in texts]
    cuts = np.cumsum([0, *map(len, lines)], dtype=np.uint64)
    rows, mistakes = read_rows(b"".join(lines), cuts, Columns(count=1, pixels=0)), Mistakes(path, ADVICE)
    for row in np.flatnonzero(~rows.good):
        wrong = pixel_mistakes(texts[row])
        for mistake in wrong:
            mistakes.add(f"row {row + 1}", mistake)
        if not wrong:
            rows.pixels[row] = [int(word) for word in texts[row].split()]
    mistakes.raise_if_any()
    return rows.pixels.reshape(-1, SIZE, SIZE)
