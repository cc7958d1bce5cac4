"""Tracking: which face of a frame is which of the frames before, and probabilities that are smoothed over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot, log, sqrt

from mien.predict.photos import Photo
from mien.predict.predictor import Predictor
from mien.predict.stream import Seen
from mien.predict.types import Box, Face, Prediction
from mien.predict.video import EVERY_FRAME, Every, Frame, Video

NEAR = 1.0
"""How far a face's middle may be from where it is looked for, as a share of the face's side."""

ALIKE = 2.0
"""How many times larger or smaller its side may be."""

PATIENCE = 1.0
"""Seconds after which a face that is not seen is given up."""

STEADY = 0.25
"""Seconds, a half-life, over which a face's motion is averaged."""


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame of a video and what was seen in it.

    Attributes:
        frame: the frame.
        prediction: its faces, smoothed.
        tracks: the number of each of them, from 1, the same from frame to frame.
    """

    frame: Frame
    prediction: Prediction
    tracks: tuple[int, ...]


def watch(
    video: Video, predictor: Predictor, every: Every = EVERY_FRAME, smooth: float = 0.0, crop: bool = False
) -> Iterator[Moment]:
    """Predict a video frame by frame and follow its faces; nothing but the faces last seen is kept.

    Args:
        video: an opened file or camera.
        predictor: finds and classifies the faces.
        every: which frames are looked at.
        smooth: as a `Tracker` takes it.
        crop: each frame is a face already, and none is looked for.

    Raises:
        UserError: there is not a single frame. One that breaks off just ends; `video.trouble` says so.
    """
    tracker, before = Tracker(smooth), None
    for frame in video.frames(every):
        if crop:
            found = predictor.predict(frame.pixels, crop=True)
        else:
            height, width = frame.pixels.shape[:2]
            photo = Photo(frame.pixels, (width, height))
            found = predictor.predict_frame(photo, frame.time, before, live=video.live)
            before = Seen.of(frame.time, found)
        seen = tracker.follow(frame.time, found.faces)
        tracks, faces = tuple(track for track, _ in seen), tuple(face for _, face in seen)
        yield Moment(frame, replace(found, faces=faces), tracks)


@dataclass(eq=False)
class _Track:
    number: int
    face: Face
    time: float
    motion: tuple[float, float] = (0.0, 0.0)  # pixels a second

    def middle(self, time: float) -> tuple[float, float]:
        """Where its middle is looked for."""
        (x, y), gap = _middle(self.face.box), time - self.time
        return x + gap * self.motion[0], y + gap * self.motion[1]


class Tracker:
    """Follows faces over frames that come in the order of their times.

    Pairs of known and found faces are taken greedily, the nearest first, distances counted in sides of the face; a
    face is looked for where its motion leads. A face that is gone for longer than `PATIENCE` gets a new number when it
    comes back: faces are followed, not recognised.

    Args:
        smooth: half-life in seconds of the probabilities' exponential average, 0: none. Gaps count by their length.
    """

    def __init__(self, smooth: float = 0.0) -> None:
        self.smooth = smooth
        self._tracks: list[_Track] = []
        self._count = 0
        self._before = 0.0

    def follow(self, time: float, faces: Sequence[Face]) -> list[tuple[int, Face]]:
        """Say which face is which: each one's number, from 1, and itself, smoothed, in the order of `faces`.

        Args:
            time: in seconds, later than all before.
            faces: of the frame.
        """
        # Frames may be further apart than the patience: a face of the frame before is never given up.
        patience = max(PATIENCE, 1.5 * (time - self._before))
        self._tracks = [track for track in self._tracks if time - track.time <= patience]
        self._before = time
        taken = match([(track.middle(time), _side(track.face.box)) for track in self._tracks], faces)
        seen = []
        for place, face in enumerate(faces):
            if place in taken:
                track = self._tracks[taken[place]]
                self._update(track, time, face)
            else:
                self._count += 1
                track = _Track(self._count, face, time)
                self._tracks.append(track)
            seen.append((track.number, track.face))
        return seen

    def _update(self, track: _Track, time: float, face: Face) -> None:
        gap = max(time - track.time, 1e-3)
        (x, y), (was_x, was_y) = _middle(face.box), _middle(track.face.box)
        kept = 0.5 ** (gap / STEADY)
        motion = ((x - was_x) / gap, (y - was_y) / gap)
        track.motion = (
            kept * track.motion[0] + (1 - kept) * motion[0],
            kept * track.motion[1] + (1 - kept) * motion[1],
        )
        track.face, track.time = smoothed(track.face, face, gap, self.smooth), time


def match(known: Sequence[tuple[tuple[float, float], float]], faces: Sequence[Face]) -> dict[int, int]:
    """Pair found faces with known ones, each (its middle, its side in pixels), the nearest pair first.

    Returns:
        For places in `faces` the places in `known`.
    """
    pairs = []
    for place, face in enumerate(faces):
        (x, y), side = _middle(face.box), _side(face.box)
        for old, ((at_x, at_y), size) in enumerate(known):
            mean = sqrt(side * size)
            apart, ratio = hypot(x - at_x, y - at_y) / mean, abs(log(side / size))
            if apart <= NEAR and ratio <= log(ALIKE):
                pairs.append((apart + ratio, place, old))
    taken: dict[int, int] = {}
    for _, place, old in sorted(pairs):
        if place not in taken and old not in taken.values():
            taken[place] = old
    return taken


def smoothed(before: Face, face: Face, gap: float, half_life: float) -> Face:
    """A face whose probabilities are averaged with those before, `gap` seconds ago, which count half each half-life."""
    if not half_life:
        return face
    kept = 0.5 ** (gap / half_life)
    probabilities = {
        name: kept * before.probabilities[name] + (1 - kept) * share for name, share in face.probabilities.items()
    }
    return replace(face, emotion=max(probabilities, key=lambda name: probabilities[name]), probabilities=probabilities)


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _side(box: Box) -> float:
    return max(sqrt(box.width * box.height), 1.0)
