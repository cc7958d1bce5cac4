"""What of a folder is read: as Kaggle and others lay their files out."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces, open_faces

pytestmark = pytest.mark.usefixtures("cache")

Text = Callable[..., str]
Same = Callable[[Faces, Faces], None]


def write_images(folder: Path, faces: Faces) -> None:
    for row, (image, label, split) in enumerate(zip(faces.images, faces.labels, faces.splits, strict=True)):
        place = folder / SPLITS[split] / EMOTIONS[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{row:03}.png")


@pytest.fixture
def competition(tmp_path: Path, small: Faces, csv_text: Text) -> Path:
    """The competition's folder: train.csv, test.csv without labels, and all of it in a file whose header has spaces."""
    folder = tmp_path / "competition"
    folder.mkdir()
    lines = csv_text(small).splitlines()
    (folder / "icml_face_data.csv").write_text("\n".join(["emotion, pixels, Usage", *lines[1:]]), encoding="utf-8")
    (folder / "train.csv").write_text(csv_text(small.split("train"), usage=False), encoding="utf-8")
    bare = [" ".join(map(str, image.ravel())) for image in small.split("test").images]
    (folder / "test.csv").write_text("\n".join(["pixels", *bare]), encoding="utf-8")
    (folder / "example_submission.csv").write_text("3\n3\n", encoding="utf-8")
    (folder / "fer2013.tar.gz").write_bytes(b"the same, packed")
    return folder


def test_the_competitions_complete_file_is_read_and_named(competition: Path, small: Faces, same: Same) -> None:
    faces = open_faces(str(competition))
    same(faces, small)
    assert faces.notes == (
        f"{competition}/icml_face_data.csv holds every split and is read; test.csv, train.csv beside it are not",
    )


def test_of_two_complete_files_one_must_be_named(competition: Path, small: Faces, csv_text: Text) -> None:
    (competition / "fer2013.csv").write_text(csv_text(small), encoding="utf-8")
    with pytest.raises(UserError, match=r"which of fer2013\.csv, icml_face_data\.csv\?"):
        open_faces(str(competition))


def test_a_split_whose_header_is_wrong_is_not_passed_over(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    for split in SPLITS:
        (tmp_path / f"{split}.csv").write_text(csv_text(small.split(split), usage=False), encoding="utf-8")
    (tmp_path / "validation.csv").write_text("emotion pixels\n", encoding="utf-8")
    (tmp_path / "labels.csv").write_text("image,label\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"validation\.csv, line 1: wrong header"):
        open_faces(str(tmp_path))


def test_without_the_complete_file_what_has_labels_is_read(competition: Path) -> None:
    (competition / "icml_face_data.csv").unlink()
    faces = open_faces(str(competition))
    assert list(faces.counts()) == ["train"]
    assert faces.notes == (f"{competition}/test.csv has no labels and is not read",)
    (competition / "train.csv").unlink()
    with pytest.raises(UserError, match=r"test\.csv, line 1: wrong header 'pixels'; it has no labels"):
        open_faces(str(competition))


def test_labelled_files_by_split_go_before_one_of_all(competition: Path, small: Faces, csv_text: Text) -> None:
    (competition / "test.csv").write_text(csv_text(small.split("test"), usage=False), encoding="utf-8")
    assert list(open_faces(str(competition)).counts()) == ["train", "test"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_folders_are_read_beside_tables_without_pixels(tmp_path: Path, small: Faces, wrapped: bool) -> None:
    folder = tmp_path / "set"
    write_images(folder / "DATASET" if wrapped else folder, small)
    for name in ("train_labels.csv", "labels.csv"):
        (folder / name).write_text("image,label\n0.png,1\n", encoding="utf-8")
    faces = open_faces(str(folder))
    assert faces.counts() == small.counts()
    assert faces.name == "set"
    assert faces.notes[0] == f"{folder}/labels.csv holds no pixels and is not read"
    assert open_faces([f"{split}={next(folder.rglob(split))}" for split in SPLITS]).counts() == small.counts()


def test_an_archive_beside_what_it_unpacked_to_is_not_read_again(tmp_path: Path, small: Faces) -> None:
    write_images(tmp_path / "set" / "archive", small)
    (tmp_path / "set" / "archive.zip").write_bytes(b"the same")
    assert open_faces(str(tmp_path / "set")).counts() == small.counts()


def test_several_sets_in_a_folder(tmp_path: Path, small: Faces) -> None:
    write_images(tmp_path / "set" / "raw", small)
    write_images(tmp_path / "set" / "aligned", small)
    with pytest.raises(UserError, match=r"holds several sets of faces: .*aligned, .*raw; name one"):
        open_faces(str(tmp_path / "set"))


def test_a_table_alone_that_has_no_pixels(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label\n0.png,1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"labels\.csv, line 1: wrong header 'image,label'"):
        open_faces(str(tmp_path))


def test_npy_files(tmp_path: Path, small: Faces, same: Same) -> None:
    folder = tmp_path / "arrays"
    folder.mkdir()
    for split in SPLITS:
        np.save(folder / f"X_{split}.npy", small.split(split).images)
        np.save(folder / f"y_{split}.npy", [EMOTIONS[label] for label in small.split(split).labels])
    same(open_faces(str(tmp_path)), small)
    with pytest.raises(UserError, match=r"X_train\.npy: is one array; name its folder"):
        open_faces(str(folder / "X_train.npy"))


def test_a_file_in_a_folder_of_one_split_is_no_set_of_its_own(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    write_images(tmp_path, small)
    (tmp_path / "test" / "happy" / "notes.csv").write_text(csv_text(small), encoding="utf-8")
    assert open_faces(f"test={tmp_path / 'test'}").counts() == {"test": dict.fromkeys(EMOTIONS, 1)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_table_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n", encoding="utf-8")
    (tmp_path / "fer2013.csv").chmod(0)
    with pytest.raises(UserError, match=r"fer2013\.csv: cannot be read: Permission denied"):
        open_faces(str(tmp_path))
