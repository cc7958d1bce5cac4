"""Containers: read from a video file's structure whether bytes are missing and whether it has an index of its frames.

OpenCV reports a number of frames for every file. Where the container has no index, that is the length in seconds times
the rate, and the length may be that of the sound, or estimated from the number of bytes.
"""

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_INDEX = 1 << 26
"""The most bytes of an index that are read."""

_ISO_KINDS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
"""First boxes of files of the MP4 and QuickTime family."""


@dataclass(frozen=True)
class Container:
    """The structure of a video file.

    Attributes:
        missing: bytes that are missing at the end, by the sizes in the file; 0 where it has no sizes.
        counted: whether it has an index with the number of frames that are shown.
    """

    missing: int = 0
    counted: bool = False


UNKNOWN = Container()
"""A container of a kind that is not examined."""


def examine(path: Path) -> Container:
    """Examine a video file's structure: MP4 and its family, AVI, Matroska and WebM; for others return `UNKNOWN`.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(64)
        if head[4:8] in _ISO_KINDS:
            return _iso(file, size)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _avi(file, size)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return Container(missing=_matroska(head, size))
    return UNKNOWN


def _iso(file: BinaryIO, size: int) -> Container:
    """Examine a file of the ISO base media file format (ISO/IEC 14496-12), a sequence of boxes."""
    place, index, fragments = 0, b"", False
    while place + 8 <= size:
        file.seek(place)
        length, kind = struct.unpack(">L4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8))
        elif length == 0:  # the last one, up to the end
            length = size - place
        if length < 8:  # damaged: the next box cannot be located
            break
        if kind == b"moov":
            index = file.read(min(length, _MOST_INDEX))
        fragments = fragments or kind == b"moof"
        place += length
    return Container(max(place - size, 0), bool(index) and not fragments and not _is_trimmed(index))


def _is_trimmed(index: bytes) -> bool:
    """Whether a video shows only a part of its track, as after trimming on a phone; the index lists the whole track."""
    try:
        movie_scale, _ = _times(index, b"mvhd")
        for track in index.split(b"trak")[1:]:
            if b"vide" not in track or b"elst" not in track:
                continue
            scale, length = _times(track, b"mdhd")
            edits = track.index(b"elst") + 4
            form = struct.Struct(">QqL" if track[edits] == 1 else ">LlL")
            (count,) = struct.unpack_from(">L", track, edits + 4)
            entries = form.iter_unpack(track[edits + 8 : edits + 8 + form.size * count])
            shown = sum(duration for duration, start, _ in entries if start >= 0)  # -1: an empty while before it
            if shown * scale < 0.98 * length * movie_scale:
                return True
    except (ValueError, struct.error, IndexError):  # damaged
        return True
    return False


def _times(index: bytes, kind: bytes) -> tuple[int, int]:
    """Time units per second and the duration in these units, from a movie's or a track's header."""
    begin = index.index(kind) + 4
    form, place = (">LQ", begin + 20) if index[begin] == 1 else (">LL", begin + 12)
    scale, length = struct.unpack_from(form, index, place)
    return scale, length


def _avi(file: BinaryIO, size: int) -> Container:
    """Examine an AVI or OpenDML file, a sequence of RIFF chunks; the video stream's header has the number of frames."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        kind, length = struct.unpack("<4sL", file.read(8))
        if kind != b"RIFF" or not length:
            break
        place += 8 + length + length % 2
    file.seek(0)
    stream = re.search(rb"strh.{4}vids.{28}(.{4})", file.read(1 << 16), re.DOTALL)
    return Container(max(place - size, 0), stream is not None and any(stream[1]))


def _matroska(head: bytes, size: int) -> int:
    """Bytes missing from a Matroska file's segment (RFC 8794, RFC 9559); 0 where its size is unknown."""
    begin, length = _variable_size(head, 4)
    segment = begin + length
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return 0
    begin, length = _variable_size(head, segment + 4)
    return max(begin + length - size, 0)


def _variable_size(head: bytes, place: int) -> tuple[int, int]:
    """Where an element's content begins, and its size in bytes; 0 where the size is unknown or not in `head`."""
    first = head[place] if place < len(head) else 0
    width = 9 - first.bit_length()  # the position of the first set bit gives the number of bytes
    number = int.from_bytes(head[place : place + width]) & ((1 << 7 * width) - 1)
    unknown = not first or place + width > len(head) or number == (1 << 7 * width) - 1
    return place + width, 0 if unknown else number
