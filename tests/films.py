"""Small videos, made as they are needed."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RATE = 10.0
STEP = 20


def write_film(path: Path, frames: Iterable[NDArray[np.uint8]], rate: float = RATE, codec: str = "") -> Path:
    """Write frames uint8 [H, W, 3] RGB into a video; the codec is that which is usual for the file's name."""
    codec = codec or {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "MJPG", ".avi": "MJPG", ".webm": "VP80"}[path.suffix]
    writer = None
    for frame in frames:
        if writer is None:
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (frame.shape[1], frame.shape[0]))
            assert writer.isOpened()
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    assert writer is not None
    writer.release()
    return path


def counted(count: int, width: int = 64, height: int = 48) -> list[NDArray[np.uint8]]:
    """At most twelve frames that tell their number: gray, each brighter than the one before."""
    return [np.full((height, width, 3), STEP * number, np.uint8) for number in range(count)]


def number_of(frame: NDArray[np.uint8]) -> int:
    """The number of a frame that `counted` made."""
    return round(float(frame.mean()) / STEP)


def panned(photo: Path, count: int, width: int = 320, height: int = 240) -> list[NDArray[np.uint8]]:
    """A camera's way over a portrait: it pans and zooms, and the face stays in the picture."""
    with Image.open(photo) as image:
        picture = image.convert("RGB")
        frames = []
        for step in np.linspace(0, 1, count):
            wide = 340 + 140 * step
            left, top = 90 - 60 * step, 40 - 20 * step
            box = (left, top, left + wide, top + wide * height / width)
            frames.append(np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, box)))
    return frames
