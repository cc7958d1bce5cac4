"""What a video file's own structure tells: whether bytes of it are missing, and whether it counts its frames.

OpenCV tells a number of frames for every file, but where the container has no index it is the length in seconds times
the rate, and that length may be the sound's, or a guess from the bytes.
"""

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_INDEX = 1 << 26
"""Bytes of an index that are looked at."""

_ISO_KINDS = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
"""Boxes with which a file of MP4's and QuickTime's family begins."""


@dataclass(frozen=True)
class Container:
    """What a video file tells of itself.

    Attributes:
        missing: bytes that it says it has, and has not; 0 where it does not say.
        counted: whether it has an index that says how many frames are shown.
    """

    missing: int = 0
    counted: bool = False


UNKNOWN = Container()
"""A container that tells nothing."""


def examine(path: Path) -> Container:
    """Look at a video file's structure: MP4 and its family, AVI, Matroska and WebM; of others it tells nothing.

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
    """Of the ISO base media file format (ISO/IEC 14496-12): boxes, one behind the other."""
    place, index, fragments = 0, b"", False
    while place + 8 <= size:
        file.seek(place)
        length, kind = struct.unpack(">L4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8))
        elif length == 0:  # the last one, up to the end
            length = size - place
        if length < 8:  # damaged: the way from box to box is lost
            break
        if kind == b"moov":
            index = file.read(min(length, _MOST_INDEX))
        fragments = fragments or kind == b"moof"
        place += length
    return Container(max(place - size, 0), bool(index) and not fragments and not _is_trimmed(index))


def _is_trimmed(index: bytes) -> bool:
    """Whether a film shows but a part of its video track, as after trimming on a telephone; the index has all of it."""
    try:
        film_scale, _ = _times(index, b"mvhd")
        for track in index.split(b"trak")[1:]:
            if b"vide" not in track or b"elst" not in track:
                continue
            scale, length = _times(track, b"mdhd")
            edits = track.index(b"elst") + 4
            form = struct.Struct(">QqL" if track[edits] == 1 else ">LlL")
            (count,) = struct.unpack_from(">L", track, edits + 4)
            entries = form.iter_unpack(track[edits + 8 : edits + 8 + form.size * count])
            shown = sum(duration for duration, start, _ in entries if start >= 0)  # -1: an empty while before it
            if shown * scale < 0.98 * length * film_scale:
                return True
    except (ValueError, struct.error, IndexError):  # damaged
        return True
    return False


def _times(index: bytes, kind: bytes) -> tuple[int, int]:
    """Units a second and the length in them, of a film's or a track's head."""
    begin = index.index(kind) + 4
    form, place = (">LQ", begin + 20) if index[begin] == 1 else (">LL", begin + 12)
    scale, length = struct.unpack_from(form, index, place)
    return scale, length


def _avi(file: BinaryIO, size: int) -> Container:
    """Of RIFF AVI and OpenDML: chunks, one behind the other; the head of the video stream has the number of frames."""
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
    """Bytes that are missing of a Matroska file's segment (RFC 8794, RFC 9559); 0 where it tells no size."""
    begin, length = _variable_size(head, 4)
    segment = begin + length
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return 0
    begin, length = _variable_size(head, segment + 4)
    return max(begin + length - size, 0)


def _variable_size(head: bytes, place: int) -> tuple[int, int]:
    """Where an element's content begins, and its bytes; 0 where they are unknown, as of a stream, or not there."""
    first = head[place] if place < len(head) else 0
    width = 9 - first.bit_length()  # the first bit that is set tells how many bytes the number has
    number = int.from_bytes(head[place : place + width]) & ((1 << 7 * width) - 1)
    unknown = not first or place + width > len(head) or number == (1 << 7 * width) - 1
    return place + width, 0 if unknown else number
