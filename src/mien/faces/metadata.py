"""Remove the metadata of image files; read only the orientation from them.

Pixels are often intact where metadata are not: half an EXIF block, megabytes of text, a wrong checksum. A decoder that
reads the metadata refuses the whole image. So each file is taken apart here, and only the parts that make pixels stay.
"""

import re
import struct
import zlib
from collections.abc import Iterator

EXIF_ORIENTATION = 0x0112

_MAX_TEXT = 1 << 20
"""The most bytes to which compressed text that may hold an orientation is decompressed."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_PNG_XMP, _PNG_PROFILE = b"XML:com.adobe.xmp", b"Raw profile type exif"
"""Names of texts that may hold an orientation: XMP, and EXIF in ImageMagick's form, a head and then digits."""
_PNG_MAX_SEARCHES = 8
"""How often the next chunk is searched for, after a chunk with a wrong length."""
_PNG_TRANSPARENCY = {0: (2, 2), 2: (6, 6), 3: (1, 256)}
"""The least and the most bytes of a tRNS chunk, by the image's colour type (PNG specification, 11.3.2.1)."""

_PNG_CHUNK = re.compile(rb".{4}[A-Za-z]{4}", re.DOTALL)
_PNG_FOLLOWING = re.compile(rb".{4}(?:PLTE|tRNS|IDAT|IEND)", re.DOTALL)
"""The beginning, length and name, of any chunk; and of one that makes pixels and may follow another."""

_JPEG_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
"""A marker with a length; others, and stuffing, are skipped."""

_TIFF = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
_TIFF_PIXELS = {
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
    *(332, 338, 339, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
}
"""Tags of a TIFF directory that describe how pixels are stored: sizes, kinds, compression, strips, tiles, palettes."""

_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)\s*([1-8])")
_ISO_METADATA = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))(?:Exif|mime)", re.DOTALL)
"""The entry of an item of metadata (ISO/IEC 14496-12, 8.11.6): version, flags, number, protection, then its type."""


def without_metadata(content: bytes) -> tuple[bytes, int | None]:
    """Remove an image file's metadata.

    PNG, JPEG, TIFF, WebP, AVIF and HEIF lose all parts that make no pixels; other kinds stay as they are. Damage
    elsewhere stays, for the decoder to report. Of a file with several pictures the first stays.

    Args:
        content: of the whole file.

    Returns:
        the content, which decodes to the same pixels as they are stored; and the orientation, 1 to 8 as in EXIF (1:
        upright), None where the decoder applies it (AVIF and HEIF) or the file has none.
    """
    if content.startswith(_PNG):
        return _png(content)
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content[:4] in _TIFF:
        return _tiff(content)
    if content[:4] == b"RIFF" and content[8:16] == b"WEBPVP8X":
        return _webp(content)
    if content[4:8] == b"ftyp":
        return _ISO_METADATA.sub(rb"\1skip", content), None
    return content, None


def exif_orientation(exif: bytes) -> int | None:
    """The orientation in an EXIF block, 1 to 8; None where it has none, or is damaged before it.

    Args:
        exif: of any length, with or without the words `Exif` in front.
    """
    block = re.sub(rb"^(?:Exif\0\0){1,2}", b"", exif)
    values = (_orientation(block, entry) for entry in _directory(block) if _tag(block, entry) == EXIF_ORIENTATION)
    return next(values, None)


def _xmp_orientation(xmp: bytes) -> int | None:
    match = _XMP_ORIENTATION.search(xmp)
    return int(match[1]) if match else None


def _first_orientation(exif: bytes, xmp: bytes) -> int | None:
    """EXIF's orientation, or else XMP's: viewers use them in this order."""
    return exif_orientation(exif) or _xmp_orientation(xmp)


def _png(content: bytes) -> tuple[bytes, int | None]:
    view, place, colour_type, searches = memoryview(content), 8, -1, 0
    parts: list[bytes | memoryview] = [content[:8]]
    texts: dict[bytes, tuple[bytes, bytes]] = {}
    while place + 8 <= len(content):
        length, kind = int.from_bytes(view[place : place + 4]), content[place + 4 : place + 8]
        body, end = view[place + 8 : place + 8 + length], place + 12 + length
        if kind in _PNG_PIXELS:
            parts.append(view[place:end])
            colour_type = body[9] if kind == b"IHDR" and len(body) > 9 else colour_type
            if kind == b"IEND":
                break
        elif end <= len(content) and int.from_bytes(view[end - 4 : end]) == zlib.crc32(view[place + 4 : end - 4]):
            if kind == b"tRNS":
                least, most = _PNG_TRANSPARENCY.get(colour_type, (1, 0))
                parts += [view[place:end]] if least <= length <= most else []
            elif kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                name, _, text = (kind, b"", bytes(body)) if kind == b"eXIf" else bytes(body).partition(b"\0")
                texts.setdefault(name, (kind, text))
        elif not _PNG_CHUNK.match(content, end):  # its length is wrong too
            following = _PNG_FOLLOWING.search(content, place + 8)
            end, searches = following.start() if following else len(content), searches + 1
            if searches > _PNG_MAX_SEARCHES:
                break
        place = end
    exif = _png_text(*texts.get(b"eXIf", (b"", b""))) or _digits(_png_text(*texts.get(_PNG_PROFILE, (b"", b""))))
    return b"".join(parts), _first_orientation(exif, _png_text(*texts.get(_PNG_XMP, (b"", b""))))


def _png_text(kind: bytes, text: bytes) -> bytes:
    """The text behind the name of a chunk; b"" where it cannot be decompressed."""
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, text = text[:1] == b"\1", text[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif packed:
        text = text[1:]
    try:
        return zlib.decompressobj().decompress(text, _MAX_TEXT) if packed else text
    except zlib.error:
        return b""


def _digits(profile: bytes) -> bytes:
    try:
        return bytes.fromhex(b"".join(profile.split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""


def _jpeg(content: bytes) -> tuple[bytes, int | None]:
    parts, place, exif, xmp = [content[:2]], 2, b"", b""
    while (match := _JPEG_MARKER.search(content, place)) and match.end() + 2 <= len(content):
        place, marker = match.start(), match[0][1]
        length = int.from_bytes(content[place + 2 : place + 4])
        if marker in (0xD9, 0xDA) or length < 2:  # the pixels begin, or there are none
            break
        end = place + 2 + length
        body = content[place + 4 : end]
        # These two say which colours the channels are; the decoder reads that only if they have so many bytes.
        has_colours = (marker == 0xE0 and body[:5] == b"JFIF\0" and len(body) >= 14) or (
            marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12
        )
        if has_colours or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            parts.append(content[place:end])
        elif marker == 0xE1 and body[:6] == b"Exif\0\0":
            exif = exif or body[6:]
        elif marker == 0xE1 and body[:4] == b"http":
            xmp = xmp or body
        place = end
    parts.append(content[place:])
    return b"".join(parts), _first_orientation(exif, xmp)


def _webp(content: bytes) -> tuple[bytes, int | None]:
    """Remove EXIF, XMP and the colour profile from the RIFF container, and the flags that say that they are there."""
    parts, place, exif, xmp = [], 12, b"", b""
    while place + 8 <= len(content):
        kind, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        end = place + 8 + length + length % 2
        chunk = content[place:end]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~0b101100]) + chunk[9:] if len(chunk) > 8 else chunk
        if kind == b"EXIF":
            exif = chunk[8:]
        elif kind == b"XMP ":
            xmp = chunk[8:]
        elif kind != b"ICCP":
            parts.append(chunk)
        place = end
    pixels = b"".join(parts)
    return b"RIFF" + (len(pixels) + 4).to_bytes(4, "little") + b"WEBP" + pixels, _first_orientation(exif, xmp)


def _tiff(content: bytes) -> tuple[bytes, int | None]:
    """Remove all entries of a TIFF's first directory but those of pixels, and the pointer to the next directory."""
    entries = list(_directory(content))
    if not entries:
        return content, None
    selected = [entry for entry in entries if _tag(content, entry) in _TIFF_PIXELS]
    first, (order, big) = entries[0], _layout(content)
    count, width = (8, 20) if big else (2, 12)
    parts: list[bytes | memoryview] = [
        content[: first - count],
        struct.pack(order + ("Q" if big else "H"), len(selected)),
    ]
    parts += [content[entry : entry + width] for entry in selected]
    parts.append(bytes(8 if big else 4))
    parts.append(memoryview(content)[sum(map(len, parts)) :])
    return b"".join(parts), exif_orientation(content)


def _layout(block: bytes) -> tuple[str, bool]:
    """A TIFF's byte order, `<` or `>`, and whether its numbers have 64 bits (BigTIFF)."""
    return _TIFF[block[:4]], b"+" in block[:4]


def _directory(block: bytes) -> Iterator[int]:
    """The places of the entries of a TIFF's first directory, as far as the file has them; none if it is no TIFF."""
    if block[:4] not in _TIFF:
        return
    order, big = _layout(block)
    number, width = ("Q", 20) if big else ("H", 12)
    head = struct.calcsize(order + number)
    at = 8 if big else 4
    if len(block) < 2 * at:
        return
    (first,) = struct.unpack_from(order + ("Q" if big else "L"), block, at)
    if first + head > len(block):
        return
    (count,) = struct.unpack_from(order + number, block, first)
    yield from range(first + head, min(first + head + count * width, len(block) - width + 1), width)


def _tag(block: bytes, entry: int) -> int:
    return int.from_bytes(block[entry : entry + 2], "little" if block[:1] == b"I" else "big")


def _orientation(block: bytes, entry: int) -> int | None:
    """The orientation in an entry: it should be a SHORT, but some files have a BYTE or a LONG."""
    order, big = _layout(block)
    (kind,) = struct.unpack_from(order + "H", block, entry + 2)
    form = {1: "B", 3: "H", 4: "L"}.get(kind)
    if form is None:
        return None
    (value,) = struct.unpack_from(order + form, block, entry + (12 if big else 8))
    return int(value) if 1 <= value <= 8 else None
