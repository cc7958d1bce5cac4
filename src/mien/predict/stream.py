"""Streams: find the faces of a video's or a camera's frames. The full search of a photo is too slow for each frame.

A face of the previous frame is searched where it was, by one run of the detector at 320 pixels. Where a face is lost,
and a few times a second otherwise, the whole frame is searched at a small scale for new faces. The other searches that
a photo gets, at larger scales, in pieces and rotated, are spread over the frames, each once in `PERIOD`, so that no
frame waits for many of them. For a camera their number per frame is limited: it does not wait for a slow frame.

Only `Seen` is passed from frame to frame, and the caller stores it: the service has no memory of its clients.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.predict.detector import LARGE, OVERLAP, SIDE, SMALL, TURNS, Detection, Detector, distinct, overlap, pieces
from mien.predict.types import Box, Face

PERIOD = 1.0
"""Seconds in which every search that a photo gets is made once."""

MAX_LIVE = 2
"""The most of these searches in a camera's frame."""

SMALLER, NEWCOMERS = 320, 0.2
"""The long side, in pixels, at which a frame is searched for new faces, larger than a sixteenth of it; and the
seconds between two such searches while faces are followed."""


class FacePlace(NamedTuple):
    """Where a face was: its box, in pixels of the whole frame, and its roll, in degrees clockwise."""

    box: Box
    roll: float


@dataclass(frozen=True)
class Seen:
    """The faces of a stream's frame, where the next frame is searched first.

    Attributes:
        time: of the frame, in seconds.
        places: of its faces.
    """

    time: float
    places: tuple[FacePlace, ...] = ()

    @classmethod
    def of(cls, time: float, faces: Iterable[Face]) -> "Seen":
        """From the faces of a frame's prediction."""
        return cls(time, tuple(FacePlace(face.box, face.roll) for face in faces))


def find_again(
    detector: Detector, pixels: NDArray[np.uint8], time: float, seen: Seen, live: bool, scale: float = 1.0
) -> list[Detection]:
    """Find the faces of a stream's frame, the largest first.

    Args:
        detector: to search with.
        pixels: uint8 [H, W, 3], RGB.
        time: of the frame, in seconds.
        seen: the faces of the previous frame.
        live: whether the frames come from a camera, not from a file.
        scale: pixels of the whole frame, in which places are given, for each of `pixels`.
    """
    faces = distinct(_follow(detector, pixels, _possible(seen.places, pixels, scale), scale))
    if len(faces) < len(seen.places):
        newcomers = detector.upright(pixels, SIDE)
    elif not faces or _due(seen.time, time, NEWCOMERS, 0):
        newcomers = detector.upright(pixels, SMALLER)
    else:
        newcomers = []
    # Not `refined`, which may run the detector ten times: a doubtful face would cost that in each frame.
    faces += _follow(detector, pixels, ((face.box.tolist(), 0.0) for face in _new(newcomers, faces)))
    searches = _searches(detector, pixels, alone=not faces)
    due = [place for place in range(len(searches)) if _due(seen.time, time, PERIOD, place / len(searches))]
    if live:  # the order rotates, so that each search gets its turn
        due = sorted(due, key=lambda place: (place + MAX_LIVE * floor(time / PERIOD)) % len(searches))[:MAX_LIVE]
    candidates = [face for place in due for face in searches[place](pixels)]
    faces += [detector.refined(pixels, face) for face in _new(candidates, faces)]
    return detector.ranked(faces)


def _possible(places: Iterable[FacePlace], pixels: NDArray[np.uint8], scale: float) -> list[FacePlace]:
    """The plausible places, each once: places come from clients, and cutting out many huge ones would be slow."""
    height, width = (scale * edge for edge in pixels.shape[:2])
    selected: list[tuple[FacePlace, NDArray[np.float64]]] = []
    for place in places:
        x, y, wide, high = place.box
        inside = 0 <= x + wide / 2 <= width and 0 <= y + high / 2 <= height
        box = np.array(place.box, np.float64)
        if (
            inside
            and 0 < max(wide, high) <= 2 * max(width, height)
            and all(overlap(box, other) <= OVERLAP for _, other in selected)
        ):
            selected.append((place, box))
    return [place for place, _ in selected]


def _follow(
    detector: Detector, pixels: NDArray[np.uint8], places: Iterable[tuple[Sequence[float], float]], scale: float = 1.0
) -> list[Detection]:
    """The faces that are detected near places, each a box and a roll."""
    faces = (
        detector.follow(pixels, (x + width / 2) / scale, (y + height / 2) / scale, max(width, height) / scale, roll)
        for (x, y, width, height), roll in places
    )
    return [face for face in faces if face is not None]


def _new(faces: Iterable[Detection], known: Sequence[Detection]) -> list[Detection]:
    """The faces that do not overlap a known one, each once."""
    unknown = (face for face in faces if all(overlap(face.box, other.box) <= OVERLAP for other in known))
    return distinct(unknown)


def _searches(
    detector: Detector, pixels: NDArray[np.uint8], alone: bool
) -> list[Callable[[NDArray[np.uint8]], list[Detection]]]:
    """The searches of `Detector.find`.

    Args:
        detector: to search with.
        pixels: of the frame.
        alone: whether no face of the frame is known yet.
    """
    long = max(pixels.shape)
    searches: list[Callable[[NDArray[np.uint8]], list[Detection]]] = [partial(detector.upright, side=LARGE)]
    if long > SIDE / 1.5:
        searches.append(partial(detector.upright, side=SIDE))
    if long > SMALL / 1.5 or (long > SIDE / 1.5 and alone):
        searches += [partial(detector.piecewise, number=number) for number in range(pieces(pixels.shape))]
    if alone:
        searches += [partial(detector.turned, turn=turn) for turn in TURNS]
    return searches


def _due(before: float, now: float, period: float, share: float) -> bool:
    """Whether a time at this share of a period lies between `before` and `now`."""
    return floor(now / period - share) > floor(before / period - share)
