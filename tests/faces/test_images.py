"""Image files and their folders."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces
from mien.faces.images import FaceReader, area_average, labelled_files, passed_over, read_folder, read_image

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (48, 48), np.uint8)


def saved(image: Image.Image, kind: str = "png", **options: object) -> BytesIO:
    content = BytesIO()
    image.save(content, kind, **options)
    content.seek(0)
    return content


def write_folder(
    root: Path, faces: Faces, splits: tuple[str, ...] = SPLITS, emotions: tuple[str, ...] = EMOTIONS
) -> Path:
    for row, (image, label, split) in enumerate(zip(faces.images, faces.labels, faces.splits, strict=True)):
        folder = root / splits[split] / emotions[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{row:03}.png")
    return root


def test_halving_is_the_mean_of_four_rounded_half_up() -> None:
    images = RNG.integers(0, 256, (3, 48, 48), np.uint8)
    sums = images.reshape(3, 24, 2, 24, 2).astype(int).sum(axis=(2, 4))
    np.testing.assert_array_equal(area_average(images, 24), (sums + 2) // 4)


def test_a_fraction_of_a_pixel_counts_for_its_share() -> None:
    image = np.array([[[0, 90, 180], [0, 90, 180], [0, 90, 180]]], np.uint8)
    np.testing.assert_array_equal(area_average(image, 2), [[[30, 150], [30, 150]]])


@given(side=st.integers(1, 70), size=st.integers(1, 70), gray=st.integers(0, 255))
def test_area_averaging_keeps_a_flat_image_flat(side: int, size: int, gray: int) -> None:
    scaled = area_average(np.full((2, side, side), gray, np.uint8), size)
    assert scaled.shape == (2, size, size)
    assert set(scaled.ravel().tolist()) == {gray}


@given(side=st.integers(1, 32), size=st.integers(1, 24), seed=st.integers(0, 9))
def test_area_averaging_is_the_mean_over_what_a_pixel_covers(side: int, size: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (2, side, side), np.uint8)
    fine = images.repeat(size, axis=1).repeat(size, axis=2).reshape(2, size, side, size, side).astype(np.int64)
    sums = fine.sum(axis=(2, 4))
    np.testing.assert_array_equal(area_average(images, size), (2 * sums + side**2) // (2 * side**2))


def test_area_averaging_of_a_large_image_counts_beyond_32_bits() -> None:
    assert set(area_average(np.full((1, 5000, 5000), 255, np.uint8), 48).ravel().tolist()) == {255}


def test_a_gray_image_of_the_size_is_unchanged() -> None:
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(GRAY))), GRAY)


def test_colour_becomes_its_luma() -> None:
    image = read_image(saved(Image.new("RGB", (48, 48), (200, 100, 50))))
    assert set(image.ravel().tolist()) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    image = Image.new(mode, (48, 48), (0,) * len(mode))
    assert set(read_image(saved(image)).ravel().tolist()) == {255}


def test_sixteen_bits_become_eight() -> None:
    deep = GRAY.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(deep))), GRAY)


def test_a_wide_image_is_cut_to_its_centre() -> None:
    wide = np.zeros((96, 160), np.uint8)
    wide[:, 32:128] = np.repeat(np.repeat(GRAY, 2, axis=0), 2, axis=1)
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(wide))), GRAY)


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter to be upright
    image = read_image(saved(Image.fromarray(np.rot90(GRAY)), exif=exif))
    np.testing.assert_array_equal(image, GRAY)


def test_broken_images_are_refused() -> None:
    content = saved(Image.fromarray(GRAY)).getvalue()
    with pytest.raises(ValueError, match="broken image"):
        read_image(BytesIO(content[:900]))
    with pytest.raises(ValueError, match="not an image"):
        read_image(BytesIO(b"no image at all"))
    with pytest.raises(ValueError, match="floating-point"):
        read_image(saved(Image.fromarray(GRAY.astype(np.float32)), "tiff"))


@pytest.mark.parametrize(
    ("splits", "emotions"),
    [
        (SPLITS, EMOTIONS),
        (
            ("Training", "PublicTest", "PrivateTest"),
            ("Anger", "Disgust", "Fear", "Happiness", "Sad", "Surprised", "NEUTRAL"),
        ),
    ],
)
def test_folders_by_split_and_emotion(
    tmp_path: Path, small: Faces, splits: tuple[str, ...], emotions: tuple[str, ...]
) -> None:
    faces = read_folder(write_folder(tmp_path / "faces", small, splits, emotions))
    assert faces.classes == EMOTIONS
    assert faces.counts() == small.counts()
    for label in range(7):
        np.testing.assert_array_equal(faces.images[faces.labels == label], small.images[small.labels == label])


def test_a_folder_of_one_split(tmp_path: Path, small: Faces) -> None:
    write_folder(tmp_path, small)
    assert read_folder(tmp_path / "test", split=2).counts() == {"test": dict.fromkeys(EMOTIONS, 1)}
    with pytest.raises(UserError, match="train="):
        read_folder(tmp_path / "test")


def test_other_classes_and_other_files(tmp_path: Path, small: Faces) -> None:
    write_folder(tmp_path, small, emotions=("a", "b", "c", "d", "e", "f", "g"))
    (tmp_path / "train" / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "train" / "a" / ".hidden.png").write_bytes(b"x")
    assert read_folder(tmp_path).counts()["train"] == dict.fromkeys("abcdefg", 2)


def test_another_folder_beside_the_splits(tmp_path: Path, small: Faces) -> None:
    write_folder(tmp_path, small)
    (tmp_path / "backup").mkdir()
    with pytest.raises(UserError, match="backup beside the folders of splits; move"):
        read_folder(tmp_path)


def test_broken_files_are_all_counted(tmp_path: Path, small: Faces) -> None:
    write_folder(tmp_path, small)
    broken = sorted((tmp_path / "train").rglob("*.png"))[:12]
    for file in broken:
        file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(UserError) as caught:
        read_folder(tmp_path)
    text = str(caught.value)
    assert "12 problems, the first 10 are:" in text
    assert f"  {broken[0].relative_to(tmp_path)}: broken image" in text


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "train" / "happy").mkdir(parents=True)
    with pytest.raises(UserError, match="holds no image"):
        read_folder(tmp_path)


def test_images_without_a_face_are_left_out(tmp_path: Path, small: Faces) -> None:
    folder = write_folder(tmp_path / "photos", small)

    def read(source: Path | BytesIO) -> NDArray[np.uint8] | None:
        assert isinstance(source, Path)
        return None if source.name in ("000.png", "021.png") else read_image(source)

    faces = read_folder(folder, reader=FaceReader(read, (".png",)))
    assert len(faces) == 26
    assert faces.left_out == {"no_face_found": {"train": 1, "test": 1}}


def test_files_that_were_not_read_are_counted_by_suffix(tmp_path: Path, small: Faces) -> None:
    folder = write_folder(tmp_path, small)
    files = [file.path for file in labelled_files(folder)]
    assert not passed_over(folder, files)
    for name in ("a.txt", "b.TXT", "train/c.csv", ".hidden/d.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert str(passed_over(folder, files)) == "2 .txt, 1 .csv"
    (folder / "train" / "loose.png").touch()
    assert str(passed_over(folder, files)) == "2 .txt, 1 .csv, 1 image elsewhere than in split/emotion/"
    (folder / "more.png").touch()
    assert str(passed_over(folder, files)).endswith(", 2 images elsewhere than in split/emotion/")
