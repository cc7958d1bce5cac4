"""Where a face's crop is cut, and how."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.predict.alignment import (
    CENTRE,
    EYES,
    FACE,
    Alignment,
    alignment_of,
    alignment_of_box,
    alignment_of_landmarks,
    cut,
    to_photo,
)
from mien.predict.detector import Detection, distinct, overlap

FRONTAL = np.array(
    [[-EYES / 2, -FACE / 2], [EYES / 2, -FACE / 2], [0, 0.05], [-EYES / 3, FACE / 2], [EYES / 3, FACE / 2]]
)
FRONTAL += CENTRE
"""The landmarks of the face that the alignment is made for, in shares of the crop's side."""


def placed(points: np.ndarray, side: float, x: float, y: float, roll: float) -> np.ndarray:
    """Points in shares of a crop's side, as they lie in a photo that has the crop's middle at x, y."""
    turn = side * np.exp(1j * math.radians(roll))
    flat = complex(x, y) + turn * ((points[:, 0] - 0.5) + 1j * (points[:, 1] - 0.5))
    return np.stack([flat.real, flat.imag], axis=1)


@given(side=st.floats(12, 3000), x=st.floats(-50, 4000), y=st.floats(-50, 4000), roll=st.floats(-179, 179))
def test_a_face_gets_the_alignment_that_it_lies_in(side: float, x: float, y: float, roll: float) -> None:
    alignment = alignment_of_landmarks(placed(FRONTAL, side, x, y, roll))
    assert alignment.side == pytest.approx(side, rel=1e-3)
    assert (alignment.x, alignment.y) == (pytest.approx(x, abs=0.01 * side), pytest.approx(y, abs=0.01 * side))
    assert alignment.roll == pytest.approx(roll, abs=0.1)


def test_a_head_that_is_turned_aside_keeps_its_height_and_most_of_its_scale() -> None:
    aside = FRONTAL.copy()
    aside[:, 0] = CENTRE[0] + 0.3 * (aside[:, 0] - CENTRE[0])  # its eyes come to a third of their distance
    alignment = alignment_of_landmarks(placed(aside, 100, 200, 200, 20))
    assert 65 < alignment.side < 100
    assert alignment.roll == pytest.approx(20, abs=0.1)


def test_landmarks_that_fell_together_leave_the_box_to_frame_by() -> None:
    box = np.array([10.0, 20, 80, 100])
    alignment = alignment_of(np.full((5, 2), 50.0), box)
    assert alignment == alignment_of_box(box)
    assert (alignment.x, alignment.roll) == (50, 0)
    assert 70 < alignment.side < 130


@given(x=st.floats(0, 47), y=st.floats(0, 47), roll=st.floats(-180, 180), side=st.floats(10, 900))
def test_places_in_a_crop_are_mapped_back_to_the_photo(x: float, y: float, roll: float, side: float) -> None:
    alignment = Alignment(300, 200, side, roll)
    middle, place = to_photo(np.array([[23.5, 23.5], [x, y]]), alignment, 48)
    assert middle == pytest.approx([299.5, 199.5])
    assert np.hypot(*(place - middle)) == pytest.approx(np.hypot(x - 23.5, y - 23.5) * side / 48, abs=1e-6)


def test_an_alignment_as_large_as_the_crop_copies_its_pixels() -> None:
    gray = np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)
    np.testing.assert_array_equal(cut(gray, Alignment(34, 30, 48, 0), 48), gray[6:54, 10:58])


def test_a_roll_of_a_quarter_turns_the_crop_upright() -> None:
    gray = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    lying = np.ascontiguousarray(np.rot90(gray, -1))  # turned clockwise
    np.testing.assert_array_equal(cut(lying, Alignment(24, 24, 48, 90), 48), gray)


def test_large_faces_are_averaged_and_do_not_alias() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (960, 480))
    crop = cut(stripes, Alignment(480, 480, 900, 0), 48)
    assert np.abs(crop.astype(int) - 127).max() <= 16


@pytest.mark.parametrize("side", [20, 24, 32])
def test_very_small_faces_keep_their_detail(side: int) -> None:
    waves = np.rint(127 + 100 * np.sin(2 * np.pi * np.arange(100) / 3)).astype(np.uint8)  # as fine as three pixels
    crop = cut(np.tile(waves, (100, 1)), Alignment(50.3, 50.3, side, 0), 48)
    places = (np.arange(48) + 0.5) * side / 48 + 50.3 - side / 2 - 0.5
    assert np.abs(crop[24] - (127 + 100 * np.sin(2 * np.pi * places / 3))).mean() < 5  # linearly it would be 17 to 20


def test_beyond_the_edge_a_photo_is_as_its_edge() -> None:
    gray = np.full((40, 40), 90, np.uint8)
    assert set(cut(gray, Alignment(0, 0, 100, 30), 48).ravel().tolist()) == {90}


def test_of_boxes_that_overlap_the_surest_is_selected() -> None:
    points = np.zeros((5, 2))
    boxes = [([0, 0, 10, 10], 0.7), ([1, 1, 10, 10], 0.9), ([30, 0, 10, 10], 0.6)]
    faces = [Detection(np.array(box, float), points, score) for box, score in boxes]
    assert [face.score for face in distinct(faces)] == [0.9, 0.6]
    assert overlap(faces[0].box, faces[2].box) == 0
    assert overlap(faces[0].box, faces[1].box) == pytest.approx(81 / 119)
