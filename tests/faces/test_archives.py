"""Archives as downloaded: what is read of them, and that none does harm."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, VOTES, Faces, archives, open_faces, write_packed
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


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_folders_in_an_archive_are_no_files(
    tmp_path: Path, small: Faces, csv_text: Text, same: Same, name: str
) -> None:
    content = csv_text(small).encode()
    if name == "a.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as zip_file:
            zip_file.mkdir("fer")
            zip_file.writestr("fer/fer2013.csv", content)
    else:
        with tarfile.open(tmp_path / name, "w") as tar_file:
            folder, info = tarfile.TarInfo("fer"), tarfile.TarInfo("fer/fer2013.csv")
            folder.type, info.size = tarfile.DIRTYPE, len(content)
            tar_file.addfile(folder)
            tar_file.addfile(info, io.BytesIO(content))
    same(open_faces(str(tmp_path / name)), small)


def test_a_member_that_is_shorter_than_it_claims(tmp_path: Path, temporary: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("x.csv", b"12345")
    content = bytearray(archive.read_bytes())
    place = content.index(b"PK\1\2") + 24  # the size unpacked, in the list of files
    content[place : place + 4] = (9).to_bytes(4, "little")
    archive.write_bytes(content)
    assert "corrupt or cut off (a member is not 9 bytes long, as it claims)" in message(archive, temporary)


def test_a_member_whose_compression_is_broken(tmp_path: Path, temporary: Path) -> None:
    archive = tarred(tmp_path / "a.tar.bz2", {"x.csv": Random(0).randbytes(2_000_000)})
    content = bytearray(archive.read_bytes())
    content[1_500_000] ^= 0xFF
    archive.write_bytes(content)
    assert "corrupt or cut off (" in message(archive, temporary)


def test_a_name_that_the_disk_does_not_take(tmp_path: Path, temporary: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"x" * 300 + ".csv": b"1"})
    with pytest.raises(UserError, match=rf"cannot be unpacked into {temporary}: file name too long; .* MB are free"):
        open_faces(str(archive))


def test_much_behind_the_end_of_a_tar(tmp_path: Path, temporary: Path) -> None:
    plain = tarred(tmp_path / "a.tar", {"x.csv": b"1"}).read_bytes()
    (tmp_path / "a.tar").unlink()
    with gzip.open(tmp_path / "b.tar.gz", "wb", compresslevel=1) as file:
        file.write(plain + bytes(1 << 26))
    assert "too much follows its end" in message(tmp_path / "b.tar.gz", temporary)


def test_no_folder_to_unpack_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", {"x.csv": b"1"})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"a\.zip: there is no folder to unpack it into \(.*\); name one by TMPDIR"):
        open_faces(str(archive))


def test_an_archive_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"none\.zip: cannot be read: no such file or directory"),
        unpacked(tmp_path / "none.zip"),
    ):
        pass


def test_votes_in_an_archive_are_joined(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    assert small.votes is not None
    usages = [("Training", "PublicTest", "PrivateTest")[split] for split in small.splits]
    rows = [f"{usage},," + ",".join(map(str, votes)) for usage, votes in zip(usages, small.votes, strict=True)]
    votes = "\n".join(["Usage,Image name," + ",".join(VOTES), *rows])
    files = {"fer2013.csv": csv_text(small).encode(), "fer2013new.csv": votes.encode()}
    faces = open_faces(str(zipped(tmp_path / "fer.zip", files)))
    assert faces.votes is not None
    assert faces.votes.tolist() == small.votes.tolist()
