"""Timelines: who was seen when and how, summed up."""

import numpy as np
import pytest

from mien.faces import EMOTIONS
from mien.predict.timeline import MAX_SPANS, Timeline, clock
from mien.predict.tracking import Moment
from mien.predict.types import Box, Face, Prediction
from mien.predict.video import Frame

PIXELS = np.zeros((48, 64, 3), np.uint8)


def moment(time: float, **seen: str) -> Moment:
    """A frame: `moment(0.4, _1="happy", _2="sad")`; the emotion named has 0.7, all others 0.05."""
    faces = []
    for emotion in seen.values():
        shares = {name: 0.7 if name == emotion else 0.05 for name in EMOTIONS}
        faces.append(Face(Box(0, 0, 40, 40), emotion, shares, PIXELS[:, :48, 0]))
    tracks = tuple(int(name.removeprefix("_")) for name in seen)
    return Moment(Frame(round(time * 10), time, PIXELS), Prediction(tuple(faces), (64, 48), PIXELS), tracks)


def test_time_is_counted_from_frame_to_frame() -> None:
    timeline = Timeline(EMOTIONS)
    timeline.add(moment(0.0, _1="happy"))
    timeline.add(moment(0.5, _1="happy", _2="sad"))
    timeline.add(moment(1.5, _1="neutral"))
    timeline.add(moment(2.0))
    timeline.add(moment(2.25, _2="sad"))
    timeline.end()
    first, second = timeline.summary()
    assert (first.face, first.first, first.last, first.seconds) == (1, 0.0, 2.0, 2.0)
    assert first.shares == {name: {"happy": 0.75, "neutral": 0.25}.get(name, 0.0) for name in EMOTIONS}
    assert (second.face, second.first, second.last, second.seconds) == (2, 0.5, 2.5, 1.25)
    assert second.shares["sad"] == 1.0
    assert [(span.start, span.end) for span in timeline.spans(2)] == [(0.5, 1.5), (2.25, 2.5)]


def test_a_single_frame_counts_too() -> None:
    timeline = Timeline(EMOTIONS)
    timeline.add(moment(0.0, _1="fear"))
    timeline.end(lasts=0.1)
    (only,) = timeline.summary()
    assert (only.seconds, only.shares["fear"]) == (0.1, 1.0)


def test_nothing_seen() -> None:
    timeline = Timeline(EMOTIONS)
    timeline.end()
    assert timeline.summary() == []


def test_a_long_film_takes_no_more_memory_and_loses_no_time() -> None:
    timeline, frames = Timeline(EMOTIONS), 5 * MAX_SPANS
    for number in range(frames):
        seen = {"_1": EMOTIONS[number // 1000 % 7]}
        if number % 3 == 0:
            seen["_2"] = "sad"
        timeline.add(moment(number / 25, **seen))
    timeline.end()
    spans = [timeline.spans(face) for face in (1, 2)]
    assert MAX_SPANS / 8 < sum(map(len, spans)) <= MAX_SPANS + 4
    one, two = timeline.summary()
    assert one.seconds == pytest.approx(frames / 25)
    assert two.seconds == pytest.approx(-(-frames // 3) / 25)
    for face, part in ((one, spans[0]), (two, spans[1])):
        assert sum(span.seconds for span in part) == pytest.approx(face.seconds)
        assert sum(span.sums.sum() for span in part) == pytest.approx(face.seconds)
    assert all(early.end <= late.start + 1e-9 for early, late in zip(spans[0], spans[0][1:], strict=False))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0:00"),
        (5.34, "0:05.3"),
        (5, "0:05"),
        (59.97, "1:00"),
        (65.2, "1:05"),
        (3599.6, "1:00:00"),
        (7265, "2:01:05"),
    ],
)
def test_times_as_people_say_them(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected
