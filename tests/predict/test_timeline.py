"""Timelines: who was seen when and how, summed up and drawn."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.faces.colours import colours
from mien.predict.timeline import MAX_SPANS, Timeline, clock, draw_timeline
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


def film() -> Timeline:
    timeline = Timeline(EMOTIONS)
    for number in range(100):
        seen = {"_1": "happy" if number < 60 else "sad"}
        if 20 <= number < 40 or number >= 80:
            seen["_2"] = "surprise"
        timeline.add(moment(number / 10, **seen))
    timeline.end()
    return timeline


def test_the_drawing_tells_faces_emotions_and_times(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw_timeline(film(), tmp_path / name, "film.mp4")
    svg = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert svg == (tmp_path / "two.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(svg)
    words = " ".join(re.findall(r">([^<>]+)</", svg))
    for expected in ("film.mp4", "face 1", "face 2", "happy 60 %", "surprise 100 %", *EMOTIONS):
        assert expected in words
    assert all(colour in svg for colour in colours(EMOTIONS))


def test_a_drawing_as_png_of_no_face_and_of_many(tmp_path: Path) -> None:
    empty = Timeline(EMOTIONS)
    empty.end()
    draw_timeline(empty, tmp_path / "empty.svg", "film.mp4")
    assert "no face was found" in (tmp_path / "empty.svg").read_text(encoding="utf-8")
    crowd = Timeline(EMOTIONS)
    for number in range(5):
        crowd.add(moment(number / 10, **{f"_{face}": "happy" for face in range(1, 12)}))
    crowd.end()
    draw_timeline(crowd, tmp_path / "crowd.png", "film.mp4")
    assert (tmp_path / "crowd.png").read_bytes().startswith(b"\x89PNG")
    draw_timeline(crowd, tmp_path / "crowd.svg", "film.mp4")
    assert "of 11 faces the 8 seen longest" in (tmp_path / "crowd.svg").read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"a picture is drawn as \.png or \.svg"):
        draw_timeline(crowd, tmp_path / "crowd.gif", "film.mp4")


def words_of(svg: Path) -> list[str]:
    return re.findall(r">([^<>]+)</", svg.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("until", "times"),
    [
        (0.1, ["0:00", "0:00.1"]),
        (4, ["0:00", "0:00.5", "0:01", "0:01.5", "0:02", "0:02.5", "0:03", "0:03.5", "0:04"]),
        (100, ["0:00", "0:15", "0:30", "0:45", "1:00", "1:15", "1:30"]),
        (10000, ["0:00", "30:00", "1:00:00", "1:30:00", "2:00:00", "2:30:00"]),
    ],
)
def test_a_drawing_goes_to_the_films_end_in_round_times(until: float, times: list[str], tmp_path: Path) -> None:
    seen = Timeline(EMOTIONS)
    seen.add(moment(0, _1="happy"))
    seen.add(moment(until / 2))
    seen.end()
    draw_timeline(seen, tmp_path / "film.svg", "film.mp4")
    assert [word for word in words_of(tmp_path / "film.svg") if re.fullmatch(r"[\d:.]+", word)] == times


def test_a_title_is_taken_as_it_is_and_has_room(tmp_path: Path) -> None:
    for number, title in enumerate((r"a$b$ \frac{ 顔.mp4", f"{'long/' * 60}film.mp4")):
        draw_timeline(film(), tmp_path / f"{number}.svg", title)
    assert any(r"a$b$ \frac{ 顔.mp4" in word for word in words_of(tmp_path / "0.svg"))
    assert any(re.fullmatch(r"….{90,110}film\.mp4", word) for word in words_of(tmp_path / "1.svg"))


def test_a_drawing_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "film.svg").mkdir()
    for name in ("film.svg", f"{'a' * 250}.svg"):
        with pytest.raises(UserError, match="cannot be written"):
            draw_timeline(film(), tmp_path / name, "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["film.svg"]


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
