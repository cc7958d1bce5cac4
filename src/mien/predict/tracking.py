"""Tracking: match each face of a frame with the previous frames, and smooth its probabilities over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot, log, sqrt
from typing import TYPE_CHECKING

from mien.predict.photos import Photo
from mien.predict.stream import Seen
from mien.predict.types import Box, Face, Prediction
from mien.predict.video import EVERY_FRAME, Every, Frame, Video

if TYPE_CHECKING:
    from mien.predict.predictor import Predictor

NEAR = 1.0
"""The largest distance of a face's centre from its expected place, as a share of the face's side."""

ALIKE = 2.0
"""The largest factor by which its side may change."""

PATIENCE = 1.0
"""Seconds after which a face that is not found is dropped."""

STEADY = 0.25
"""Half-life, in seconds, of the average of a face's motion."""


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame of a video with its prediction.

    >>> import mien
    >>> for moment in mien.Predictor("fast").predict_video("film.mp4", every="0.2s"):
    ...     print(round(moment.frame.time, 1), moment.tracks, len(moment.prediction))
    0.0 (1,) 1
    0.2 (1,) 1
    0.4 (1,) 1

    Attributes:
        frame: the frame.
        prediction: its faces, smoothed.
        tracks: the number of each face, from 1, the same from frame to frame.
    """

    frame: Frame
    prediction: Prediction
    tracks: tuple[int, ...]


def track_video(
    video: Video, predictor: "Predictor", every: Every = EVERY_FRAME, smooth: float = 0.0, crop: bool = False
) -> Iterator[Moment]:
    """Predict a video frame by frame and track its faces; only the faces of the last frames are stored.

    Args:
        video: an opened file or camera.
        predictor: finds and classifies the faces.
        every: which frames are predicted.
        smooth: half-life in seconds, as of a `Tracker`.
        crop: each frame is a face already, and none is searched.

    Raises:
        UserError: there is not a single frame. A damaged video ends early, and `video.trouble` says so.
    """
    tracker, before = Tracker(smooth), None
    for frame in video.frames(every):
        if crop:
            prediction = predictor.predict(frame.pixels, crop=True)
        else:
            height, width = frame.pixels.shape[:2]
            photo = Photo(frame.pixels, (width, height))
            prediction = predictor.predict_frame(photo, frame.time, before, live=video.live)
            before = Seen.of(frame.time, prediction)
        numbered = tracker.follow(frame.time, prediction.faces)
        tracks, faces = tuple(track for track, _ in numbered), tuple(face for _, face in numbered)
        yield Moment(frame, replace(prediction, faces=faces), tracks)


@dataclass(eq=False)
class _Track:
    number: int
    face: Face
    time: float
    motion: tuple[float, float] = (0.0, 0.0)  # pixels a second

    def centre(self, time: float) -> tuple[float, float]:
        """Where its centre is expected."""
        (x, y), gap = _centre(self.face.box), time - self.time
        return x + gap * self.motion[0], y + gap * self.motion[1]


class Tracker:
    """Tracks faces over frames in the order of their times.

    Known and new faces are matched greedily, the nearest pair first, by distances in sides of the face; a face is
    expected where its motion leads. A face that is gone for longer than `PATIENCE` gets a new number when it returns:
    faces are tracked, not recognised.

    Args:
        smooth: half-life in seconds of the probabilities' exponential average, 0: none. Gaps count by their length.
    """

    def __init__(self, smooth: float = 0.0) -> None:
        self.smooth = smooth
        self._tracks: list[_Track] = []
        self._count = 0
        self._before = 0.0

    def follow(self, time: float, faces: Sequence[Face]) -> list[tuple[int, Face]]:
        """Match the faces of a frame: the number of each, from 1, and the face with smoothed probabilities.

        Args:
            time: in seconds, later than all before.
            faces: of the frame.
        """
        # Frames may be further apart than the patience: a face of the previous frame is never dropped.
        patience = max(PATIENCE, 1.5 * (time - self._before))
        self._tracks = [track for track in self._tracks if time - track.time <= patience]
        self._before = time
        matches = match([(track.centre(time), _side(track.face.box)) for track in self._tracks], faces)
        numbered = []
        for place, face in enumerate(faces):
            if place in matches:
                track = self._tracks[matches[place]]
                self._update(track, time, face)
            else:
                self._count += 1
                track = _Track(self._count, face, time)
                self._tracks.append(track)
            numbered.append((track.number, track.face))
        return numbered

    def _update(self, track: _Track, time: float, face: Face) -> None:
        gap = max(time - track.time, 1e-3)
        (x, y), (was_x, was_y) = _centre(face.box), _centre(track.face.box)
        weight = 0.5 ** (gap / STEADY)
        motion = ((x - was_x) / gap, (y - was_y) / gap)
        track.motion = (
            weight * track.motion[0] + (1 - weight) * motion[0],
            weight * track.motion[1] + (1 - weight) * motion[1],
        )
        track.face, track.time = smoothed(track.face, face, gap, self.smooth), time


def match(known: Sequence[tuple[tuple[float, float], float]], faces: Sequence[Face]) -> dict[int, int]:
    """Match faces with known ones greedily, the nearest pair first.

    Args:
        known: the expected centre, x and y, and the side of each known face, in pixels.
        faces: of the frame.

    Returns:
        For indices into `faces` the indices into `known`; faces without a match are left out.
    """
    pairs = []
    for place, face in enumerate(faces):
        (x, y), side = _centre(face.box), _side(face.box)
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
    """Average a face's probabilities with those of `gap` seconds before, whose weight halves with each half-life."""
    if not half_life:
        return face
    weight = 0.5 ** (gap / half_life)
    probabilities = {
        name: weight * before.probabilities[name] + (1 - weight) * share for name, share in face.probabilities.items()
    }
    return replace(face, emotion=max(probabilities, key=lambda name: probabilities[name]), probabilities=probabilities)


def _centre(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _side(box: Box) -> float:
    return max(sqrt(box.width * box.height), 1.0)
