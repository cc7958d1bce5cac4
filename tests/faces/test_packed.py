"""Packed faces: written whole, opened memory-mapped, refused when damaged."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import Faces, read_packed, write_packed
from mien.faces.packed import SourceFile

Same = Callable[[Faces, Faces], None]


def test_what_is_written_is_read(tmp_path: Path, small: Faces, same: Same) -> None:
    write_packed(small, tmp_path / "a" / "faces", [SourceFile("x.csv", 1, "0")])
    faces = read_packed(tmp_path / "a" / "faces")
    same(faces, small)
    np.testing.assert_array_equal(faces.votes, small.votes)
    assert (faces.name, faces.fingerprint) == (small.name, small.fingerprint)
    assert isinstance(faces.images, np.memmap)
    assert not faces.images.flags.writeable
    head = json.loads((tmp_path / "a" / "faces" / "faces.json").read_text(encoding="utf-8"))
    assert head["counts"] == small.counts()
    assert head["sources"] == [{"file": "x.csv", "bytes": 1, "sha256": "0"}]


def test_without_votes(tmp_path: Path, small: Faces) -> None:
    bare = replace(small, votes=None)
    write_packed(bare, tmp_path / "faces")
    assert read_packed(tmp_path / "faces").votes is None
    assert bare.fingerprint != small.fingerprint


def test_packed_faces_are_replaced_but_nothing_else(tmp_path: Path, small: Faces, same: Same) -> None:
    write_packed(small, tmp_path / "faces")
    write_packed(small.split("test"), tmp_path / "faces")
    same(read_packed(tmp_path / "faces"), small.split("test"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("mine", "file"):
        with pytest.raises(UserError, match="holds no packed faces"):
            write_packed(small, tmp_path / name)
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_packed_folder_may_be_packed_onto_itself(tmp_path: Path, small: Faces, same: Same) -> None:
    write_packed(small, tmp_path / "faces")
    write_packed(read_packed(tmp_path / "faces").split("train"), tmp_path / "faces")
    same(read_packed(tmp_path / "faces"), small.split("train"))


def damage(folder: Path, how: str) -> None:
    head = json.loads((folder / "faces.json").read_text(encoding="utf-8"))
    if how == "missing":
        (folder / "images.npy").unlink()
    elif how == "cut off":
        content = (folder / "images.npy").read_bytes()
        (folder / "images.npy").write_bytes(content[:5000])
    elif how == "shape":
        np.save(folder / "votes.npy", np.zeros((28, 9), np.uint8))
    elif how == "type":
        np.save(folder / "labels.npy", np.zeros(28))
    elif how == "range":
        np.save(folder / "labels.npy", np.full(28, 7, np.uint8))
    elif how == "order":
        np.save(folder / "splits.npy", np.repeat([2, 1, 0, 0], 7).astype(np.uint8))
    elif how == "counts":
        np.save(folder / "labels.npy", np.zeros(28, np.uint8))
    elif how == "key":
        del head["classes"]
    elif how == "version":
        head["format"] = 99
    elif how == "pickle":
        np.save(folder / "labels.npy", np.array([{}] * 28, object))
    (folder / "faces.json").write_text("{" if how == "json" else json.dumps(head), encoding="utf-8")


@pytest.mark.parametrize(
    "how",
    ["missing", "cut off", "shape", "type", "range", "order", "counts", "key", "version", "json", "pickle"],
)
def test_damaged(tmp_path: Path, small: Faces, how: str) -> None:
    write_packed(small, tmp_path / "faces")
    damage(tmp_path / "faces", how)
    expected = "packed in format 99" if how == "version" else "damaged packed faces"
    with pytest.raises(UserError, match=expected) as caught:
        read_packed(tmp_path / "faces")
    assert str(tmp_path / "faces") in str(caught.value)


def test_no_packed_faces(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mien faces import"):
        read_packed(tmp_path)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs takes the rights of root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_disk_full(tiny_disk: Path, small: Faces) -> None:
    with pytest.raises(UserError, match="cannot be written") as caught:
        write_packed(replace(small, images=np.tile(small.images, (1, 2, 2))), tiny_disk / "faces")
    assert "it takes 0.3 MB, 0.1 MB are free there" in str(caught.value)
    assert list(tiny_disk.iterdir()) == []


def test_no_space_left(tmp_path: Path, small: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"faces: cannot be written \(No space left on device\)"):
        write_packed(small, tmp_path / "faces")
    assert list(tmp_path.iterdir()) == []
