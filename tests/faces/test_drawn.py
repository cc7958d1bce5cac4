from dataclasses import fields

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces
from mien.faces.drawn import draw_faces, draw_film
from mien.faces.drawn.expression import ACTION_UNITS, PROTOTYPES, Motion, intensities


@pytest.fixture(scope="module")
def drawn() -> Faces:
    return draw_faces(1000, seed=0)


def test_every_split_shows_every_emotion_in_the_promised_shares(drawn: Faces) -> None:
    assert drawn.images.shape == (1000, 48, 48)
    shares = {"angry": 3, "disgust": 2, "fear": 3, "happy": 4, "sad": 3, "surprise": 2, "neutral": 3}
    for split, twentieths in (("train", 40), ("validation", 5), ("test", 5)):
        assert drawn.counts()[split] == {emotion: share * twentieths for emotion, share in shares.items()}


def test_a_few_faces_have_all_emotions() -> None:
    assert set(draw_faces(70, seed=3).split("test").labels) == set(range(7))


def test_a_seed_fixes_every_pixel_on_every_processor() -> None:
    # Only operations that IEEE 754 rounds exactly are used, so this holds wherever the test runs.
    assert draw_faces(60, seed=5).fingerprint == "425221cf4a8cb60dcc46292da7beb57ad2eb804dd9c24f47ea1fddcd64c73456"


def test_another_seed_draws_others() -> None:
    same = draw_faces(25, seed=1).images == draw_faces(25, seed=2).images
    assert same.mean() < 0.1


def test_fewer_faces_are_the_first_of_more(drawn: Faces) -> None:
    fewer = draw_faces(333, seed=0)
    for split in SPLITS:
        part = fewer.split(split)
        assert np.array_equal(part.images, drawn.split(split).images[: len(part)])
        assert np.array_equal(part.labels, drawn.split(split).labels[: len(part)])


def test_no_two_faces_are_alike_and_none_is_empty(drawn: Faces) -> None:
    assert len({image.tobytes() for image in drawn.images}) == len(drawn)
    assert drawn.images.reshape(len(drawn), -1).std(axis=1).min() > 5


def test_other_sizes_show_the_same_faces() -> None:
    small, large = draw_faces(40, seed=0, size=24), draw_faces(40, seed=0, size=96)
    assert small.images.shape == (40, 24, 24)
    shrunk = large.images.reshape(40, 24, 4, 24, 4).mean(axis=(2, 4))
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small.images, shrunk, strict=True)]
    assert np.median(alike) > 0.9


def test_no_faces_at_all() -> None:
    assert len(draw_faces(0)) == 0


def test_units_move_known_parts() -> None:
    parts = {part.name for part in fields(Motion)}
    assert {name for moves in ACTION_UNITS.values() for name in moves} == parts


def test_prototypes_name_known_units() -> None:
    assert set(PROTOTYPES) == set(EMOTIONS)
    assert {unit for units in PROTOTYPES.values() for unit in units} <= set(ACTION_UNITS)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_units_of_an_emotion_act_and_others_seldom(emotion: str) -> None:
    labels = np.full(2000, EMOTIONS.index(emotion), np.uint8)
    acting = (intensities(np.random.default_rng(0), labels).min(axis=1) > 0).mean(axis=0)
    for unit, share in zip(ACTION_UNITS, acting, strict=True):
        if unit in PROTOTYPES[emotion]:
            assert share > 0.85
        elif unit != 25:  # lips part with many a smile
            assert share < 0.1


def test_a_raised_brow_and_an_open_mouth_are_seen(drawn: Faces) -> None:
    """Where surprise and anger differ most on average, there the brows, eyes or mouth are."""
    train = drawn.split("train")
    means = [train.images[train.labels == EMOTIONS.index(name)].mean(axis=0) for name in ("surprise", "angry")]
    rows = np.abs(means[0] - means[1])[:, 14:34].mean(axis=1)
    assert rows[8:22].max() > 2 * np.median(rows)
    assert rows[34:44].max() > 2 * np.median(rows)


def test_a_film_shows_one_person_who_moves_from_one_emotion_to_the_next() -> None:
    film = draw_film(["neutral", "happy", "surprise"], frames=10, seed=5, size=64)
    assert film.shape == (30, 64, 64)
    steps = np.abs(np.diff(film.astype(int), axis=0)).mean(axis=(1, 2))
    resting, moving = steps[[0, 1, 2, 10, 11, 12, 20, 25]], steps[[6, 7, 8, 16, 17, 18]]
    assert resting.max() < moving.min()
    assert np.abs(film[0].astype(int) - film[10]).mean() > 2 * resting.max()
    other = draw_film(["neutral", "happy", "surprise"], frames=10, seed=6, size=64)
    assert np.abs(film[0].astype(int) - other[0]).mean() > 10


def test_a_film_is_fixed_by_its_seed_and_its_first_frames_are_the_emotion_itself() -> None:
    film = draw_film(["happy", "sad"], frames=4, seed=1, size=48)
    np.testing.assert_array_equal(film, draw_film(["happy", "sad"], frames=4, seed=1, size=48))
    assert draw_film([], frames=4).shape == (0, 240, 240)
    with pytest.raises(UserError, match="no emotion 'joy' can be drawn; known: angry, disgust"):
        draw_film(["joy"])
