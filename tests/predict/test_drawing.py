"""Pictures of predictions: boxes, labels and bars, and the pixels of a face that matter."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageColor

from mien.faces import EMOTIONS
from mien.faces.colours import colours
from mien.predict.drawing import COLD, PAPER, WARM, draw, heat, tinted
from mien.predict.types import Box, Face, Prediction

GRAY = 120


def face(box: Box, emotion: str = "happy") -> Face:
    probabilities = dict.fromkeys(EMOTIONS, 0.1) | {emotion: 0.4}
    return Face(box, emotion, probabilities, np.zeros((48, 48), np.uint8))


def drawn(width: int, height: int, *faces: Face, tracks: tuple[int, ...] = ()) -> NDArray[np.uint8]:
    pixels = np.full((height, width, 3), GRAY, np.uint8)
    return np.asarray(draw(pixels, Prediction(faces, (width, height), pixels), tracks))


def has(pixels: NDArray[np.uint8], colour: str) -> bool:
    return bool((pixels == np.array(ImageColor.getrgb(colour))).all(axis=2).any())


HUES = dict(zip(EMOTIONS, colours(EMOTIONS), strict=True))


def test_a_face_with_space_beside_it_has_a_panel_with_a_bar_for_each_emotion() -> None:
    picture = drawn(800, 600, face(Box(100, 100, 200, 300)))
    beside = picture[100:400, 310:]
    assert has(beside, PAPER)
    assert all(has(beside, hue) for hue in HUES.values())
    assert has(picture[95:105, 100:300], HUES["happy"])  # the box
    assert not has(picture[395:420, :90], PAPER)


def test_a_face_at_the_right_edge_has_its_panel_on_the_left() -> None:
    picture = drawn(800, 600, face(Box(590, 100, 200, 300)))
    assert has(picture[100:400, 300:580], PAPER)


@pytest.mark.parametrize(
    "box", [Box(5, 100, 790, 300), Box(400, 300, 60, 60)], ids=["no space beside it", "a small face"]
)
def test_a_face_without_a_panel_has_one_bar_that_the_emotions_divide(box: Box) -> None:
    picture = drawn(800, 600, face(box))
    bottom = box.y + box.height
    row = picture[bottom - 2, max(box.x, 0) + 3 : box.x + box.width - 3]
    widths = [int((row == np.array(ImageColor.getrgb(hue))).all(axis=1).sum()) for hue in HUES.values()]
    assert min(widths) > 0
    assert widths[EMOTIONS.index("happy")] == max(widths)
    assert widths[EMOTIONS.index("happy")] > 3 * min(widths)


def test_panels_of_two_faces_do_not_cover_each_other() -> None:
    both = drawn(1000, 600, face(Box(20, 100, 150, 300)), face(Box(450, 100, 150, 300), "sad"), tracks=(1, 2))
    assert has(both[100:400, 180:440], PAPER)
    assert has(both[100:400, 610:], PAPER)


def test_the_label_of_a_face_at_the_top_hangs_from_the_edge() -> None:
    picture = drawn(800, 600, face(Box(300, 0, 200, 300)))
    assert has(picture[:12, 320:340], HUES["happy"])


def test_a_small_picture_is_enlarged_before_anything_is_drawn() -> None:
    assert drawn(64, 48, face(Box(10, 10, 20, 20))).shape == (480, 640, 3)
    assert drawn(800, 600).shape == (600, 800, 3)


def test_evidence_for_an_emotion_is_orange_and_against_it_blue() -> None:
    crop = np.full((48, 48), GRAY, np.uint8)
    weights = np.zeros((48, 48), np.float32)
    weights[:10], weights[-10:] = 0.2, -0.1
    pixels = tinted(crop, weights).astype(int)
    assert (pixels[20] == GRAY).all()
    assert np.abs(pixels[0, 0] - (0.35 * GRAY + 0.65 * np.array(WARM))).max() <= 1
    assert np.abs(pixels[-1, 0] - (0.675 * GRAY + 0.325 * np.array(COLD))).max() <= 1
    assert (tinted(crop, np.zeros((48, 48), np.float32)) == GRAY).all()
    picture = heat(crop, weights, "happy", 480)
    assert picture.size == (480, 540)
    legend = np.asarray(picture)[480:].astype(int)
    assert (legend[:, :100, 2] - legend[:, :100, 0]).max() > 100  # blue on the left
    assert (legend[:, -100:, 0] - legend[:, -100:, 2]).max() > 100  # orange on the right
