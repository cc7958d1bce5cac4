"""Videos: every frame, with its time, upright; and all that can be wrong with one."""

import socket
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import RATE, counted, number_of, write_film
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UserError
from mien.predict import video as video_module
from mien.predict.video import Every, Video, open_camera, open_video


@pytest.mark.parametrize("name", ["film.mp4", "film.avi", "film.mkv", "film.mov"])
def test_every_frame_comes_once_with_its_time(tmp_path: Path, name: str) -> None:
    with open_video(write_film(tmp_path / name, counted(12))) as video:
        frames = list(video.frames())
    assert [number_of(frame.pixels) for frame in frames] == list(range(12))
    assert [frame.number for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(12) / RATE, atol=2e-3)
    assert (video.rate, video.count, video.trouble) == (RATE, 12, "")
    assert frames[0].pixels.shape == (48, 64, 3)


def test_colours_are_red_green_blue(tmp_path: Path) -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    with open_video(write_film(tmp_path / "red.mp4", [red] * 3)) as video:
        seen = next(video.frames()).pixels.mean(axis=(0, 1))
    np.testing.assert_allclose(seen, (200, 0, 0), atol=6)


@pytest.mark.parametrize(
    ("every", "numbers"),
    [
        ("1", list(range(12))),
        ("5", [0, 5, 10]),
        ("0.3s", [0, 3, 6, 9]),
        ("0.25 s", [0, 3, 5, 8, 10]),
        ("60s", [0]),
    ],
)
def test_some_of_the_frames(tmp_path: Path, every: str, numbers: list[int]) -> None:
    with open_video(write_film(tmp_path / "film.mp4", counted(12))) as video:
        assert [frame.number for frame in video.frames(Every.of(every))] == numbers
        assert video.trouble == ""


@given(st.integers(1, 10**9 - 1))
def test_frames_are_read_as_they_are_written(frames: int) -> None:
    assert Every.of(str(frames)) == Every(frames=frames)
    assert Every.of(f"{frames / 1000:.3f}s") == Every(seconds=frames / 1000)


@given(st.text(max_size=8).filter(lambda text: not any(sign in text for sign in "123456789")))
def test_what_is_neither_frames_nor_seconds_is_reported(text: str) -> None:
    with pytest.raises(UserError, match="give frames, as 5 for each fifth, or seconds"):
        Every.of(text)


def test_a_video_filmed_on_its_side_is_set_upright(tmp_path: Path) -> None:
    corner = np.zeros((48, 64, 3), np.uint8)
    corner[:16, :16] = 255
    path = write_film(tmp_path / "film.mp4", [corner] * 3)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, track header, version 0
    struct.pack_into(">9i", content, matrix, 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)  # a quarter clockwise
    path.write_bytes(content)
    with open_video(path) as video:
        seen = next(video.frames()).pixels
    assert seen.shape == (64, 48, 3)
    assert seen[4:12, -12:-4].mean() > 200
    assert seen[4:12, 4:12].mean() < 50


def test_a_video_that_breaks_off_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    frames = [np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8) for number in range(40)]
    path = write_film(tmp_path / "film.avi", frames)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with open_video(path) as video:
        assert 10 < len(list(video.frames())) < 25
    assert video.trouble.startswith(f"{path}: broke off after ")
    assert video.trouble.endswith(" of 40 frames; what was read is kept")


def test_memory_does_not_grow_with_the_video(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = write_film(tmp_path / "film.avi", (frame for _ in range(10) for frame in counted(10, 640, 480)))
    with open_video(path) as video:
        frames = video.frames()
        for _ in range(10):
            next(frames)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert sum(1 for _ in frames) == 90
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 20 * 640 * 480 * 3  # of 90 frames


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "diary.mp4").write_text("dear diary", encoding="utf-8")
    whole = write_film(tmp_path / "whole.mp4", counted(5)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "folder.mp4").mkdir()
    for name, message in (
        ("gone.mp4", "no such file"),
        ("empty.mp4", "the file is empty"),
        ("diary.mp4", "not a video, cut off"),
        ("cut.mp4", "not a video, cut off"),
        ("folder.mp4", "not a file"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            open_video(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_a_file_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/film.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / "film.m3u8").write_text(playlist, encoding="utf-8")
        with pytest.raises(UserError, match=r"not a video"), open_video(tmp_path / "film.m3u8") as video:
            next(video.frames())
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_machine_without_that_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"camera 97: cannot be opened; is one there"):
        open_camera(97)
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_is_unplugged(tmp_path: Path) -> None:
    capture = cv2.VideoCapture(str(write_film(tmp_path / "film.avi", counted(5))))
    with Video(capture, "camera 0", live=True) as video:
        times = [frame.time for frame in video.frames()]
    assert len(times) == 5
    assert times == sorted(times)
    assert video.trouble == "camera 0: gives no more pictures"


class Capture:
    """OpenCV's capture, of a film whose first frames can be decoded and the later ones cannot."""

    def __init__(self, good: int = 0, bad: int = 0, codec: bytes = b"\0\0\0\0") -> None:
        self.good, self.left, self.codec = good, good + bad, codec

    def get(self, key: int) -> float:
        return float(int.from_bytes(self.codec, "little")) if key == cv2.CAP_PROP_FOURCC else 0.0

    def set(self, key: int, value: float) -> bool:
        return True

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, object]:
        self.good -= 1
        return self.good >= 0, np.zeros((48, 64, 3), np.uint8)

    def release(self) -> None:
        """Nothing is open."""


def test_a_frame_that_cannot_be_decoded_ends_the_video() -> None:
    with Video(Capture(good=2, bad=3), "film.mp4", live=False) as video:  # type: ignore[arg-type]
        assert [frame.number for frame in video.frames()] == [0, 1]


@pytest.mark.parametrize(
    ("capture", "live", "message"),
    [
        (Capture(), False, r"film\.x: holds no frame that can be read$"),
        (Capture(codec=b"HEV1"), False, r"film\.x: .* its codec is H\.265 \(hev1\).* film\.x -c:v .* film\.h264\.mp4"),
        (Capture(), True, r"film\.x: gives no picture; is another program using it\?"),
    ],
)
def test_why_there_is_not_a_single_frame(capture: Capture, live: bool, message: str) -> None:
    with Video(capture, "film.x", live) as video, pytest.raises(UserError, match=message):  # type: ignore[arg-type]
        next(video.frames())


def test_a_camera_is_opened_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: Capture(good=3))
    with open_camera(2) as video:
        assert (video.name, video.live, video.count) == ("camera 2", True, 0)
        assert len(list(video.frames())) == 3


def test_frames_larger_than_allowed_are_refused_by_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_module, "MAX_FRAME_PIXELS", 1000)
    path = write_film(tmp_path / "film.mp4", counted(2))
    with pytest.raises(UserError, match=r"film\.mp4: its header claims frames of [\d,]+x[\d,]+; at most 1,000 pixels"):
        open_video(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here that opens and cannot be read")
def test_a_file_that_cannot_be_read_is_one_message() -> None:
    with pytest.raises(UserError, match=r"^/proc/self/mem: cannot be read: "):
        open_video(Path("/proc/self/mem"))
