"""What a video file's structure tells, and what is said of videos that end."""

import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import write_film
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.errors import UserError
from mien.predict.containers import Container, examine
from mien.predict.video import Video, open_video

CASES = Path(__file__).parents[3] / "shared" / "cases"
CODECS = {".ts": "mpg2", ".flv": "FLV1", ".wmv": "WMV2"}


def noise(count: int) -> list[NDArray[np.uint8]]:
    return [np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8) for number in range(count)]


def film(path: Path, count: int = 40) -> Path:
    return write_film(path, noise(count), codec=CODECS.get(path.suffix, ""))


def watched(path: Path) -> tuple[int, str]:
    """How many frames a video gives, and what is said of its end."""
    with open_video(path) as video:
        return len(list(video.frames())), video.trouble


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    return path


def index_first(path: Path) -> Path:
    """Set an mp4's index before its frames, as files for the web have it."""
    content = path.read_bytes()
    frames, index = content.index(b"mdat") - 4, content.index(b"moov") - 4
    head, media, moov = content[:frames], content[frames:index], bytearray(content[index:])
    offsets = moov.index(b"stco") + 8
    (count,) = struct.unpack_from(">L", moov, offsets)
    for place in range(offsets + 4, offsets + 4 + 4 * count, 4):
        struct.pack_into(">L", moov, place, struct.unpack_from(">L", moov, place)[0] + len(moov))
    path.write_bytes(head + moov + media)
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi"])
def test_an_index_counts_the_frames(tmp_path: Path, name: str) -> None:
    assert examine(film(tmp_path / name, 5)) == Container(missing=0, counted=True)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.ts", "a.flv", "a.wmv"])
def test_other_containers_count_none(tmp_path: Path, name: str) -> None:
    assert examine(film(tmp_path / name, 5)) == Container(missing=0, counted=False)


@pytest.mark.parametrize(
    ("name", "before", "form"),
    [("a.mkv", b"\x44\x89\x88", ">d"), ("a.webm", b"\x44\x89\x88", ">d"), ("a.flv", b"duration\0", ">d")],
)
def test_a_whole_film_whose_length_is_another_streams_has_not_broken_off(
    tmp_path: Path, name: str, before: bytes, form: str
) -> None:
    path = film(tmp_path / name)
    content = bytearray(path.read_bytes())
    place = content.index(before) + len(before)
    (length,) = struct.unpack_from(form, content, place)
    struct.pack_into(form, content, place, 3.5 * length)
    path.write_bytes(content)
    with open_video(path) as video:
        assert video.count == pytest.approx(140, abs=2)  # what OpenCV makes of it
    assert watched(path) == (40, "")


@pytest.mark.parametrize("name", ["a.ts", "a.flv", "a.wmv"])
def test_a_film_that_cannot_tell_ends_where_it_ends(tmp_path: Path, name: str) -> None:
    frames, trouble = watched(cut(film(tmp_path / name), 2 / 3))
    assert 10 < frames < 35
    assert trouble == ""


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_a_matroska_file_that_breaks_off_says_how_many_bytes_are_missing(tmp_path: Path, name: str) -> None:
    whole = film(tmp_path / name)
    size = whole.stat().st_size
    frames, trouble = watched(cut(whole, 2 / 3))
    assert 10 < frames < 35
    missing = size - whole.stat().st_size
    assert trouble == (
        f"{whole}: broke off after {frames} frames: {missing:,} bytes are missing at its end; what was read is kept"
    )


def test_an_mp4_that_breaks_off_behind_its_index_says_so(tmp_path: Path) -> None:
    path = index_first(film(tmp_path / "a.mp4"))
    assert watched(path) == (40, "")
    frames, trouble = watched(cut(path, 2 / 3))
    assert 10 < frames < 35
    assert trouble == f"{path}: broke off after {frames} of 40 frames; what was read is kept"


def test_an_mp4_that_was_trimmed_is_whole(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    content = bytearray(path.read_bytes())
    (scale,) = struct.unpack_from(">L", content, content.index(b"mvhd") + 16)
    struct.pack_into(">L", content, content.index(b"elst") + 12, scale)  # the first of its four seconds
    path.write_bytes(content)
    assert examine(path) == Container(missing=0, counted=False)
    assert watched(path) == (10, "")


def test_fragments_are_counted_by_no_index(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 5)
    path.write_bytes(path.read_bytes() + struct.pack(">L4s", 16, b"moof") + bytes(8))
    assert not examine(path).counted


def test_an_avi_whose_recorder_died_is_not_counted(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", 5)
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.index(b"vids") + 32, 0)
    path.write_bytes(content)
    assert not examine(path).counted


def test_a_stream_in_matroska_without_a_size_misses_nothing(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv")
    content = bytearray(path.read_bytes())
    place = content.index(b"\x18\x53\x80\x67") + 4
    content[place : place + 8] = b"\x01" + b"\xff" * 7
    path.write_bytes(content)
    assert watched(cut(path, 2 / 3))[1] == ""


HEADS = [b"\0\0\0\x14ftypisom", b"RIFF\xff\xff\0\0AVI ", b"\x1a\x45\xdf\xa3\xa3", b"\0\0\0\x40moov", b"\0\0\0\1mdat"]


@given(st.sampled_from(HEADS), st.binary(max_size=120))
def test_a_damaged_structure_is_no_trouble(tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.mp4"
    path.write_bytes(head + rest)
    assert examine(path).missing >= 0


class Undecoded:
    """What OpenCV has of a film in AV1 where its build lacks the decoder: all of its facts and no frame."""

    def get(self, key: int) -> float:
        return float(int.from_bytes(b"AV01", "little")) if key == cv2.CAP_PROP_FOURCC else 20.0

    def grab(self) -> bool:
        return False

    def release(self) -> None:
        pass


def test_a_film_of_a_codec_that_cannot_be_read_names_it_and_a_way(tmp_path: Path) -> None:
    path = tmp_path / "my film.mp4"
    with Video(Undecoded(), str(path), live=False) as video, pytest.raises(UserError) as caught:
        next(video.frames())
    assert str(caught.value) == (
        f"{path}: holds no frame that can be read; its codec is AV1 (AV01), which not every build of OpenCV decodes; "
        f"convert it: ffmpeg -i '{path}' -c:v libx264 -pix_fmt yuv420p '{tmp_path / 'my film.h264.mp4'}'"
    )


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
def test_av1_is_read_or_named() -> None:
    with open_video(CASES / "av1.mp4") as video:
        try:
            frames, reason = len(list(video.frames())), ""
        except UserError as error:
            frames, reason = 0, str(error)
    assert frames == 20 or "its codec is AV1" in reason


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
def test_the_film_whose_sound_is_longer_is_whole(tmp_path: Path) -> None:
    assert watched(CASES / "longaudio.mkv") == (20, "")
    half = cut(Path(shutil.copyfile(CASES / "longaudio.mkv", tmp_path / "half.mkv")), 0.4)
    assert "bytes are missing at its end" in watched(half)[1]


def test_a_box_of_64_bits_is_measured_by_its_own_length(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 5)
    head = path.read_bytes()[: path.read_bytes().index(b"mdat") - 4]
    media = struct.pack(">L4sQ", 1, b"mdat", 16 + 1000)
    path.write_bytes(head + media + bytes(1000))
    assert examine(path) == Container(missing=0, counted=False)
    path.write_bytes(head + media + bytes(400))
    assert examine(path).missing == 600


def test_an_avi_is_measured_up_to_the_first_chunk_that_is_none(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", 5)
    path.write_bytes(path.read_bytes() + b"more than the header says")
    assert examine(path) == Container(missing=0, counted=True)


def test_a_last_box_without_a_length_goes_to_the_end(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 5)
    content = path.read_bytes()
    media = content.index(b"mdat") - 4
    path.write_bytes(content[:media] + struct.pack(">L4s", 0, b"mdat") + bytes(1000))
    assert examine(path) == Container(missing=0, counted=False)


def test_behind_a_damaged_box_nothing_is_examined(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 5)
    path.write_bytes(path.read_bytes() + struct.pack(">L4s", 3, b"free") + bytes(100))
    assert examine(path) == Container(missing=0, counted=True)
