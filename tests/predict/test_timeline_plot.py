"""A timeline as a plot."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.faces.colours import colours
from mien.predict.timeline import Timeline
from mien.predict.timeline_plot import BAND, draw_timeline, plot_timeline, timeline_figure
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


def test_each_face_has_a_band_and_each_emotion_an_area_as_high_as_its_probability() -> None:
    axes = Figure().subplots()
    keys = plot_timeline(axes, film())
    assert [key.get_label() for key in keys] == list(EMOTIONS)
    assert [label.get_text().splitlines() for label in axes.get_yticklabels()] == [
        ["face 1", "0:10 min", "happy 60 %"],
        ["face 2", "0:04 min", "surprise 100 %"],
    ]
    areas = [area.get_paths()[0].get_extents() for area in axes.collections]
    assert len(areas) == 3 * len(EMOTIONS)  # the second face was away for a while
    happy, surprise = areas[EMOTIONS.index("happy")], areas[7 + EMOTIONS.index("surprise")]
    assert (happy.x0, happy.x1) == (0.0, pytest.approx(10.0))
    assert (surprise.x0, surprise.x1) == (2.0, pytest.approx(4.0))
    assert surprise.height == pytest.approx(0.7 * BAND)
    assert 1 <= surprise.y0 < surprise.y1 <= 1 + BAND
    assert axes.get_xlim() == (0.0, pytest.approx(10.0))


def test_a_figure_of_its_own_shows_itself() -> None:
    figure = timeline_figure(film(), "film.mp4")
    png, facts = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert facts["alt"] == "film.mp4; face 1: happy; face 2: surprise"
