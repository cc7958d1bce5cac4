"""Timeline: when each face of a video was visible, and with which emotions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.predict.tracking import Moment

MAX_SPANS = 4096
"""The most spans of time in a timeline; in a long video neighbours are averaged."""


@dataclass(eq=False)
class Span:
    """A face's probabilities, float64 [K], summed over seconds, between the times `start` and `end`."""

    start: float
    end: float
    seconds: float
    sums: NDArray[np.float64]


@dataclass(frozen=True)
class FaceTime:
    """A face in a video.

    Attributes:
        face: its number.
        first, last: times at which it was visible first and last, in seconds.
        seconds: how long it was visible.
        shares: of that time, in which each emotion was the most probable; they sum to 1.
    """

    face: int
    first: float
    last: float
    seconds: float
    shares: dict[str, float]

    @property
    def most_frequent(self) -> str:
        """The emotion that was the most probable for most of the time."""
        return max(self.shares, key=lambda name: self.shares[name])


@dataclass(eq=False)
class _Record:
    shown: NDArray[np.float64]  # seconds in which each emotion was the most probable
    spans: list[Span] = field(default_factory=list)


class Timeline:
    """The faces of a video over time. Its memory grows with the number of faces, but not with the video's length.

    A frame lasts until the next one that is predicted, the last frame as long as the one before it.

    Args:
        classes: the emotions, in the order of the probabilities.

    Attributes:
        until: the time at which the last frame ends, in seconds, with or without a face.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes, self.until = tuple(classes), 0.0
        self._records: dict[int, _Record] = {}
        self._pending: Moment | None = None
        self._lasted, self._grain, self._count = 0.0, 0.0, 0

    def add(self, moment: Moment) -> None:
        """Add the faces of a frame, which is later than all before."""
        if self._pending:
            self._lasted = moment.frame.time - self._pending.frame.time
        self._store(self._lasted)
        self._pending = moment

    def end(self, lasts: float = 0.04) -> None:
        """End the timeline; a single frame lasts for `lasts` seconds."""
        self._store(self._lasted or lasts)

    def summary(self) -> list[FaceTime]:
        """Every face, those visible longest first."""
        faces = [
            FaceTime(
                number,
                record.spans[0].start,
                record.spans[-1].end,
                float(record.shown.sum()),
                dict(zip(self.classes, (record.shown / record.shown.sum()).tolist(), strict=True)),
            )
            for number, record in self._records.items()
        ]
        return sorted(faces, key=lambda one: (-one.seconds, one.face))

    def spans(self, face: int) -> list[Span]:
        """A face's probabilities over time."""
        return self._records[face].spans

    def _store(self, lasted: float) -> None:
        if self._pending is None:
            return
        moment, self._pending = self._pending, None
        time = moment.frame.time
        self.until = time + lasted
        for track, face in zip(moment.tracks, moment.prediction, strict=True):
            record = self._records.setdefault(track, _Record(np.zeros(len(self.classes))))
            record.shown[self.classes.index(face.emotion)] += lasted
            sums = lasted * np.array([face.probabilities[name] for name in self.classes])
            self._count += self._append(record.spans, Span(time, time + lasted, lasted, sums))
        while self._count > MAX_SPANS + 2 * len(self._records):
            self._coarsen()

    def _append(self, spans: list[Span], new: Span) -> int:
        """Add a span, or merge it into the last one where both are no longer than the grain; the number added."""
        if not spans or new.end - spans[-1].start > self._grain:
            spans.append(new)
            return 1
        last = spans[-1]
        last.end, last.seconds, last.sums = new.end, last.seconds + new.seconds, last.sums + new.sums
        return 0

    def _coarsen(self) -> None:
        """Double the grain and merge the spans within it."""
        longest = max(span.end - span.start for record in self._records.values() for span in record.spans)
        self._grain, self._count = 2 * max(self._grain, longest), 0
        for record in self._records.values():
            spans, record.spans = record.spans, []
            self._count += sum(self._append(record.spans, span) for span in spans)


def clock(seconds: float) -> str:
    """A time as text: `1:05`, `2:01:05`; below one minute with tenths: `0:05.3`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    if round(seconds, 1) < 60:
        return f"0:{seconds:04.1f}".removesuffix(".0")
    return f"{whole // 60}:{whole % 60:02}"
