"""Small files of faces to read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.faces import Faces, in_split_order

USAGES = ("Training", "PublicTest", "PrivateTest")


@pytest.fixture
def small() -> Faces:
    """Two faces of each emotion in train, one in validation and one in test, of random pixels, with votes."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(7), 4)
    splits = np.repeat([0, 0, 1, 2], 7)
    images = rng.integers(0, 256, (28, 48, 48), np.uint8)
    return in_split_order(images, labels, splits, votes=rng.integers(0, 11, (28, 10), np.uint8), name="small")


@pytest.fixture
def csv_text() -> Callable[..., str]:
    """Makes the text of a csv file as FER2013's: `csv_text(faces)`, with or without its `Usage`."""

    def text(faces: Faces, usage: bool = True) -> str:
        lines = ["emotion,pixels,Usage" if usage else "emotion,pixels"]
        for image, label, split in zip(faces.images, faces.labels, faces.splits, strict=True):
            lines.append(f"{label},{pixels(image)}" + (f",{USAGES[split]}" if usage else ""))
        return "\n".join(lines) + "\n"

    return text


@pytest.fixture
def same() -> Callable[[Faces, Faces], None]:
    """Asserts that two Faces hold the same images, labels, splits and classes, in the same order."""

    def check(one: Faces, other: Faces) -> None:
        assert one.classes == other.classes
        np.testing.assert_array_equal(one.splits, other.splits)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.images, other.images)

    return check


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of packed faces."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pixels(image: NDArray[np.uint8] | Sequence[int]) -> str:
    return " ".join(str(value) for value in np.asarray(image).ravel())
