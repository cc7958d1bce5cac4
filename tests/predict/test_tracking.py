"""Faces followed over frames, and probabilities smoothed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from films import counted, write_film
from hypothesis import given
from hypothesis import strategies as st

from mien.faces import EMOTIONS
from mien.predict.predictor import Predictor
from mien.predict.tracking import NEAR, PATIENCE, Tracker, match, track_video
from mien.predict.types import Box, Face
from mien.predict.video import open_video

CROP = np.zeros((48, 48), np.uint8)


def face(x: float, y: float = 100, side: float = 50, **shares: float) -> Face:
    """A face with its middle there, by default neutral."""
    shares = shares or {"neutral": 1.0}
    probabilities = {name: shares.get(name, 0.0) for name in EMOTIONS}
    box = Box(round(x - side / 2), round(y - side / 2), round(side), round(side))
    return Face(box, max(shares, key=lambda name: shares[name]), probabilities, CROP)


def numbers(tracker: Tracker, time: float, *faces: Face) -> list[int]:
    return [number for number, _ in tracker.follow(time, faces)]


def test_a_face_keeps_its_number_while_it_moves_grows_and_changes_place_in_the_list() -> None:
    tracker = Tracker()
    for step in range(60):
        faces = [face(100 + 4 * step, side=50 + step), face(500 - 2 * step, y=250, side=60)]
        if step % 2:
            assert numbers(tracker, step / 25, *faces[::-1]) == [2, 1]
        else:
            assert numbers(tracker, step / 25, *faces) == [1, 2]


def test_a_face_that_is_away_for_a_moment_keeps_its_number_and_after_a_while_gets_a_new_one() -> None:
    tracker = Tracker()
    assert numbers(tracker, 0.0, face(100)) == [1]
    assert numbers(tracker, 0.2) == []
    assert numbers(tracker, 0.9, face(105)) == [1]
    for time in np.arange(1.0, 3.0, 0.1):
        numbers(tracker, time)
    assert PATIENCE < 3.0 - 0.9
    assert numbers(tracker, 3.0, face(105)) == [2]


def test_frames_far_apart_do_not_lose_faces() -> None:
    tracker = Tracker()
    assert [numbers(tracker, time, face(100), face(400)) for time in (0, 5, 10)] == [[1, 2]] * 3


def test_another_face_far_away_or_of_another_size_is_not_the_same() -> None:
    for other in (face(100 + 1.1 * NEAR * 50), face(100, side=130)):
        tracker = Tracker()
        numbers(tracker, 0, face(100))
        assert numbers(tracker, 0.04, other) == [2]


def test_two_who_pass_each_other_keep_their_numbers() -> None:
    tracker = Tracker()
    for step in range(100):
        time, left, other = step / 25, face(100 + 5 * step, y=100), face(600 - 5 * step, y=110)
        hidden = abs(step - 50) < 4  # the one in front hides the other
        numbers_now = numbers(tracker, time, *([left] if hidden else [left, other]))
    assert numbers_now == [1, 2]


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(10, 100)), max_size=8),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(10, 100)), max_size=8),
)
def test_no_two_faces_get_the_same_number(known: list[tuple[int, ...]], numbers_now: list[tuple[int, ...]]) -> None:
    pairs = match([((x, y), side) for x, y, side in known], [face(*place) for place in numbers_now])
    assert len(set(pairs.values())) == len(pairs)
    assert set(pairs) <= set(range(len(numbers_now)))
    assert set(pairs.values()) <= set(range(len(known)))


def crowd(seed: int, people: int, frames: int) -> list[list[tuple[int, Face]]]:
    """People who walk at random through a picture of 1280 x 720: who is where, some unseen now and then."""
    rng = np.random.default_rng(seed)
    places, speed = rng.uniform((0, 0), (1280, 720), (people, 2)), rng.normal(0, 60, (people, 2))
    sides, steps = rng.uniform(40, 90, people), []
    for _ in range(frames):
        speed = 0.97 * speed + rng.normal(0, 12, speed.shape)
        places = places + speed / 25
        speed = np.where((places < 0) | (places > (1280, 720)), -speed, speed)
        measured = places + rng.normal(0, 1.5, places.shape)
        steps.append(
            [
                (who, face(*measured[who], side=sides[who] * rng.normal(1, 0.02)))
                for who in rng.permutation(people).tolist()
                if rng.random() > 0.1
            ]
        )
    return steps


def switches(seen: Sequence[Sequence[tuple[int, int]]]) -> int:
    """How often somebody's number changed: seen is, for each frame, (who, number)."""
    last: dict[int, int] = {}
    changes = 0
    for frame in seen:
        for who, number in frame:
            changes += last.get(who, number) != number
            last[who] = number
    return changes


def optimal(known: Sequence[tuple[tuple[float, float], float]], faces: Sequence[Face]) -> dict[int, int]:
    """What `match` does, by the assignment with the least sum of distances (the Hungarian method)."""
    from scipy.optimize import linear_sum_assignment

    costs = np.full((len(faces), len(known)), 1e6)
    for old, one in enumerate(known):
        for place, other in enumerate(faces):
            if match([one], [other]):
                side = np.sqrt(other.box.width * one[1])
                middle = other.box.x + other.box.width / 2, other.box.y + other.box.height / 2
                costs[place, old] = np.hypot(*np.subtract(middle, one[0])) / side + abs(
                    np.log(other.box.width / one[1])
                )
    return {int(a): int(b) for a, b in zip(*linear_sum_assignment(costs), strict=True) if costs[a, b] < 1e6}


def test_the_nearest_first_loses_no_more_than_the_best_assignment(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = []
    for way in (match, optimal):
        monkeypatch.setattr("mien.predict.tracking.match", way)
        total = 0
        for seed in range(4):
            tracker, seen = Tracker(), []
            for step, people in enumerate(crowd(seed, 8, 100)):
                numbers_now = numbers(tracker, step / 25, *(one for _, one in people))
                seen.append([(who, number) for (who, _), number in zip(people, numbers_now, strict=True)])
            total += switches(seen)
        changed.append(total)
    greedy, best = changed
    assert greedy <= best + 2


def test_smoothing_counts_half_after_a_half_life_however_the_frames_fall() -> None:
    for times in ([0.0, 0.5], [0.0, 0.1, 0.2, 0.45, 0.5]):
        tracker = Tracker(smooth=0.5)
        for time in times:
            shares = {"happy": 0.0, "sad": 1.0} if time else {"happy": 1.0, "sad": 0.0}
            ((_, seen),) = tracker.follow(time, [face(100, **shares)])
        assert seen.probabilities["happy"] == pytest.approx(0.5)
        assert sum(seen.probabilities.values()) == pytest.approx(1)
    ((_, seen),) = tracker.follow(1.0, [face(100, sad=1.0)])
    assert seen.probabilities["happy"] == pytest.approx(0.25)
    assert seen.emotion == "sad"


def test_without_smoothing_faces_stay_as_they_are() -> None:
    tracker = Tracker()
    tracker.follow(0.0, [face(100, happy=1.0)])
    sad = face(100, sad=1.0)
    assert tracker.follow(0.1, [sad])[0][1] is sad


def test_frames_that_are_faces_already_are_classified_whole(model_file: Path, tmp_path: Path) -> None:
    predictor = Predictor(model_file)
    with open_video(write_film(tmp_path / "film.mp4", counted(3))) as video:
        moments = list(track_video(video, predictor, crop=True))
    assert [moment.tracks for moment in moments] == [(1,)] * 3
    for moment in moments:
        [face] = moment.prediction
        assert face.landmarks is None
        assert face.probabilities == predictor.predict(moment.frame.pixels, crop=True)[0].probabilities
