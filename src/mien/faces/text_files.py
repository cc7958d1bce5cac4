"""Text files, plain or compressed by gzip, bzip2, xz or zstd. The first bytes decide, not the name."""

import bz2
import gzip
import lzma
import zlib
from mmap import ACCESS_READ, mmap
from pathlib import Path

from mien.errors import UserError
from mien.extras import install_command

_OPENERS = {b"\x1f\x8b": gzip.GzipFile, b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}
_ZSTD = b"\x28\xb5\x2f\xfd"


def read_text(path: Path) -> bytes | mmap:
    r"""Read a text file, decompressed; line ends of any kind, also mixed, become "\n".

    A plain file with "\n" alone is mapped to memory, not copied.

    Raises:
        UserError: there is no such file, it cannot be read, or its compressed content is corrupt or cut off.
    """
    try:
        text = _decompressed(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        raise UserError(
            f"{path}: the compressed file is corrupt or cut off ({error}); fetch it again, or compress it again"
        ) from None
    return text if text.find(b"\r") < 0 else text[:].replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _decompressed(path: Path) -> bytes | mmap:
    with path.open("rb") as file:
        head = file.read(6)
        if head.startswith(_ZSTD):
            return _decompressed_zstd(path)
        for magic, opener in _OPENERS.items():
            if head.startswith(magic):
                with opener(path) as stream:
                    return bytes(stream.read())
        return mmap(file.fileno(), 0, access=ACCESS_READ) if head else b""


def _decompressed_zstd(path: Path) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise UserError(f"{path}: to read zstd, install zstandard: {install_command('zstd')}") from None
    # zstandard's stream reader accepts a file that is cut off; a decompressor knows whether it reached the end.
    compressed, parts = path.read_bytes(), []
    try:
        while compressed:
            decompressor = zstandard.ZstdDecompressor().decompressobj()
            parts.append(decompressor.decompress(compressed))
            if not decompressor.eof:
                raise EOFError("it ends too early")
            compressed = decompressor.unused_data
    except zstandard.ZstdError as error:
        raise OSError(str(error)) from None
    return b"".join(parts)
