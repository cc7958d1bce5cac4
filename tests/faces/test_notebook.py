"""Faces, counts and audits as a notebook shows them."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from mien.faces import EMOTIONS, Faces
from mien.faces.drawn import draw_faces


@pytest.fixture(scope="module")
def drawn() -> Faces:
    return draw_faces(100, seed=0)


def rows(html: str) -> Iterator[list[str]]:
    """The text of each row of every table."""
    for row in ElementTree.fromstring(f"<div>{html}</div>").iter("tr"):
        yield ["".join(cell.itertext()) for cell in row]


def html_of(shown: object) -> str:
    """What a notebook shows; its `img` elements closed, so that it can be read as XML."""
    html: str = shown._repr_html_()  # type: ignore[attr-defined]
    return re.sub(r"(<img [^>]*)>", r"\1/>", html)


def test_faces_show_their_counts_and_some_of_them(drawn: Faces) -> None:
    html = html_of(replace(drawn, notes=("classes are <numbers>",), left_out={"copies": {"train": 3}}))
    table = list(rows(html))
    assert table[0] == ["emotion", "", "train", "%", "validation", "%", "test", "%"]
    happy = drawn.counts()["train"]["happy"]
    assert table[1 + EMOTIONS.index("happy")][2:4] == [str(happy), f"{100 * happy / 80:.1f}"]
    assert table[-1] == ["all", "", "80", "100.0", "10", "100.0", "10", "100.0"]
    text = "".join(ElementTree.fromstring(f"<div>{html}</div>").itertext())
    assert "drawn: 100 faces, 48x48" in text
    assert "note: classes are <numbers>" in text
    assert "left out: 3 copies of an image that stays (train 3)" in text
    assert f"fingerprint {drawn.fingerprint[:16]}" in text


def test_each_emotion_has_pictures_of_its_own_faces(drawn: Faces) -> None:
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', html_of(drawn))
    assert len(sources) == 7
    train = drawn.split("train")
    for label, source in enumerate(sources):
        with Image.open(BytesIO(base64.b64decode(source))) as image:
            pair = np.asarray(image)
        of_label = {face.tobytes() for face in train.images[train.labels == label]}
        assert {half.tobytes() for half in np.split(pair, 2, axis=1)} <= of_label


def test_large_faces_are_shown_small() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 300, 300), np.uint8)
    html = html_of(Faces(images, np.zeros(2, np.uint8), np.ones(2, np.uint8), ("a<b",)))
    (source,) = re.findall(r"base64,([^\"]+)", html)
    with Image.open(BytesIO(base64.b64decode(source))) as image:
        assert image.size == (128, 64)
    assert ["a<b", "", "2", "100.0"] in list(rows(html))


def test_no_faces_are_shown_too(drawn: Faces) -> None:
    assert "drawn: 0 faces" in html_of(drawn.first(0))
    assert list(rows(html_of(drawn.first(0).counts()))) == [["emotion"], ["all"]]


def test_counts_are_a_table(drawn: Faces) -> None:
    table = list(rows(html_of(drawn["test"].counts())))
    assert table[0] == ["emotion", "test", "%"]
    assert table[-1] == ["all", "10", "100.0"]


def test_an_audit_shows_its_figures_and_what_they_mean(small: Faces) -> None:
    images = small.images.copy()
    images[1] = 7  # constant
    images[21] = images[0]  # a test image that is also in train
    audit = replace(small, images=images, name="a & b").audit()
    html = html_of(audit)
    table = {row[0]: row[1:] for row in rows(html)}
    assert table["constant images"] == ["1", "0", "0"]
    assert table["copies of train's images"] == ["", "0", "1"]
    assert table["happy"][0] == str(audit.votes.by_emotion["happy"].clear)  # type: ignore[union-attr]
    points = [point.text for point in ElementTree.fromstring(f"<div>{html}</div>").iter("li")]
    assert points == audit.advice()
    assert any("1 test image pixel for pixel in train too" in str(point) for point in points)
    assert "a &amp; b" in html
