"""Archives as downloaded: what is read of them, and that none does harm."""

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces, archives, open_faces, write_packed
from mien.faces.archives import unpacked

pytestmark = pytest.mark.usefixtures("cache")

Text = Callable[..., str]
Same = Callable[[Faces, Faces], None]
Pack = Callable[[Path, dict[str, bytes]], Path]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked to: empty before and after."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    kind = path.suffix.lower()[1:].replace("tgz", "gz").replace("tar", "")
    with tarfile.open(path, f"w:{kind}") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return path


def packer(name: str) -> Pack:
    return zipped if name.endswith("zip") else tarred


def message(archive: Path, temporary: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_faces(str(archive))
    assert list(temporary.iterdir()) == []
    assert str(temporary) not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["archive.zip", "fer2013.tar.gz", "a.tgz", "a.TAR", "a.tar.bz2", "a.tar.xz"])
@pytest.mark.parametrize("inside", ["fer2013.csv", "fer2013/fer2013.csv"])
def test_a_csv_in_an_archive(
    tmp_path: Path, temporary: Path, small: Faces, csv_text: Text, same: Same, name: str, inside: str
) -> None:
    files = {inside: csv_text(small).encode(), "fer2013/README": b"read me", "__MACOSX/._fer2013.csv": b"\0\1"}
    archive = packer(name)(tmp_path / name, files)
    faces = open_faces(str(archive))
    same(faces, small)
    assert faces.name == name.partition(".")[0]
    assert list(temporary.iterdir()) == []
    os.utime(archive, (1, 1))
    same(open_faces(str(archive)), small)


def test_folders_of_images_in_an_archive(tmp_path: Path, small: Faces) -> None:
    from PIL import Image

    files = {}
    for row, (image, label, split) in enumerate(zip(small.images, small.labels, small.splits, strict=True)):
        content = io.BytesIO()
        Image.fromarray(image).save(content, "png")
        files[f"FER/{SPLITS[split]}/{EMOTIONS[label]}/{row}.png"] = content.getvalue()
    assert open_faces(str(zipped(tmp_path / "fer.zip", files))).counts() == small.counts()
    # An archive of a split, and a folder that holds nothing but archives of splits.
    for split in SPLITS:
        top = f"FER/{split}/"
        part = {name.removeprefix(top): content for name, content in files.items() if name.startswith(top)}
        zipped(tmp_path / f"{split}.zip", part)
    (tmp_path / "fer.zip").unlink()
    assert open_faces(str(tmp_path)).counts() == small.counts()
    assert open_faces(f"validation={tmp_path / 'test.zip'}").counts() == {"validation": dict.fromkeys(EMOTIONS, 1)}


def test_packed_faces_in_an_archive(tmp_path: Path, small: Faces, same: Same) -> None:
    write_packed(small, tmp_path / "faces")
    files = {f"faces/{file.name}": file.read_bytes() for file in (tmp_path / "faces").iterdir()}
    faces = open_faces(str(zipped(tmp_path / "faces.zip", files)))
    same(faces, small)
    assert faces.votes is not None


@pytest.mark.parametrize(
    "name", ["../out.csv", "/out.csv", "a/../../out.csv", "..\\out.csv", "C:\\out.csv", "a/\nb.csv"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_no_path_leaves_the_folder(tmp_path: Path, temporary: Path, name: str, pack: Pack) -> None:
    archive = pack(tmp_path / f"a.{pack.__name__[:3]}", {"fer2013.csv": b"x", name: b"evil"})
    before = sorted(tmp_path.rglob("*"))
    assert "nothing of it is read" in message(archive, temporary)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (tarfile.SYMTYPE, "'x.csv' is a link"),
        (tarfile.LNKTYPE, "'x.csv' is a link"),
        (tarfile.CHRTYPE, "'x.csv' is no plain file"),
        (tarfile.FIFOTYPE, "'x.csv' is no plain file"),
    ],
)
def test_links_and_devices_are_refused(tmp_path: Path, temporary: Path, kind: bytes, expected: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        info = tarfile.TarInfo("x.csv")
        info.type, info.linkname = kind, "/etc/passwd"
        packed.addfile(info)
    assert expected in message(tmp_path / "a.tar", temporary)


def test_links_and_encrypted_files_of_a_zip_are_refused(tmp_path: Path, temporary: Path) -> None:
    info = zipfile.ZipInfo("x.csv")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    assert "'x.csv' is a link" in message(tmp_path / "a.zip", temporary)
    content = bytearray(zipped(tmp_path / "b.zip", {"x.csv": b"y"}).read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    assert "'x.csv' is encrypted" in message(tmp_path / "b.zip", temporary)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, temporary: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 100_000)
    archive = packer(name)(tmp_path / name, {f"{number}.csv": bytes(90_000) for number in range(100)})
    assert "MB that unpack to more than" in message(archive, temporary)
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 100_000_000)
    monkeypatch.setattr(archives, "MAX_BYTES", 1_000_000)
    assert "unpack to more than 1.0 MB" in message(archive, temporary)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    assert "holds more than 5 files" in message(archive, temporary)


def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path: Path, temporary: Path) -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 5 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(10_240))
    assert "corrupt or cut off (a header of 5,368,709,120 bytes)" in message(tmp_path / "a.tar", temporary)


def test_a_member_twice_and_an_archive_within_an_archive(tmp_path: Path, temporary: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        for _ in range(2):
            packed.addfile(tarfile.TarInfo("x.csv"))
    assert "holds 'x.csv' twice" in message(tmp_path / "a.tar", temporary)
    inner = zipped(tmp_path / "inner.zip", {"x.csv": b"y"}).read_bytes()
    assert f"{tmp_path}/outer.zip/inner.zip: is an archive within an archive" in message(
        zipped(tmp_path / "outer.zip", {"inner.zip": inner}), temporary
    )
    inside = zipped(tmp_path / "c.zip", {"fer2013.csv": b"emotion,pixels,Usage\n3,1 2,Training\n"})
    assert f"{inside}/fer2013.csv: 1 problem:\n  line 2: 2 pixels" in message(inside, temporary)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1), cut=st.booleans())
def test_a_damaged_archive_is_refused_or_gives_what_it_held(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: float, cut: bool
) -> None:
    tmp_path = tmp_path_factory.mktemp("archive")
    files = {f"{number}.csv": Random(number).randbytes(3000) for number in range(3)}
    archive = packer(name)(tmp_path / name, files)
    content = bytearray(archive.read_bytes())
    at = int(place * (len(content) - 1))
    if cut:
        del content[at:]
    else:
        content[at] ^= 0x10
    archive.write_bytes(content)
    try:
        with unpacked(archive) as folder:
            unpacked_files = {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
            # A plain tar has no sum of its content, a zip none of its list of names.
            assert unpacked_files == files or (len(unpacked_files) == 3 and name in ("a.zip", "a.tar"))
    except UserError as error:
        assert str(archive) in str(error)  # noqa: PT017
