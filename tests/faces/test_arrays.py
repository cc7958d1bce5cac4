"""Faces in npz and parquet files."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces
from mien.faces.arrays import holds_arrays, read_npy, read_npz
from mien.faces.parquet import read_parquet

Same = Callable[[Faces, Faces], None]


def write(folder: Path, **arrays: Any) -> Path:
    path = folder / "faces.npz"
    np.savez(path, **arrays)
    return path


def message(read: Callable[[Path], Faces], path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def named(faces: Faces) -> list[str]:
    return [SPLITS[split] for split in faces.splits]


@pytest.mark.parametrize(
    "layout",
    [
        lambda images: images,
        lambda images: images[..., None],
        lambda images: images[:, None],
        lambda images: images.reshape(-1, 2304),
        lambda images: np.repeat(images[..., None], 3, axis=3),
        lambda images: images.astype(np.int64),
        lambda images: images / 255,
        lambda images: images.astype(np.float32),
        lambda images: np.repeat(np.repeat(images, 2, axis=1), 2, axis=2),
    ],
)
def test_npz_of_any_layout(tmp_path: Path, small: Faces, same: Same, layout: Callable[[Any], Any]) -> None:
    path = write(tmp_path, images=layout(small.images), labels=small.labels, split=named(small), class_names=EMOTIONS)
    same(read_npz(path), small)


def test_npz_with_an_array_per_split(tmp_path: Path, small: Faces, same: Same) -> None:
    arrays = {}
    for split, word in zip(SPLITS, ("train", "val", "test"), strict=True):
        rows = small.rows(split)
        arrays |= {f"X_{word}": small.images[rows], f"y_{word}": small.labels[rows]}
    same(read_npz(write(tmp_path, classes=EMOTIONS, **arrays)), small)
    arrays["y_val"] = np.zeros((7, 7))
    assert "labels have the shape [7, 7]" in message(read_npz, write(tmp_path, **arrays))


def test_npz_of_one_split_and_names_of_emotions(tmp_path: Path, small: Faces) -> None:
    faces = read_npz(write(tmp_path, x=small.images, y=[EMOTIONS[label] for label in small.labels]), split=0)
    assert faces.counts() == {"train": dict.fromkeys(EMOTIONS, 4)}
    assert "train=" in message(read_npz, write(tmp_path, x=small.images, y=small.labels))


@pytest.mark.parametrize("one_hot", [False, True])
def test_numbers_stay_numbers_where_nothing_names_them(tmp_path: Path, small: Faces, one_hot: bool) -> None:
    labels = np.eye(7)[small.labels] if one_hot else small.labels
    faces = read_npz(write(tmp_path, images=small.images, labels=labels, split=named(small)))
    assert faces.classes == tuple("0123456")
    np.testing.assert_array_equal(faces.labels, small.labels)


def test_labels_in_a_column(tmp_path: Path, small: Faces, same: Same) -> None:
    path = write(tmp_path, images=small.images, labels=small.labels[:, None], split=named(small), classes=EMOTIONS)
    same(read_npz(path), small)


@pytest.mark.parametrize("pattern", ["x_{}", "{}_images"])
def test_npy_files_of_a_folder(tmp_path: Path, small: Faces, same: Same, pattern: str) -> None:
    assert not holds_arrays(tmp_path)
    np.save(tmp_path / "classes.npy", EMOTIONS)
    for split in SPLITS:
        part, images = small.split(split), pattern.format(split)
        np.save(tmp_path / f"{images}.npy", part.images)
        np.save(tmp_path / f"{images.replace('x_', 'y_').replace('images', 'labels')}.npy", part.labels)
    assert holds_arrays(tmp_path)
    same(read_npy(tmp_path), small)


def test_npy_files_that_hold_objects_are_never_loaded(tmp_path: Path, small: Faces) -> None:
    np.save(tmp_path / "images.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "labels.npy", small.labels)
    assert "images.npy: cannot be read as a plain array: it holds Python objects" in message(read_npy, tmp_path)
    np.save(tmp_path / "images.npy", small.images)
    assert "neither it nor its name says which split it is" in message(read_npy, tmp_path)
    (tmp_path / "images.npy").write_bytes(b"\x93NUMPY")
    assert "images.npy: cannot be read as a plain array" in message(read_npy, tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"labels": np.full(28, -1)}, "28 problems, the first 10 are:\n  row 1: emotion -1, 0..99 expected"),
        ({"labels": np.full(28, 7), "names": EMOTIONS}, "row 1: emotion 7, 0..6 expected"),
        ({"labels": np.full(28, 1.5)}, "row 1: emotion 1.5, 0..99 expected"),
        ({"labels": ["nan"] + ["happy"] * 27}, "1 problem:\n  row 1: emotion 'nan', a name expected"),
        (
            {"labels": np.resize(np.arange(70), 280), "images": np.zeros((280, 4), np.uint8), "split": ["test"] * 280},
            "its labels take 70 different values, which are no emotions",
        ),
        ({"images": np.full((28, 48, 48), 256)}, "row 1: pixels from 256 to 256"),
        ({"images": np.full((28, 48, 48), np.nan)}, "row 1: pixels from nan to nan"),
        ({"images": np.zeros((28, 48, 48, 2), np.uint8)}, "images are uint8 [28, 48, 48, 2]; expected"),
        ({"images": np.zeros((28, 2303), np.uint8)}, "images are uint8 [28, 2303]; expected"),
        ({"labels": np.zeros(27)}, "28 images, but labels of the shape [27]"),
        ({"labels": np.zeros((28, 7))}, "28 images, but labels of the shape [28, 7]"),
        ({"split": np.full(28, "holdout")}, "row 1: split 'holdout', train, validation, test expected"),
        ({"images": np.zeros((0, 48, 48)), "labels": [], "split": []}, "holds no face"),
    ],
)
def test_wrong_arrays(tmp_path: Path, small: Faces, change: dict[str, Any], expected: str) -> None:
    arrays = {"images": small.images, "labels": small.labels, "split": named(small)} | change
    assert expected in message(read_npz, write(tmp_path, **arrays))


def test_npz_that_is_none(tmp_path: Path, small: Faces) -> None:
    assert "no such file" in message(read_npz, tmp_path / "none.npz")
    path = write(tmp_path, images=small.images, labels=small.labels, split=named(small))
    content = path.read_bytes()
    path.write_bytes(content[:20000])
    assert "cannot be read as an npz file" in message(read_npz, path)
    path.write_bytes(content[:3000] + b"broken" + content[3006:])
    assert "cannot be read as an npz file" in message(read_npz, path)
    path.write_bytes(b"emotion,pixels")
    assert "cannot be read as an npz file" in message(read_npz, path)
    path.write_bytes(b"")
    assert "cannot be read as an npz file" in message(read_npz, path)
    assert "holds the arrays a; expected images" in message(read_npz, write(tmp_path, a=small.images))


def test_no_pickle_is_ever_loaded(tmp_path: Path) -> None:
    path = write(tmp_path, images=np.array([{}], object), labels=np.zeros(1))
    assert "cannot be read as an npz file of plain arrays" in message(read_npz, path)


def png(image: Any) -> bytes:
    content = BytesIO()
    Image.fromarray(image).save(content, "png")
    return content.getvalue()


def save(folder: Path, columns: dict[str, Any], names: list[str] | None = None) -> Path:
    table = pa.table(columns)
    if names:
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path = folder / "faces.parquet"
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize(
    "column",
    [
        lambda images: [{"bytes": png(image), "path": "a.png"} for image in images],
        lambda images: [png(image) for image in images],
        lambda images: images.reshape(-1, 2304).tolist(),
        lambda images: images.tolist(),
        lambda images: np.repeat(images[..., None], 3, axis=3).tolist(),
        lambda images: [" ".join(map(str, image.ravel())) for image in images],
        lambda images: ["  ".join(f"{value:04}" for value in image.ravel()) for image in images],
    ],
)
def test_parquet_of_any_kind(tmp_path: Path, small: Faces, same: Same, column: Callable[[Any], Any]) -> None:
    labels = [EMOTIONS[label] for label in small.labels]
    same(read_parquet(save(tmp_path, {"image": column(small.images), "label": labels, "split": named(small)})), small)


def test_numbers_of_parquet(tmp_path: Path, small: Faces, same: Same) -> None:
    columns = {"image": small.images.tolist(), "label": small.labels, "split": named(small)}
    assert read_parquet(save(tmp_path, columns)).classes == tuple("0123456")
    # FER2013's own form, whatever holds it, has FER2013's numbers.
    texts = [" ".join(map(str, image.ravel())) for image in small.images]
    columns = {"pixels": texts, "emotion": small.labels, "Usage": named(small)}
    same(read_parquet(save(tmp_path, columns)), small)
    assert read_parquet(save(tmp_path, columns), named=False).classes == tuple("0123456")


def test_names_in_a_hubs_metadata_count(tmp_path: Path, small: Faces, same: Same) -> None:
    alphabetic = sorted(EMOTIONS)
    labels = [alphabetic.index(EMOTIONS[label]) for label in small.labels]
    columns = {"image": small.images.tolist(), "label": labels, "Usage": named(small)}
    same(read_parquet(save(tmp_path, columns, alphabetic)), small)
    columns["label"] = [7] * 28
    assert "row 1: emotion 7, 0..6 expected" in message(read_parquet, save(tmp_path, columns, alphabetic))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"image": [b"no image"] * 28}, "28 problems, the first 10 are:\n  row 1: not an image"),
        ({"image": [{"bytes": b"x"}] * 27 + [{"bytes": None}]}, "28 problems"),
        ({"image": ["1 2 3"] * 28}, "row 1: 3 pixels, 2,304 expected"),
        ({"image": [[1]] * 27 + [[1, 2]]}, "different sizes"),
        ({"image": [1] * 28}, "images of the type int64"),
        ({"image": [[1] * 4] * 27 + [None]}, "empty fields (null) in 1 image and 0 labels; remove"),
        ({"label": [-9] * 28}, "row 1: emotion -9, 0..99 expected"),
        ({"split": ["train"] * 27 + [None]}, "row 28: split 'None'"),
    ],
)
def test_wrong_columns(tmp_path: Path, small: Faces, change: dict[str, Any], expected: str) -> None:
    columns = {"image": [[1] * 4] * 28, "label": small.labels, "split": named(small)} | change
    assert expected in message(read_parquet, save(tmp_path, columns))


def test_parquet_that_is_none(tmp_path: Path) -> None:
    assert "no such file" in message(read_parquet, tmp_path / "none.parquet")
    path = save(tmp_path, {"a": [1, 2]})
    assert "has the columns a; expected image and label" in message(read_parquet, path)
    path.write_bytes(path.read_bytes()[:-9])
    assert "cannot be read as parquet" in message(read_parquet, path)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert "pip install 'mien[parquet]'" in message(read_parquet, tmp_path / "faces.parquet")
