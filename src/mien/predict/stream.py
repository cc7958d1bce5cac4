"""Streams: the faces of a video's or a camera's frames. What a photo is worth is too much for each frame.

A face of the frame before is looked for where it was: one look of the detector, at 320 pixels. While there is none, and
a few times a second otherwise, the whole frame is looked at small, for newcomers. All other looks that a photo gets,
larger, piece by piece and turned, are made one after the other, each once in `PERIOD`, so that no frame waits for many.
A camera does not wait: a frame of it that comes late is looked at no more often, or the next one would come later yet.

Nothing but `Seen` is handed on from frame to frame, so that whoever shows the frames can keep it: the service has no
memory of its clients.
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
"""Seconds in which every look that a photo gets is made once."""

LIVE = 2
"""So many of these looks are made at a camera's frame at most, however late it comes."""

SMALLER, NEWCOMERS = 320, 0.2
"""The long side, in pixels, at which a frame is looked at for newcomers, who are larger than a sixteenth of it; and how
often, in seconds, while faces are followed."""


class Place(NamedTuple):
    """Where a face was: its box, in pixels of the whole frame, and by how many degrees it was turned clockwise."""

    box: Box
    roll: float


@dataclass(frozen=True)
class Seen:
    """What was seen in a stream's frame, which helps to look at the next one.

    Attributes:
        time: of the frame, in seconds.
        places: of its faces.
    """

    time: float
    places: tuple[Place, ...] = ()

    @classmethod
    def of(cls, time: float, faces: Iterable[Face]) -> "Seen":
        """What is known after a frame in which these faces were found."""
        return cls(time, tuple(Place(face.box, face.roll) for face in faces))


def find_again(
    detector: Detector, pixels: NDArray[np.uint8], time: float, seen: Seen, live: bool, scale: float = 1.0
) -> list[Detection]:
    """Find the faces of a stream's frame, the largest first.

    Args:
        detector: looks.
        pixels: uint8 [H, W, 3], RGB.
        time: of the frame, in seconds.
        seen: in the frame before.
        live: of a camera, not of a film.
        scale: how many pixels of the whole frame, in which places are told, one of `pixels` stands for.
    """
    found = distinct(_follow(detector, pixels, _possible(seen.places, pixels, scale), scale))
    if len(found) < len(seen.places):
        newcomers = detector.upright(pixels, SIDE)
    elif not found or _due(seen.time, time, NEWCOMERS, 0):
        newcomers = detector.upright(pixels, SMALLER)
    else:
        newcomers = []
    # Not `nearer`, which may take ten looks: what is hardly a face would cost them in each frame.
    found += _follow(detector, pixels, ((face.box.tolist(), 0.0) for face in _new(newcomers, found)))
    looks = _looks(detector, pixels, alone=not found)
    due = [place for place in range(len(looks)) if _due(seen.time, time, PERIOD, place / len(looks))]
    if live:  # those that come first change, so that it is each one's turn at some time
        due = sorted(due, key=lambda place: (place + LIVE * floor(time / PERIOD)) % len(looks))[:LIVE]
    candidates = [face for place in due for face in looks[place](pixels)]
    found += [detector.nearer(pixels, face) for face in _new(candidates, found)]
    return detector.ranked(found)


def _possible(places: Iterable[Place], pixels: NDArray[np.uint8], scale: float) -> list[Place]:
    """The places where faces can be, each once: they come from outside, and to cut out many vast ones takes long."""
    height, width = (scale * edge for edge in pixels.shape[:2])
    kept: list[tuple[Place, NDArray[np.float64]]] = []
    for place in places:
        x, y, wide, high = place.box
        inside = 0 <= x + wide / 2 <= width and 0 <= y + high / 2 <= height
        box = np.array(place.box, np.float64)
        if (
            inside
            and 0 < max(wide, high) <= 2 * max(width, height)
            and all(overlap(box, other) <= OVERLAP for _, other in kept)
        ):
            kept.append((place, box))
    return [place for place, _ in kept]


def _follow(
    detector: Detector, pixels: NDArray[np.uint8], places: Iterable[tuple[Sequence[float], float]], scale: float = 1.0
) -> list[Detection]:
    """The faces that are seen at places, each a box and a roll."""
    looked = (
        detector.follow(pixels, (x + width / 2) / scale, (y + height / 2) / scale, max(width, height) / scale, roll)
        for (x, y, width, height), roll in places
    )
    return [face for face in looked if face is not None]


def _new(faces: Iterable[Detection], known: Sequence[Detection]) -> list[Detection]:
    """Of faces those that are none of the known ones, each once."""
    strange = (face for face in faces if all(overlap(face.box, other.box) <= OVERLAP for other in known))
    return distinct(strange)


def _looks(
    detector: Detector, pixels: NDArray[np.uint8], alone: bool
) -> list[Callable[[NDArray[np.uint8]], list[Detection]]]:
    """The looks that a photo gets before its faces are looked at again, one by one.

    Args:
        detector: looks.
        pixels: of the frame.
        alone: nothing was found as yet.
    """
    long = max(pixels.shape)
    looks: list[Callable[[NDArray[np.uint8]], list[Detection]]] = [partial(detector.upright, side=LARGE)]
    if long > SIDE / 1.5:
        looks.append(partial(detector.upright, side=SIDE))
    if long > SMALL / 1.5 or (long > SIDE / 1.5 and alone):
        looks += [partial(detector.piecewise, number=number) for number in range(pieces(pixels.shape))]
    if alone:
        looks += [partial(detector.turned, turn=turn) for turn in TURNS]
    return looks


def _due(before: float, now: float, period: float, share: float) -> bool:
    """Whether, since a time, one has passed that lies at this share of a period."""
    return floor(now / period - share) > floor(before / period - share)
