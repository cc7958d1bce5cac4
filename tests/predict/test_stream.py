"""Faces in the frames of a video or camera: what is found, and how much is looked at for it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.predict.detector import SIDE, TURNS, Detection, Detector
from mien.predict.predictor import Predictor
from mien.predict.stream import PERIOD, FacePlace, Seen
from mien.predict.tracking import Tracker
from mien.predict.types import Box, Prediction

RATE = 25.0

Pixels = NDArray[np.uint8]


class CountingDetector(Detector):
    """Notes the size of every picture that is looked at, and which looks were turned."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[tuple[int, ...]] = []
        self.turns: list[float] = []
        self.blind = False
        self.nobody = False

    def detect(self, picture: Pixels) -> list[Detection]:
        """See Detector; where nobody is in any picture, the net is spared."""
        self.looks.append(picture.shape[:2])
        return [] if self.nobody else super().detect(picture)

    def turned(self, pixels: Pixels, turn: float) -> list[Detection]:
        """See Detector."""
        self.turns.append(turn)
        return super().turned(pixels, turn)

    def follow(self, pixels: Pixels, x: float, y: float, side: float, roll: float) -> Detection | None:
        """See Detector; nobody is seen where they were while it is blind."""
        return None if self.blind else super().follow(pixels, x, y, side, roll)


@pytest.fixture
def detector() -> CountingDetector:
    return CountingDetector()


@pytest.fixture
def predictor(model_file: Path, detector: CountingDetector) -> Predictor:
    return Predictor(model_file, detector)


@pytest.fixture(scope="module")
def head(grace: Path) -> Image.Image:
    """A face with what is around it, 160 x 200 pixels."""
    with Image.open(grace) as image:
        return image.convert("RGB").crop((140, 60, 380, 360)).resize((160, 200))


def scene(*shown: tuple[Image.Image, float, float], size: tuple[int, int] = (480, 360)) -> Pixels:
    """A gray wall with pictures, each with its left and upper edge."""
    sheet = Image.new("RGB", size, "#8090a0")
    for picture, x, y in shown:
        sheet.paste(picture, (round(x), round(y)))
    return np.asarray(sheet)


def stream(predictor: Predictor, frames: Sequence[Pixels], rate: float = RATE) -> Iterator[Prediction]:
    seen = None
    for number, frame in enumerate(frames):
        prediction = predictor.predict_frame(frame, number / rate, seen)
        seen = Seen.of(number / rate, prediction)
        yield prediction


def wall(count: int) -> list[Pixels]:
    return [scene()] * count


def tracks(predictions: Sequence[Prediction], rate: float = RATE) -> list[list[int]]:
    """The numbers of the faces of each frame."""
    tracker = Tracker()
    return [[number for number, _ in tracker.follow(time / rate, one.faces)] for time, one in enumerate(predictions)]


def test_without_a_face_a_frame_is_looked_at_once_and_rarely_twice_and_turned_each_way_once_a_second(
    predictor: Predictor, detector: CountingDetector
) -> None:
    list(stream(predictor, wall(1)))
    of_photo = len(detector.looks)
    detector.looks.clear()
    detector.turns.clear()
    counts = []
    for prediction in stream(predictor, wall(51)):
        counts.append(len(detector.looks))
        assert len(prediction) == 0
        detector.looks.clear()
    assert of_photo >= 10
    assert counts[0] == of_photo
    assert max(counts[1:]) <= 2
    assert np.mean(counts[1:]) < 1.7
    after_the_first = detector.turns[len(TURNS) :]
    assert all(after_the_first.count(turn) == 2 for turn in TURNS)


def test_a_face_that_is_followed_is_looked_at_where_it_was(
    predictor: Predictor, detector: CountingDetector, head: Image.Image
) -> None:
    frames = [scene((head, 20 + 4 * step, 60 + step)) for step in range(51)]
    counts = []
    for step, prediction in enumerate(stream(predictor, frames)):
        counts.append(len(detector.looks))
        detector.looks.clear()
        (face,) = prediction
        x, y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
        assert abs(x - (20 + 4 * step + 88)) < 20
        assert abs(y - (60 + step + 100)) < 30
    assert np.mean(counts[1:]) < 1.8
    assert detector.turns == []


def test_two_faces_keep_their_numbers(predictor: Predictor, head: Image.Image) -> None:
    small = head.resize((104, 130))
    frames = [scene((head, 3 * step, 40), (small, 360 - 3 * step, 200)) for step in range(25)]
    assert {tuple(numbers) for numbers in tracks(list(stream(predictor, frames)))} == {(1, 2)}


@pytest.mark.parametrize("change", ["upright", "on its side", "small", "beside another"])
def test_a_face_that_appears_is_detected_within_a_second(predictor: Predictor, head: Image.Image, change: str) -> None:
    before, after = scene(), scene((head, 200, 80))
    if change == "on its side":
        after = scene((head.rotate(90, expand=True), 150, 100))
    elif change == "small":
        before = scene(size=(1280, 720))
        after = scene((head.resize((48, 60)), 700, 300), size=(1280, 720))
    elif change == "beside another":
        before, after = scene((head, 20, 80)), scene((head, 20, 80), (head.resize((128, 160)), 320, 100))
    frames = [before] * 5 + [after] * round(PERIOD * RATE + 1)
    counts = [len(prediction) for prediction in stream(predictor, frames)]
    wanted = 2 if change == "beside another" else 1
    assert counts[:5] == [wanted - 1] * 5
    assert counts[-1] == wanted
    if change == "upright":
        assert counts[5] == 1


def test_a_face_that_leaves_is_gone_at_once(predictor: Predictor, head: Image.Image) -> None:
    frames = [scene((head, 200, 80))] * 3 + wall(3)
    assert [len(prediction) for prediction in stream(predictor, frames)] == [1, 1, 1, 0, 0, 0]


def test_a_face_that_rolls_is_followed(predictor: Predictor, head: Image.Image) -> None:
    rolls = [70 * np.sin(step / 12) for step in range(75)]
    frames = [scene((head.rotate(-roll, Image.Resampling.BICUBIC, fillcolor="#8090a0"), 160, 80)) for roll in rolls]
    predictions = list(stream(predictor, frames))
    assert [len(prediction) for prediction in predictions] == [1] * len(frames)
    upright = predictions[0][0].roll
    errors = [prediction[0].roll - upright - roll for prediction, roll in zip(predictions, rolls, strict=True)]
    assert np.median(np.abs(errors)) < 6
    assert set(map(tuple, tracks(predictions))) == {(1,)}


def test_a_track_outlives_a_look_that_fails(
    predictor: Predictor, detector: CountingDetector, head: Image.Image
) -> None:
    frames = [scene((head, 100 + 2 * step, 80)) for step in range(10)]
    jump = [scene((head, 300, 80))]  # further than is looked at around a face
    assert tracks(list(stream(predictor, frames))) == [[1]] * 10
    assert [len(prediction) for prediction in stream(predictor, frames[:1] + jump)] == [1, 1]
    seen = Seen.of(0.0, predictor.predict_frame(frames[0], 0.0))
    detector.blind = True
    detector.looks.clear()
    assert len(predictor.predict_frame(frames[1], 0.04, seen)) == 0
    assert max(max(shape) for shape in detector.looks) == SIDE  # the whole frame was looked at
    detector.blind = False
    again = predictor.predict_frame(frames[2], 0.08, Seen(0.04))
    assert len(again) == 1


def test_frames_far_apart_are_predicted_as_photos(predictor: Predictor, head: Image.Image) -> None:
    frame = scene((head, 100, 60))
    photo = predictor.predict(frame)
    for seen in (None, Seen(0.0, (FacePlace(Box(0, 0, 50, 50), 0.0),)), Seen(9.0)):  # first, long ago, and not yet
        assert predictor.predict_frame(frame, PERIOD, seen).faces == photo.faces


@pytest.mark.parametrize("rate", [0.5, 1.0, 1.9, 4.0])
def test_a_camera_that_is_late_is_looked_at_no_longer_and_still_in_every_way(
    predictor: Predictor, detector: CountingDetector, rate: float
) -> None:
    detector.nobody = True  # as YuNet says of the gray wall
    seen = Seen(0.0)
    for number in range(1, 80):
        detector.looks.clear()
        predictor.predict_frame(scene(), number / rate, seen, live=True)
        assert len(detector.looks) <= 3
        seen = Seen(number / rate)
    assert set(detector.turns) == set(TURNS)


def test_a_followed_face_is_predicted_as_a_photos_in_one_view(predictor: Predictor, head: Image.Image) -> None:
    frame = scene((head, 100, 60))
    (photo,) = predictor.predict(frame)
    (face,) = predictor.predict_frame(frame, 0.04, Seen.of(0.0, [photo]))
    for edge, other in zip(face.box, photo.box, strict=True):
        assert abs(edge - other) < 0.1 * photo.box.height
    assert abs(face.roll - photo.roll) < 4
    (shares,) = predictor.probabilities(face.crop[None]).tolist()
    assert list(face.probabilities.values()) == pytest.approx(shares)


def test_places_that_no_face_can_have_are_passed_over(
    predictor: Predictor, detector: CountingDetector, head: Image.Image
) -> None:
    frame = scene((head, 100, 60))
    boxes = [Box(-500, 0, 50, 50), Box(0, 0, 99999, 10), Box(0, 9999, 50, 50), Box(3, 3, 0, 0)]
    boxes += [Box(0, 0, 90 + number, 100) for number in range(50)]  # all of them one face's, if any's
    prediction = predictor.predict_frame(frame, 0.04, Seen(0.0, tuple(FacePlace(box, 0.0) for box in boxes)))
    assert len(prediction) == 1
    assert len(detector.looks) < 8


def test_a_large_frame_is_followed_in_its_own_pixels(predictor: Predictor, grace: Path) -> None:
    with Image.open(grace) as image:
        large = image.convert("RGB").resize((3072, 3600))
    pixels = np.asarray(large)
    (photo,) = predictor.predict(pixels)
    (face,) = predictor.predict_frame(pixels, 0.04, Seen.of(0.0, [photo]))
    for edge, other in zip(face.box, photo.box, strict=True):
        assert abs(edge - other) < 0.1 * photo.box.height


@pytest.mark.parametrize("name", ["upright", "turned", "none", "two"])
def test_a_photo_is_looked_at_as_before(
    name: str, predictor: Predictor, detector: CountingDetector, head: Image.Image
) -> None:
    scenes: dict[str, Callable[[], Pixels]] = {
        "upright": lambda: scene((head, 100, 60)),
        "turned": lambda: scene((head.rotate(90, expand=True), 100, 60)),
        "none": lambda: scene(),
        "two": lambda: scene((head, 10, 60), (head, 300, 60), size=(960, 540)),
    }
    pixels = scenes[name]()
    predictor.predict(pixels)
    whole = [shape for shape in detector.looks if shape != (320, 320)]
    small, side = [(180, 240), (480, 640)], [(640, 640)] * len(TURNS)
    pieces = [(528, 688)] * 4
    expected = {
        "upright": small,
        "turned": [*small, *pieces, *side],
        "none": [*small, *pieces, *side],
        "two": [(135, 240), (360, 640), (720, 688), (720, 688)],
    }
    assert whole == expected[name]
