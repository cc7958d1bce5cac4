"""Text files as they come: plain, or compressed by gzip, bzip2, xz or zstd (told by their first bytes)."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path

from mien.errors import UserError

BLOCK = 256 * 1024
"""Bytes read at a time: a block and its temporary arrays fit into a core's second-level cache."""

_ZSTD = b"\x28\xb5\x2f\xfd"
_UNPACKED = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}


def line_blocks(path: Path) -> Iterator[bytes]:
    r"""Yield the unpacked bytes of a file in blocks of about `BLOCK`, each of which ends where a line ends.

    Line ends of any kind, also mixed, come out as "\n"; only the last line of the file may come without one.

    Raises:
        UserError: there is no such file, it cannot be read, or its archive is corrupt or cut off.
    """
    rest = b""
    for block in _blocks(path):
        block = rest + block
        # A "\r" at the very end may be the first half of "\r\n".
        whole = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
        if whole:
            yield _plain_line_ends(block[:whole])
        rest = block[whole:]
    if rest:
        yield _plain_line_ends(rest)


def _plain_line_ends(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(6)
        if head.startswith(_ZSTD):
            yield from _zstd_blocks(path)
            return
        kind = next((kind for magic, kind in _UNPACKED.items() if head.startswith(magic)), None)
        with kind(path) if kind else path.open("rb") as stream:
            while block := stream.read(BLOCK):
                yield block
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise _corrupt(path, error) from None


def _zstd_blocks(path: Path) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise UserError(f"{path}: to read zstd, install the package zstandard: pip install 'mien[zstd]'") from None
    # zstandard's own stream reader takes a cut-off archive for a whole one; a decompressor knows whether it ended.
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    try:
        with path.open("rb") as file:
            while packed := file.read(BLOCK):
                while packed:
                    if unpacker.eof:
                        unpacker = zstandard.ZstdDecompressor().decompressobj()
                    yield unpacker.decompress(packed)
                    packed = unpacker.unused_data
    except zstandard.ZstdError as error:
        raise _corrupt(path, error) from None
    if not unpacker.eof:
        raise _corrupt(path, "it ends too early")


def _corrupt(path: Path, reason: object) -> UserError:
    return UserError(f"{path}: the archive is corrupt or cut off ({reason}); fetch or pack the file again")
