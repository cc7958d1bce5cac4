"""Recording: write pictures with their times to a video file."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import floor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.disk import move
from mien.errors import UserError

if TYPE_CHECKING:
    import cv2

MAX_REPEATS = 600
"""The most frames for which one picture is repeated, so that a wrong time does not make an endless video."""


class Recording:
    """A video that is being written (MPEG-4 Part 2); a picture is shown until the time of the next one."""

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self.rate, self.frames = path, rate, 0
        self._writer: cv2.VideoWriter | None = None
        self._size, self._start = (0, 0), 0.0

    def add(self, time: float, pixels: NDArray[np.uint8]) -> None:
        """Add a picture at its time in seconds: uint8 [H, W, 3], RGB; one of another size than the first is resized.

        Raises:
            UserError: the file cannot be written.
        """
        import cv2

        if self._writer is None:
            self._size, self._start = (pixels.shape[1], pixels.shape[0]), time
            self._writer = cv2.VideoWriter(str(self.path), cv2.VideoWriter.fourcc(*"mp4v"), self.rate, self._size)
            if not self._writer.isOpened():
                raise UserError(f"{self.path.name}: no video of {self._size[0]}x{self._size[1]} can be written here")
        picture = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        if (pixels.shape[1], pixels.shape[0]) != self._size:
            picture = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)
        due = floor((time - self._start) * self.rate + 0.5) + 1
        for _ in range(min(due - self.frames, MAX_REPEATS)):
            self._writer.write(picture)
        self.frames = max(due, self.frames)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()


@contextmanager
def record(path: Path, rate: float) -> Iterator[Recording]:
    """Record to a file, which is complete when the block ends, also by an error; without a picture none is written.

    Args:
        path: an mp4 file.
        rate: frames a second.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = TemporaryDirectory(prefix=".mien-", dir=path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    with scratch as folder:
        recording = Recording(Path(folder) / path.name, rate)
        try:
            yield recording
        finally:
            recording.close()
            if recording.frames:
                _move(recording.path, path)


def _move(temporary: Path, path: Path) -> None:
    try:
        move(temporary, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
