"""Text files as they come: plain, or compressed by gzip, bzip2, xz or zstd (told by their first bytes)."""

import bz2
import gzip
import lzma
import zlib
from mmap import ACCESS_READ, mmap
from pathlib import Path

from mien.errors import UserError

_KINDS = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}
_ZSTD = b"\x28\xb5\x2f\xfd"


def read_text(path: Path) -> bytes | mmap:
    r"""The unpacked bytes of a file, with line ends of any kind, also mixed, as "\n".

    A plain file is mapped to memory rather than copied there, unless it has other line ends.

    Raises:
        UserError: there is no such file, it cannot be read, or its archive is corrupt or cut off.
    """
    try:
        text = _unpacked(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        raise UserError(f"{path}: the archive is corrupt or cut off ({error}); fetch or pack the file again") from None
    return text if text.find(b"\r") < 0 else text[:].replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _unpacked(path: Path) -> bytes | mmap:
    with path.open("rb") as file:
        head = file.read(6)
        if head.startswith(_ZSTD):
            return _unpack_zstd(path)
        for magic, kind in _KINDS.items():
            if head.startswith(magic):
                with kind(path) as stream:
                    return bytes(stream.read())
        return mmap(file.fileno(), 0, access=ACCESS_READ) if head else b""


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
