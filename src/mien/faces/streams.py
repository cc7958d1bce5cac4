"""Text files as they come: plain, or compressed by gzip, bzip2, xz or zstd (told by their first bytes)."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mien.errors import UserError

BLOCK = 1024 * 1024
"""Bytes read at a time: what is made of a block stays in the processor's caches."""

_KINDS = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}
_ZSTD = b"\x28\xb5\x2f\xfd"


def line_blocks(path: Path) -> Iterator[bytes]:
    r"""Yield the unpacked bytes of a file in blocks of at least `BLOCK`, each of which ends where a line ends.

    Line ends of any kind, also mixed, come out as "\n"; only the last line of the file may come without one.

    Raises:
        UserError: there is no such file, it cannot be read, or its archive is corrupt or cut off.
    """
    try:
        with path.open("rb") as file:
            head = file.read(6)
        with _unpacked(path, head) as stream:
            while block := stream.read(BLOCK) + stream.readline():
                yield block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{path}: the archive is corrupt or cut off ({error}); fetch or pack the file again") from None


def _unpacked(path: Path, head: bytes) -> BinaryIO | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    if head.startswith(_ZSTD):
        return io.BytesIO(_unpack_zstd(path))
    kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)
    return kind(path) if kind else path.open("rb")


def _unpack_zstd(path: Path) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise UserError(f"{path}: to read zstd, install zstandard: pip install 'mien[zstd]'") from None
    # zstandard's own stream reader takes a cut-off archive for a whole one; a decompressor knows whether it ended.
    packed, unpacked = path.read_bytes(), []
    try:
        while packed:
            decompressor = zstandard.ZstdDecompressor().decompressobj()
            unpacked.append(decompressor.decompress(packed))
            if not decompressor.eof:
                raise EOFError("it ends too early")
            packed = decompressor.unused_data
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from None
    return b"".join(unpacked)
