"""The page's tracker beside `mien.predict.tracking.Tracker`: the same faces in the same frames get the same answers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from browsing import chromium, opened, served

from mien.predict.tracking import Tracker
from mien.predict.types import Box, Face
from mien.serve.server_config import ServerConfig

EMOTIONS = ("happy", "sad", "neutral")

FOLLOW = """async ([frames, halfLife]) => {
  const { Tracker } = await import("/static/tracking.js");
  const tracker = new Tracker(halfLife);
  return frames.map(({ time, faces }) => tracker.follow(time, faces));
}"""


@pytest.fixture(scope="module")
def page(model_file: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    config = ServerConfig(runs=tmp_path_factory.mktemp("out"), model=str(model_file))
    with served(config) as address, chromium() as browser, opened(browser, address) as page:
        yield page


def walk(seed: int, frames: int = 50) -> list[dict[str, Any]]:
    """Frames of faces that move, overlap, grow, vanish, come back and jump, at uneven times."""
    rng = np.random.default_rng(seed)
    places, speeds = rng.uniform(50, 400, (4, 2)), rng.normal(0, 120, (4, 2))
    sides, time, sequence = rng.uniform(30, 90, 4), 0.0, []
    for _ in range(frames):
        gap = float(rng.choice([0.033, 0.1, 0.4, 1.3], p=[0.5, 0.3, 0.15, 0.05]))
        time += gap
        places += gap * speeds
        speeds[rng.random(4) < 0.05] *= -1
        sides *= rng.choice([1.0, 1.02, 0.98, 2.3, 0.45], 4, p=[0.6, 0.18, 0.18, 0.02, 0.02])
        seen = np.flatnonzero(rng.random(4) < 0.85)
        sequence.append({"time": time, "faces": [face(rng, *places[who], sides[who]) for who in rng.permutation(seen)]})
    return sequence


def face(rng: np.random.Generator, x: float, y: float, side: float) -> dict[str, Any]:
    shares = rng.dirichlet(np.ones(len(EMOTIONS))).tolist()
    box = [round(x - side / 2), round(y - side / 2), max(1, round(side)), max(1, round(1.3 * side))]
    probabilities = dict(zip(EMOTIONS, shares, strict=True))
    return {"box": box, "probabilities": probabilities, "emotion": max(probabilities, key=probabilities.__getitem__)}


def as_face(entry: dict[str, Any]) -> Face:
    return Face(Box(*entry["box"]), entry["emotion"], entry["probabilities"], np.zeros((48, 48), np.uint8))


@pytest.mark.parametrize("half_life", [0.0, 0.2])
def test_both_trackers_give_the_same_answers(page: Any, half_life: float) -> None:
    numbers = set()
    for seed in range(6):
        sequence = walk(seed)
        tracker = Tracker(half_life)
        shown = page.evaluate(FOLLOW, [sequence, half_life])
        for frame, answers in zip(sequence, shown, strict=True):
            followed = tracker.follow(frame["time"], [as_face(entry) for entry in frame["faces"]])
            assert [answer["track"] for answer in answers] == [number for number, _ in followed]
            for answer, (_, face) in zip(answers, followed, strict=True):
                assert answer["box"] == list(face.box)
                assert answer["emotion"] == face.emotion
                assert answer["probabilities"] == pytest.approx(face.probabilities)
            numbers |= {number for number, _ in followed}
    assert len(numbers) > 8  # faces were given up, and came back under other numbers


def test_a_face_is_expected_where_its_motion_leads(page: Any) -> None:
    """A fast face that is gone for a moment has its number again, because its motion is followed."""
    entry = {"probabilities": {"happy": 1.0}, "emotion": "happy"}
    places = [0, 30, 60, 90, 190]  # pixels, of a face of 40: in half a second it goes further than it is wide
    times = [0.0, 0.1, 0.2, 0.3, 0.8]
    sequence = [
        {"time": time, "faces": [{**entry, "box": [x, 0, 40, 40]}]} for time, x in zip(times, places, strict=True)
    ]
    tracker = Tracker()
    for frame, (shown,) in zip(sequence, page.evaluate(FOLLOW, [sequence, 0]), strict=True):
        ((number, _),) = tracker.follow(frame["time"], [as_face(entry) for entry in frame["faces"]])
        assert number == shown["track"] == 1
