"""Every source opened, and the cache."""

import bz2
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, VOTES, Faces, open_faces, read_packed, write_packed
from mien.faces.source import find_source

pytestmark = pytest.mark.usefixtures("cache")

Text = Callable[..., str]
Same = Callable[[Faces, Faces], None]


@pytest.fixture
def three(tmp_path: Path, small: Faces, csv_text: Text) -> Path:
    """A folder with a csv file a split, named and packed as the course's are, and FER+ votes beside them."""
    folder = tmp_path / "three"
    folder.mkdir()
    for split, name in zip(SPLITS, ("Train", "Validation", "Test"), strict=True):
        text = csv_text(small.split(split), usage=False)
        (folder / f"Q1_{name}_Data.csv.bz2").write_bytes(bz2.compress(text.encode()))
    assert small.votes is not None
    rows = ["Usage,Image name," + ",".join(VOTES)]
    for split, votes in zip(small.splits, small.votes, strict=True):
        usage = ("Training", "PublicTest", "PrivateTest")[split]
        rows.append(f"{usage},," + ",".join(map(str, votes)))
    (folder / "fer2013new.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_one_csv(tmp_path: Path, small: Faces, csv_text: Text, same: Same) -> None:
    (tmp_path / "fer2013.csv").write_text(csv_text(small), encoding="utf-8")
    faces = open_faces(str(tmp_path / "fer2013.csv"))
    same(faces, small)
    assert faces.name == "fer2013"
    assert faces.votes is None


def test_a_folder_of_csv_files_and_votes(three: Path, small: Faces, same: Same) -> None:
    faces = open_faces(str(three))
    same(faces, small)
    assert faces.name == "three"
    assert faces.fingerprint == small.fingerprint


def test_files_that_also_lie_there_unpacked_are_read_once(three: Path, small: Faces, same: Same) -> None:
    packed = three / "Q1_Test_Data.csv.bz2"
    packed.with_suffix("").write_bytes(bz2.decompress(packed.read_bytes()))
    same(open_faces(str(three)), small)


def test_several_files_by_name_or_by_a_given_split(three: Path, tmp_path: Path, small: Faces, same: Same) -> None:
    files = [str(three / f"Q1_{name}_Data.csv.bz2") for name in ("Test", "Train", "Validation")]
    same(open_faces(files), small)
    nameless = tmp_path / "a.csv.bz2"
    nameless.write_bytes(Path(files[0]).read_bytes())
    same(open_faces([f"test={nameless}", *files[1:]], votes=str(three / "fer2013new.csv")), small)
    with pytest.raises(UserError, match="say which split it is: train="):
        open_faces([str(nameless), *files[1:]])


def test_a_given_split_against_the_files_own(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    (tmp_path / "fer2013.csv").write_text(csv_text(small), encoding="utf-8")
    with pytest.raises(UserError, match="given as train, but it holds train and validation and test"):
        open_faces(f"train={tmp_path / 'fer2013.csv'}")


def test_votes_by_name(tmp_path: Path, three: Path, small: Faces, csv_text: Text) -> None:
    (tmp_path / "fer2013.csv").write_text(csv_text(small), encoding="utf-8")
    faces = open_faces(str(tmp_path / "fer2013.csv"), votes=str(three / "fer2013new.csv"))
    np.testing.assert_array_equal(faces.votes, small.votes)


def test_packed_faces_open_where_they_lie(tmp_path: Path, small: Faces, cache: Path) -> None:
    write_packed(small, tmp_path / "faces")
    assert open_faces(str(tmp_path / "faces")).fingerprint == small.fingerprint
    assert not cache.exists()


def test_smaller_images(three: Path, small: Faces) -> None:
    faces = open_faces(str(three), size=24)
    assert faces.size == 24
    sums = small.images.reshape(-1, 24, 2, 24, 2).astype(int).sum(axis=(2, 4))
    np.testing.assert_array_equal(faces.images, (sums + 2) // 4)
    assert faces.fingerprint != small.fingerprint
    for size in (49, 0):
        with pytest.raises(UserError, match="only ever made smaller"):
            open_faces(str(three), size=size)


def test_npz_parquet_and_image_folders(tmp_path: Path, small: Faces, same: Same) -> None:
    splits = [SPLITS[split] for split in small.splits]
    np.savez(tmp_path / "faces.npz", images=small.images, labels=small.labels, split=splits)
    same(open_faces(str(tmp_path / "faces.npz"), classes=["fer2013"]), small)

    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    hub = tmp_path / "hub"
    hub.mkdir()
    for split in SPLITS:
        part = small.split(split)
        table = pa.table({"image": part.images.tolist(), "label": part.labels})
        pq.write_table(table, hub / f"{split}-00000-of-00001.parquet")
    same(open_faces(str(hub), classes=["fer2013"]), small)

    for row, (image, label, split) in enumerate(zip(small.images, small.labels, splits, strict=True)):
        folder = tmp_path / "pictures" / split / EMOTIONS[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{row}.png")
    assert open_faces(str(tmp_path / "pictures")).counts() == small.counts()


def test_the_second_opening_reads_the_cache(three: Path, cache: Path, same: Same) -> None:
    first = open_faces(str(three))
    (entry,) = cache.iterdir()
    before = (entry / "images.npy").stat().st_ino
    same(open_faces(str(three)), first)
    assert (entry / "images.npy").stat().st_ino == before
    assert len(list(cache.iterdir())) == 1


def test_a_changed_file_is_read_again(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    file = tmp_path / "fer2013.csv"
    file.write_text(csv_text(small), encoding="utf-8")
    first = open_faces(str(file))
    content = file.read_text(encoding="utf-8")
    status = file.stat()
    file.write_text(content.replace("\n0,", "\n6,", 1), encoding="utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    changed = open_faces(str(file))
    assert (first.labels[0], changed.labels[0]) == (0, 6)


def test_a_damaged_cache_is_made_anew(three: Path, cache: Path, same: Same) -> None:
    first = open_faces(str(three))
    (entry,) = cache.iterdir()
    (entry / "labels.npy").unlink()
    same(open_faces(str(three)), first)


def test_nothing_is_left_behind_by_a_bad_source(three: Path, cache: Path) -> None:
    (three / "Q1_Test_Data.csv.bz2").write_bytes(b"BZh9 broken")
    with pytest.raises(UserError, match="corrupt or cut off"):
        open_faces(str(three))
    assert not cache.exists()


def test_drawn_faces_are_drawn_once(cache: Path) -> None:
    faces = open_faces("drawn:70")
    assert len(faces) == 70
    (entry,) = cache.iterdir()
    assert open_faces("drawn:70").fingerprint == read_packed(entry).fingerprint == faces.fingerprint


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("none.csv", "none.csv: no such file or folder"),
        ("train=none.csv", "none.csv: no such file or folder"),
        ("drawn:many", "how many faces to draw"),
        ("drawn:0", "how many faces to draw"),
        ("{tmp}", "expected folders train, validation, test"),
    ],
)
def test_no_such_source(tmp_path: Path, source: str, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        open_faces(source.format(tmp=tmp_path))


def test_a_folder_of_files_named_for_no_split(tmp_path: Path, small: Faces, csv_text: Text, same: Same) -> None:
    (tmp_path / "one.csv").write_text(csv_text(small), encoding="utf-8")
    same(open_faces(str(tmp_path)), small)
    (tmp_path / "two.csv").write_text(csv_text(small), encoding="utf-8")
    with pytest.raises(UserError, match=r"which of one\.csv, two\.csv\?"):
        open_faces(str(tmp_path))


def test_a_class_without_an_image_to_learn_from(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    lines = [line for line in csv_text(small).splitlines() if not (line[:2] == "1," and line.endswith("Training"))]
    (tmp_path / "fer2013.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError, match="no image of disgust in train"):
        open_faces(str(tmp_path / "fer2013.csv"))


def test_parts_that_do_not_go_together(tmp_path: Path, small: Faces) -> None:
    write_packed(small.split("train"), tmp_path / "a")
    write_packed(replace(small.split("test"), classes=tuple("abcdefg")), tmp_path / "b")
    write_packed(replace(small.split("test"), images=small.images[21:, :24, :24]), tmp_path / "c")
    with pytest.raises(UserError, match="its classes are a, b, c, d, e, f, g, but those of"):
        open_faces([str(tmp_path / "a"), str(tmp_path / "b")])
    with pytest.raises(UserError, match="24 pixels wide, the first part's 48"):
        open_faces([str(tmp_path / "a"), str(tmp_path / "c")])


def test_what_was_left_out_of_the_parts_adds_up(tmp_path: Path, small: Faces) -> None:
    for split in SPLITS[:2]:
        part = small.split(split)
        write_packed(part.without(np.arange(len(part)) < 2, "copies"), tmp_path / split)
    write_packed(small.split("train"), tmp_path / "all")
    faces = open_faces([str(tmp_path / name) for name in ("train", "all", "validation")])
    assert faces.left_out == {"copies": {"train": 2, "validation": 2}}


def test_no_source_at_all() -> None:
    with pytest.raises(UserError, match="no source of faces is given; name a file, a folder, or drawn"):
        open_faces([])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("photos.zip", r"photos\.zip: is an archive; unpack it, and name the folder of its photos"),
        ("photos.csv", r"photos\.csv: no folder of photos; they lie in folders, as split/emotion/\*\.jpg"),
        ("packed", "packed: no folder of photos"),
        ("drawn:70", "drawn: no folder of photos"),
    ],
)
def test_sources_that_are_no_photos(tmp_path: Path, small: Faces, source: str, expected: str) -> None:
    (tmp_path / "photos.zip").touch()
    (tmp_path / "photos.csv").touch()
    write_packed(small, tmp_path / "packed")
    with pytest.raises(UserError, match=expected):
        find_source([source if source.startswith("drawn") else str(tmp_path / source)]).photos([".jpg"])


def test_photos_get_the_names_of_their_numbers(tmp_path: Path) -> None:
    for place in ("test/1", "test/4"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.jpg").touch()
    files, names = find_source([str(tmp_path)]).photos([".jpg"], ["rafdb"])
    assert [(file.path.parent.name, file.split, file.emotion) for file in files] == [
        ("1", 2, "surprise"),
        ("4", 2, "happy"),
    ]
    assert names == {"1": "surprise", "4": "happy"}


@pytest.mark.real
@pytest.mark.slow
def test_the_real_fer2013(fer2013: Path) -> None:
    faces = open_faces(str(fer2013))
    assert {split: list(counts.values()) for split, counts in faces.counts().items()} == {
        "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "validation": [467, 56, 496, 895, 653, 415, 607],
        "test": [491, 55, 528, 879, 594, 416, 626],
    }
    assert faces.votes is not None
    assert faces.votes.shape == (35887, 10)
    assert faces.fingerprint == "56738cc817e4e2d9d512abf706c12d49371e450bd7c990bcae125141b6be8f73"
