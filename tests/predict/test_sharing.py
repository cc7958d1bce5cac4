"""One predictor in many threads and processes; what it answers as a key."""

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.errors import UserError
from mien.model_files.bundled import find_bundled
from mien.predict.detector import Detector
from mien.predict.predictor import Predictor

THREADS, CALLS = 4, 24

QUIET = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "PYTHONWARNINGS": "ignore"}

PROCESSES = """
import multiprocessing, os, sys
import numpy as np
from mien.predict.predictor import Predictor

def ask(words):
    predictor, photo, place = words
    with open(place, "w") as file:
        file.write(repr([predictor.predict(photo).as_json(), predictor.probabilities(CROPS).round(4).tolist()]))

CROPS = np.random.default_rng(0).integers(0, 256, (300, 48, 48), np.uint8)

if __name__ == "__main__":
    model, photo, way, folder = sys.argv[1:]
    predictor = Predictor(model)
    ask((predictor, photo, f"{folder}/before"))
    if way == "os.fork":
        child = os.fork()
        if child == 0:
            ask((predictor, photo, f"{folder}/child"))
            sys.exit(0)  # all that the parent had is taken apart in the child too
        assert os.waitpid(child, 0)[1] == 0
    else:
        process = multiprocessing.get_context(way).Process(target=ask, args=((predictor, photo, f"{folder}/child"),))
        process.start()
        process.join()
        assert process.exitcode == 0
    ask((predictor, photo, f"{folder}/after"))
"""


@pytest.fixture(scope="module")
def photos(grace: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Faces of several sizes and rolls, each in a photo of another size; one of them shows none."""
    folder = tmp_path_factory.mktemp("photos")
    with Image.open(grace) as image:
        face = image.convert("RGB").crop((130, 20, 382, 340))
    shown = [
        face,
        face.resize((126, 160)),
        face.rotate(-20, expand=True),
        face.rotate(90, expand=True),
        face.resize((600, 762)),
        Image.new("RGB", (200, 180), "#8090a0"),
    ]
    for number, photo in enumerate(shown):
        photo.save(folder / f"{number}.png")
    return sorted(folder.iterdir())


def answer(predictor: Predictor, photo: Path) -> list[dict[str, Any]]:
    return predictor.predict(photo).as_json()


@pytest.mark.slow
def test_threads_that_share_a_predictor_get_the_answers_of_one(model_file: Path, photos: list[Path]) -> None:
    requests = [photos[number % len(photos)] for number in range(THREADS * CALLS)]
    alone = Predictor(model_file)
    expected = {photo: answer(alone, photo) for photo in photos}
    assert [len(faces) for faces in expected.values()] == [1, 1, 1, 1, 1, 0]
    shared = Predictor(model_file)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda photo: answer(shared, photo), requests))
    assert answers == [expected[photo] for photo in requests]


def test_predictors_share_a_detector_among_threads(model_file: Path, photos: list[Path]) -> None:
    photos = [photos[0], photos[1], photos[2], photos[4]]  # those that are not looked at in every way
    detector = Detector()
    both = [Predictor(model_file, detector), Predictor("fast", detector)]
    expected = [answer(predictor, photo) for predictor in both for photo in photos]
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda pair: answer(*pair), [(one, photo) for one in both for photo in photos]))
    assert answers == expected
    assert all(one.detector is detector for one in both)


def test_a_predictor_survives_a_pickle(model_file: Path, photos: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model_file.parent)
    for before in (Predictor(model_file.name), Predictor(model_file, Detector())):
        expected = [answer(before, photo) for photo in photos[:2]]
        monkeypatch.chdir(photos[0].parent)  # the path was a relative one
        after = pickle.loads(pickle.dumps(before))
        assert [answer(after, photo) for photo in photos[:2]] == expected
        assert after.classifier.facts == before.classifier.facts
        monkeypatch.chdir(model_file.parent)


def test_a_pickle_of_a_model_that_has_changed_since_is_refused(model_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(model_file.read_bytes())
    content = pickle.dumps(Predictor(file))
    file.write_bytes(find_bundled("fast").read_bytes())
    crops = np.zeros((1, 48, 48), np.uint8)
    with pytest.raises(UserError, match="the file has changed since it was opened"):
        pickle.loads(content).probabilities(crops)
    file.unlink()
    with pytest.raises(UserError, match=r"model\.onnx: cannot be read"):
        pickle.loads(content).probabilities(crops)


@pytest.mark.parametrize("way", [*multiprocessing.get_all_start_methods(), "os.fork"])
def test_another_process_gives_the_same_answers_and_ends(
    way: str, model_file: Path, photos: list[Path], tmp_path: Path
) -> None:
    if way == "os.fork" and not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    script = tmp_path / "script.py"
    script.write_text(PROCESSES, encoding="utf-8")
    words = [sys.executable, str(script), str(model_file), str(photos[0]), way, str(tmp_path)]
    done = subprocess.run(words, env=QUIET, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    before, child, after = ((tmp_path / name).read_text(encoding="utf-8") for name in ("before", "child", "after"))
    assert json.loads(before.replace("'", '"'))[0]
    assert before == child == after


def test_equal_faces_hash_alike(model_file: Path, photos: list[Path]) -> None:
    predictor = Predictor(model_file)
    one, other = (predictor.predict(photos[0]) for _ in range(2))
    assert one[0] == other[0]
    assert len({one[0], other[0], replace(one[0], emotion="none")}) == 2
    assert one[0] != replace(one[0], probabilities={})
    assert {one: "a", other: "b"}[one] == "a"
    assert one.faces == other.faces
    assert pickle.loads(pickle.dumps(one)).faces == one.faces


def pixels_of(photo: Path) -> NDArray[np.uint8]:
    with Image.open(photo) as image:
        return np.asarray(image.convert("RGB"))


def test_a_pickled_detector_finds_the_same(photos: list[Path]) -> None:
    detector = Detector()
    again = pickle.loads(pickle.dumps(detector))
    for photo in photos[:3]:
        pairs = zip(detector.find(pixels_of(photo)), again.find(pixels_of(photo)), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one.box, other.box)
            assert one.score == other.score
