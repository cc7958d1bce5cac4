"""Videos and cameras: their frames in order, each with its time."""

import math
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.predict.containers import UNKNOWN, Container, examine
from mien.predict.opencv_logging import silent
from mien.process import command_line

if TYPE_CHECKING:
    import cv2

MAX_FRAME_PIXELS = 100_000_000
"""The most pixels of a frame: a damaged or hostile header can claim any number."""

DEFAULT_RATE = 25.0
"""Frames per second where a video has no rate."""

CODECS = {"AV01": "AV1 (AV01)", "HEV1": "H.265 (hev1)", "HVC1": "H.265 (hvc1)", "VVC1": "H.266 (vvc1)"}
"""Names of codecs whose four letters in a file do not explain themselves."""


@dataclass(frozen=True)
class Every:
    """Which frames are predicted: each `frames`th, and of these at most one in `seconds`."""

    frames: int = 1
    seconds: float = 0.0

    @classmethod
    def of(cls, text: str) -> "Every":
        """Read `5`, every fifth frame, or `0.5s`, one in half a second.

        Raises:
            UserError: it is neither.
        """
        parsed = re.fullmatch(r"(?P<frames>[1-9]\d{0,8})|(?P<seconds>\d{1,6}(\.\d{1,6})?)\s*s", text.strip(), re.ASCII)
        if not parsed or (parsed["seconds"] and not float(parsed["seconds"])):
            raise UserError(f"every {text}: give frames, as 5 for each fifth, or seconds, as 0.5s")
        return cls(int(parsed["frames"] or 1), float(parsed["seconds"] or 0))


EVERY_FRAME = Every()


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a video.

    Attributes:
        number: 0 for the first; skipped frames count.
        time: seconds since the first.
        pixels: uint8 [H, W, 3], RGB, upright.
    """

    number: int
    time: float
    pixels: NDArray[np.uint8]


class Video:
    """An opened video file or camera; `with` closes it.

    Attributes:
        name: the path, or "camera 0".
        live: whether it is a camera.
        rate: frames per second, `DEFAULT_RATE` where it is unknown.
        count: frames of the file, exact by its index or estimated by its length; 0 where both are unknown.
        trouble: why the frames ended too early; "" where they did not.
    """

    def __init__(self, capture: "cv2.VideoCapture", name: str, live: bool, container: Container = UNKNOWN) -> None:
        import cv2

        self.name, self.live, self.trouble = name, live, ""
        self._capture, self._container = capture, container
        rate, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.rate = rate if math.isfinite(rate) and 0 < rate <= 1000 else DEFAULT_RATE
        self.count = int(count) if not live and math.isfinite(count) and 0 < count < 1e9 else 0

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def frames(self, every: Every = EVERY_FRAME) -> Iterator[Frame]:
        """Read the frames from the first on, with one in memory at a time.

        A damaged video ends early, and `trouble` says so.

        Raises:
            UserError: there is not a single frame.
        """
        import cv2

        started, number, now, due = time.monotonic(), 0, 0.0, 0.0
        while self._capture.grab():
            now = self._time(number, now, started)
            if number % every.frames == 0 and now >= due:
                retrieved, pixels = self._capture.retrieve()
                if not retrieved:
                    break
                due = every.seconds * (math.floor(now / every.seconds + 1e-6) + 1) - 1e-6 if every.seconds else 0.0
                yield Frame(number, now, np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8))
            number += 1
        if not number:
            raise UserError(f"{self.name}: {self._why_none()}")
        if self.live:
            self.trouble = f"{self.name}: gives no more pictures"
        else:
            self.trouble = self._broke_off(number, now)

    def _time(self, number: int, before: float, started: float) -> float:
        """A frame's time: of a camera by the clock, of a file by its timestamps, without these by its rate."""
        import cv2

        if self.live:
            return time.monotonic() - started
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if number == 0:
            return max(stamp, 0.0) if math.isfinite(stamp) else 0.0
        return stamp if before < stamp < math.inf else before + 1 / self.rate

    def _why_none(self) -> str:
        """The reason why there is not a single frame."""
        import cv2

        if self.live:
            return "gives no picture; is another program using it?"
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        codec = code.to_bytes(4, "little").decode("latin-1")
        if not (codec.isascii() and codec.isprintable()):
            return "holds no frame that can be read"
        path = Path(self.name)
        converted = path.with_name(f"{path.stem}.h264.mp4")
        command = command_line(["ffmpeg", "-i", str(path), *["-c:v", "libx264", "-pix_fmt", "yuv420p"], str(converted)])
        return (
            f"holds no frame that can be read; its codec is {CODECS.get(codec.upper(), codec)}, which not every build "
            f"of OpenCV decodes; convert it: {command}"
        )

    def _broke_off(self, number: int, now: float) -> str:
        """The message for a file that ended after `number` frames, at the time `now`; "" where nothing is missing."""
        missing = max(2.0, 0.02 * self.count)
        # Where the rate varies, the number or the time alone may be wrong.
        fewer = number < self.count - missing and now < (self.count - missing) / self.rate
        if self._container.counted and fewer:
            return f"{self.name}: broke off after {number:,} of {self.count:,} frames; what was read is kept"
        if self._container.missing and not self._container.counted:
            frames = "1 frame" if number == 1 else f"{number:,} frames"
            lacking = self._container.missing
            bytes_are = "1 byte is" if lacking == 1 else f"{lacking:,} bytes are"
            return f"{self.name}: broke off after {frames}: {bytes_are} missing at its end; what was read is kept"
        return ""


def open_video(path: Path) -> Video:
    """Open a video file.

    Raises:
        UserError: there is no such file, or it is empty or not a readable video.
    """
    import cv2

    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a file")
    try:
        empty, container = not path.stat().st_size, examine(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if empty:
        raise UserError(f"{path}: the file is empty")
    with _quiet():
        # An absolute path: FFmpeg would read the beginning of "a:b.mp4" as a protocol.
        capture = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise UserError(f"{path}: not a video, cut off at its beginning, or of a kind that cannot be read")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    width, height = (int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > MAX_FRAME_PIXELS:
        capture.release()
        raise UserError(
            f"{path}: its header claims frames of {width:,}x{height:,}; at most {MAX_FRAME_PIXELS:,} pixels are read"
        )
    return Video(capture, str(path), live=False, container=container)


def open_camera(number: int = 0) -> Video:
    """Open a camera of this machine; 0 is the first.

    Raises:
        UserError: there is no camera of that number, or it cannot be used.
    """
    import cv2

    with _quiet():
        capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise UserError(f"camera {number}: cannot be opened; is one there, and may this program use it?")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not an older one from the queue
    return Video(capture, f"camera {number}", live=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence OpenCV and FFmpeg, whose errors mien reports itself, and restrict FFmpeg to files, also in playlists."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
    with silent():
        yield
