"""Unpack zip and tar archives safely.

No member leaves the folder, is a link or a device, or is larger than it claims. The number of members and their total
size are limited.
"""

import lzma
import os
import re
import shutil
import stat
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from mien.disk import is_forbidden
from mien.errors import UserError

ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
"""How the names of archives end."""

MAX_MEMBERS = 500_000
"""The most files and folders in an archive."""

MAX_BYTES = 32_000_000_000
"""The most bytes that it may have unpacked."""

MAX_RATIO = 200
"""The most times its own size that it may have unpacked; text of pixels has up to six times."""

ALWAYS_ALLOWED = 50_000_000
"""Bytes that an archive of any size may have unpacked."""

_MAX_HEADER = 1 << 20
"""The most bytes of a header in a tar archive, and so the most that is read at once."""

_MAX_PADDING = 1 << 26
"""The most bytes behind the end of a tar archive: zeros up to the size of a tape's block."""

_CHUNK = 1 << 18

_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(RuntimeError, ValueError, OverflowError),
)
"""The errors that the standard library raises for archives that are damaged, or made to do damage."""


@dataclass(frozen=True)
class _Member:
    """A file in an archive.

    Attributes:
        name: in the archive.
        size: bytes, unpacked.
        refusal: why its kind is not unpacked, "" if it is.
        key: the archive's own object for it; None for a folder.
    """

    name: str
    size: int
    refusal: str
    key: Any


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Unpack an archive into a temporary folder, which is removed when the block ends.

    Raises:
        UserError: it is no archive, a broken one, one that is not safe to unpack, or the disk is full.
    """
    try:
        # Where a file in it is still mapped, Windows does not remove it.
        temporary = tempfile.TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(f"{archive}: there is no folder to unpack it into ({error}); name one by TMPDIR") from None
    with temporary as folder:
        try:
            _unpack(archive, Path(folder))
        except OSError as error:
            if error.strerror:
                raise UserError(f"{archive}: cannot be read: {error.strerror.lower()}") from None
            raise _broken(archive, error) from None
        except _BROKEN as error:
            raise _broken(archive, error) from None
        yield Path(folder)


def _broken(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive}: the archive is corrupt or cut off ({error}); fetch it again")


def _unpack(archive: Path, folder: Path) -> None:
    size = archive.stat().st_size
    most = min(MAX_BYTES, max(ALWAYS_ALLOWED, MAX_RATIO * size))
    count = total = 0
    with _opened(archive) as (members, read):
        for member in members:
            count, total = count + 1, total + member.size
            if count > MAX_MEMBERS:
                raise UserError(f"{archive}: holds more than {MAX_MEMBERS:,} files; unpack it yourself")
            if total > most:
                raise UserError(
                    f"{archive}: {size / 1e6:,.1f} MB that unpack to more than {most / 1e6:,.1f} MB; "
                    "if you trust it, unpack it yourself"
                )
            if member.key is None:
                continue
            place = folder / _safe(member, archive)
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                with read(member) as content, place.open("xb") as out:
                    _copy(content, out, member.size)
            except FileExistsError:
                raise UserError(f"{archive}: holds {member.name!r} twice") from None
            except OSError as error:
                if error.strerror is None:
                    raise EOFError(str(error)) from None
                free = shutil.disk_usage(folder).free / 1e6
                raise UserError(
                    f"{archive}: {member.name!r} cannot be unpacked into {folder.parent}: {error.strerror.lower()}; "
                    f"{free:,.1f} MB are free there, and TMPDIR names another folder"
                ) from None


def _safe(member: _Member, archive: Path) -> Path:
    """The path of a member, relative to the folder.

    Raises:
        UserError: the path leads out of the folder, or the member is no plain file.
    """
    name = member.name.replace("\\", "/")
    parts = [part for part in PurePosixPath(name).parts if part != "."]
    outside = name.startswith("/") or ".." in parts or PureWindowsPath(name).drive or not parts
    refusal = member.refusal or ("leads out of its folder" if outside else "")
    if sys.platform == "win32" and any(map(is_forbidden, parts)):
        refusal = refusal or "has a name that Windows forbids"
    if refusal or any(ord(letter) < 32 for letter in name):
        raise UserError(f"{archive}: {member.name!r} {refusal or 'has no proper name'}; nothing of it is read")
    return Path(*parts)


def _copy(content: IO[bytes], out: IO[bytes], size: int) -> None:
    """Copy a member, which must have the size that it claims."""
    # Neither zipfile nor tarfile gives more bytes of a member than it claims; both may give fewer.
    left = size
    while chunk := content.read(_CHUNK):
        left -= len(chunk)
        out.write(chunk)
    if left:
        raise EOFError(f"a member is not {size:,} bytes long, as it claims")


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[Iterator[_Member], Any]]:
    """The files of an archive, and the function that opens each of them. Its first bytes decide which kind it is."""
    with archive.open("rb") as file:
        head = file.read(2)
    if head == b"PK" or zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield _of_zip(packed), lambda member: packed.open(member.key)
        return
    with archive.open("rb") as file, _decompressed(file) as plain, _tar(plain) as tar:
        yield _of_tar(tar), lambda member: tar.extractfile(member.key)


def _tar(plain: IO[bytes]) -> tarfile.TarFile:
    bounded: Any = _BoundedReads(plain)
    return tarfile.open(fileobj=bounded, mode="r:")


def _of_zip(packed: zipfile.ZipFile) -> Iterator[_Member]:
    for info in packed.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
        if info.is_dir():
            yield _Member(info.filename, 0, "", None)
            continue
        refusal = "is encrypted" if info.flag_bits & 1 else ""
        if kind not in (0, stat.S_IFREG):
            refusal = "is a link" if kind == stat.S_IFLNK else "is no plain file"
        yield _Member(info.filename, info.file_size, refusal, info)


def _of_tar(tar: tarfile.TarFile) -> Iterator[_Member]:
    for info in tar:
        if info.isdir():
            yield _Member(info.name, 0, "", None)
            continue
        refusal = "" if info.isreg() and not info.issparse() else "is no plain file"
        if info.issym() or info.islnk():
            refusal = "is a link"
        yield _Member(info.name, info.size, refusal, info)
    # For tarfile a damaged or missing header is the end, too; the real end is a block of zeros.
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("it ends too early")
    # Read to the end of the file: the compression's checksum is there.
    behind = 0
    while chunk := tar.fileobj.read(_CHUNK):
        behind += len(chunk)
        if behind > _MAX_PADDING:
            raise EOFError("too much follows its end")


@contextmanager
def _decompressed(file: IO[bytes]) -> Iterator[Any]:
    import bz2
    import gzip

    head = file.read(6)
    file.seek(0)
    kinds: dict[bytes, Any] = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}
    for magic, kind in kinds.items():
        if head.startswith(magic):
            with gzip.GzipFile(fileobj=file) if kind is gzip.GzipFile else kind(file) as stream:
                yield stream
            return
    yield file


class _BoundedReads:
    """A stream that refuses large reads: tarfile reads an extended header whole, however long it claims to be."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        if not 0 <= size <= _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self.stream.read(size)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place."""
        return self.stream.seek(place, whence)

    def tell(self) -> int:
        """The current place."""
        return self.stream.tell()
