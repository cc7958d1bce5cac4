"""From a photo to faces and their emotions."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.model_files.bundled import find_bundled
from mien.model_files.facts import KEY
from mien.predict.alignment import alignment_of, cut
from mien.predict.classifier import Classifier
from mien.predict.occlusion import occlusion
from mien.predict.predictor import Predictor
from mien.predict.types import Box, Prediction

HOPPER = Box(178, 117, 178, 210)
"""Where the face in grace_hopper.jpg is, by eye."""


@pytest.fixture(scope="module")
def predictor(model_file: Path) -> Predictor:
    return Predictor(model_file)


def close(box: Box, other: Box, tolerance: float) -> bool:
    """Whether no edge of two boxes is further apart than a share of the second's height."""
    return all(abs(a - b) <= tolerance * other.height for a, b in zip(box, other, strict=True))


def test_mien_gives_the_predictor() -> None:
    assert mien.Predictor is Predictor
    with pytest.raises(AttributeError, match="Prophet"):
        mien.Prophet  # noqa: B018


def test_a_portrait_has_one_face_with_every_emotions_probability(predictor: Predictor, grace: Path) -> None:
    prediction = predictor.predict(grace)
    assert isinstance(prediction, Prediction)
    assert prediction.size == (512, 600)
    (face,) = prediction
    assert close(face.box, HOPPER, 0.15)
    assert tuple(face.probabilities) == EMOTIONS
    assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert face.emotion == max(face.probabilities, key=lambda name: face.probabilities[name])
    assert face.score > 0.8
    assert abs(face.roll) < 8
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks or ()
    assert right_eye.x < nose.x < left_eye.x
    assert right_eye.y < nose.y < right_mouth.y
    assert right_mouth.x < left_mouth.x


def test_a_face_is_classified_in_its_crop_and_a_little_closer(predictor: Predictor, grace: Path) -> None:
    (face,) = predictor.predict(grace)
    gray = np.asarray(Image.open(grace).convert("L"))
    alignment = alignment_of(np.array(face.landmarks), np.array(face.box))
    near = cut(gray, alignment._replace(side=0.9 * alignment.side), 48)
    shares = predictor.probabilities(np.stack([face.crop, near])).mean(axis=0)
    assert dict(zip(EMOTIONS, shares.tolist(), strict=True)) == pytest.approx(face.probabilities, abs=0.05)


@pytest.mark.parametrize(("side", "roll"), [(1.0, 0), (1.2, 0), (1.0, 15)])
def test_a_photo_that_is_a_crop_itself_is_classified_as_it_is_too(grace: Path, side: float, roll: float) -> None:
    predictor = Predictor("fast")
    (face,) = predictor.predict(grace)
    alignment = alignment_of(np.array(face.landmarks), np.array(face.box))
    gray = np.asarray(Image.open(grace).convert("L"))
    crop = cut(gray, alignment._replace(side=side * alignment.side, roll=alignment.roll + roll), 96)
    (again,) = predictor.predict(crop)
    realigned = alignment_of(np.array(again.landmarks), np.array(again.box))
    near = cut(crop, realigned._replace(side=0.9 * realigned.side), 48)
    of_both = predictor.probabilities(np.stack([again.crop, near])).mean(axis=0)
    (whole,) = predictor.predict(crop, crop=True)
    both = (of_both + np.array(list(whole.probabilities.values()))) / 2
    assert list(again.probabilities.values()) == pytest.approx(both.tolist(), abs=0.01)
    assert abs(both - of_both).max() > 0.015


def test_a_crop_that_lies_on_its_side_is_classified_upright_alone(grace: Path) -> None:
    predictor = Predictor("fast")
    (face,) = predictor.predict(grace)
    alignment = alignment_of(np.array(face.landmarks), np.array(face.box))
    crop = cut(np.asarray(Image.open(grace).convert("L")), alignment._replace(roll=alignment.roll + 90), 96)
    (again,) = predictor.predict(crop)
    realigned = alignment_of(np.array(again.landmarks), np.array(again.box))
    near = cut(crop, realigned._replace(side=0.9 * realigned.side), 48)
    of_both = predictor.probabilities(np.stack([again.crop, near])).mean(axis=0)
    assert list(again.probabilities.values()) == pytest.approx(of_both.tolist(), abs=0.02)


def test_a_face_that_another_detector_detected_is_framed_as_here(predictor: Predictor, grace: Path) -> None:
    (face,) = predictor.predict(grace)
    assert face.crop.shape == (48, 48)
    crops = predictor.crops(grace, np.array([face.landmarks]))
    assert np.corrcoef(crops[0].ravel(), face.crop.ravel())[0, 1] > 0.7
    from_box = predictor.crops(grace, np.array([face.box]))
    assert np.corrcoef(from_box[0].ravel(), face.crop.ravel())[0, 1] > 0.7


@pytest.mark.parametrize("degrees", [-45, -20, 20, 45, 90, 180, 270])
def test_a_tilted_face_is_detected_and_turned_upright(
    predictor: Predictor, portrait: Image.Image, degrees: int
) -> None:
    (upright,) = predictor.predict(portrait)
    turned = portrait.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="gray")
    (face,) = predictor.predict(turned)
    assert (face.roll - upright.roll - degrees + 180) % 360 - 180 == pytest.approx(0, abs=8)
    assert np.corrcoef(face.crop.ravel(), upright.crop.ravel())[0, 1] > 0.6


@pytest.mark.parametrize("side", [64, 160, 480, 1200, 3000])
def test_a_face_is_detected_at_every_size_and_framed_alike(
    predictor: Predictor, portrait: Image.Image, side: int
) -> None:
    (usual,) = predictor.predict(portrait)
    sized = portrait.resize((side * 4 // 5, side), Image.Resampling.LANCZOS)
    (face,) = predictor.predict(sized)
    scale = portrait.height / side
    assert close(Box(*(round(edge * scale) for edge in face.box)), usual.box, 0.12)
    assert np.corrcoef(face.crop.ravel(), usual.crop.ravel())[0, 1] > 0.85


def test_a_very_small_face_of_a_small_photo_is_detected(predictor: Predictor, grace: Path) -> None:
    photo = Image.new("RGB", (640, 480), "#6e7882")
    with Image.open(grace) as image:
        photo.paste(image.convert("RGB").resize((36, 42), Image.Resampling.LANCZOS), (300, 200))
    (face,) = predictor.predict(photo)
    assert 10 < face.box.width < 18
    assert abs(face.box.x + face.box.width / 2 - 318) < 3
    assert abs(face.box.y + face.box.height / 2 - 216) < 4


def test_a_face_that_fills_its_picture_is_detected(predictor: Predictor, grace: Path) -> None:
    (face,) = predictor.predict(grace)
    x, y, width, height = face.box
    with Image.open(grace) as image:
        tight = image.crop((x, y, x + width, y + height))
    assert len(predictor.predict(tight)) == 1


def test_many_faces_are_all_detected_the_largest_first(predictor: Predictor, portrait: Image.Image) -> None:
    wall = Image.new("RGB", (1600, 1200), "gray")
    heights = [80, 110, 150, 200, 260, 320]
    for number, height in enumerate(heights):
        wall.paste(portrait.resize((height * 4 // 5, height)), (30 + 500 * (number % 3), 40 + 600 * (number // 3)))
    prediction = predictor.predict(wall)
    assert len(prediction) == len(heights)
    areas = [face.box.width * face.box.height for face in prediction]
    assert areas == sorted(areas, reverse=True)


def test_a_photo_without_a_face_has_none(predictor: Predictor) -> None:
    prediction = predictor.predict(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8))
    assert list(prediction) == []
    assert prediction.as_json() == []
    assert "no face found" in prediction._repr_html_()


def test_boxes_of_a_very_large_photo_are_in_its_own_pixels(predictor: Predictor, grace: Path) -> None:
    with Image.open(grace) as image:
        large = image.resize((5120, 6000))
    (face,) = predictor.predict(large)
    assert close(face.box, Box(*(10 * edge for edge in HOPPER)), 0.15)


def test_an_image_that_is_a_face_already_is_taken_whole(predictor: Predictor) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (1, 48, 48), np.uint8)
    (face,) = predictor.predict(crops[0], crop=True)
    np.testing.assert_array_equal(face.crop, crops[0])
    assert (face.box, face.landmarks) == (Box(0, 0, 48, 48), None)
    assert list(face.probabilities.values()) == pytest.approx(predictor.probabilities(crops)[0].tolist())
    (wide,) = predictor.predict(np.zeros((100, 160), np.uint8), crop=True)
    assert wide.box == Box(30, 0, 100, 100)


def test_many_photos_one_after_the_other(predictor: Predictor, grace: Path, portrait: Image.Image) -> None:
    assert [len(one) for one in predictor.predict_many([grace, portrait, np.zeros((64, 64), np.uint8)])] == [1, 1, 0]


def test_probabilities_of_crops_in_any_number(model_file: Path) -> None:
    classifier = Classifier(model_file)
    crops = np.random.default_rng(0).integers(0, 256, (600, 48, 48), np.uint8)
    shares = classifier.probabilities(crops)
    assert shares.shape == (600, 7)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(classifier.probabilities(crops[500:501])[0], shares[500], atol=1e-6)
    assert classifier.probabilities(crops[:0]).shape == (0, 7)


@pytest.mark.parametrize(
    "crops", [np.zeros((2, 48, 48)), np.zeros((2, 40, 48), np.uint8), np.zeros((48, 48), np.uint8)]
)
def test_what_are_no_crops_is_refused(predictor: Predictor, crops: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"takes uint8 \[N, 48, 48\]"):
        predictor.probabilities(crops)


def test_places_that_are_neither_boxes_nor_landmarks_are_refused(predictor: Predictor) -> None:
    with pytest.raises(UserError, match=r"boxes \[N, 4\] or landmarks \[N, 5, 2\]"):
        predictor.crops(np.zeros((64, 64), np.uint8), np.zeros((1, 3)))
    for place in ([np.nan] * 4, [0, 0, np.inf, 1], [9, 9, -5, 5], [9, 9, 0, 0]):
        with pytest.raises(UserError, match="places must be finite"):
            predictor.crops(np.zeros((64, 64), np.uint8), np.array([place]))


def test_a_model_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such model file"):
        Predictor(tmp_path / "none.onnx")
    with pytest.raises(
        UserError, match=r"a folder, not a model file; make one of a run or study: mien export \S+ FILE"
    ):
        Predictor(tmp_path)
    with pytest.raises(UserError, match="no model is called 'bset'"):
        Predictor("bset")
    with pytest.raises(UserError, match="no model is called"):
        Predictor("a" * 300)
    with pytest.raises(UserError, match="there is no user nobody-of-this-name"):
        Predictor("~nobody-of-this-name/a.onnx")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"classes": ["happy", "sad"], "temperatures": [1, 1]},
            r"probabilities tensor\(float\) \[N, 2\] against .*\[N, 7\]",
        ),
        ({"height": 64}, r"faces tensor\(uint8\) \[N, 64, 48\].* against"),
        ({"classes": ["happy", "sad"]}, "none that mien exported"),
        ({"classes": [1, 2, 3, 4, 5, 6, 7]}, "none that mien exported"),
        ({"width": "48"}, "none that mien exported"),
        ({"scores": None}, "none that mien exported"),
    ],
)
def test_a_model_file_that_contradicts_itself_is_refused(
    wrong: dict[str, object], message: str, model_file: Path, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model(model_file)
    (facts,) = (prop for prop in model.metadata_props if prop.key == KEY)
    facts.value = json.dumps(json.loads(facts.value) | wrong)
    onnx.save_model(model, tmp_path / "wrong.onnx")
    with pytest.raises(UserError, match=message):
        Predictor(tmp_path / "wrong.onnx")


def test_an_int8_file_of_before_the_reference_faces_gives_the_same_answers(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model(find_bundled("fast"))
    (facts,) = (prop for prop in model.metadata_props if prop.key == KEY)
    facts.value = json.dumps(json.loads(facts.value) | {"reference": []})
    onnx.save_model(model, tmp_path / "older.onnx")
    crops = np.random.default_rng(0).integers(0, 256, (8, 48, 48), np.uint8)
    older, newer = Classifier(tmp_path / "older.onnx"), Classifier("fast")
    np.testing.assert_allclose(older.probabilities(crops), newer.probabilities(crops), atol=0.02)
    assert older.check_reference().verdict == "none"
    assert newer.check_reference().verdict == "passed"


def test_a_notebook_shows_the_photo_its_boxes_and_bars(predictor: Predictor, grace: Path) -> None:
    html = predictor.predict(grace)._repr_html_()
    assert html.startswith("<svg")
    assert html.count("data:image/jpeg;base64,") == 1
    assert "http" not in re.sub(r'xmlns="[^"]+"', "", html)
    assert all(emotion in html for emotion in EMOTIONS)
    assert html.count("<title>") == len(EMOTIONS)


def test_what_mattered_is_where_the_model_looks(model_file: Path) -> None:
    classifier = Classifier(model_file)
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    mattered = occlusion(classifier, crop, 3)
    assert mattered.shape == (48, 48)
    assert np.isfinite(mattered).all()
    whole = classifier.probabilities(crop[None])[0, 3]
    best = np.unravel_index(mattered.argmax(), mattered.shape)
    hidden = crop.copy()
    hidden[max(best[0] - 5, 0) : best[0] + 5, max(best[1] - 5, 0) : best[1] + 5] = round(float(crop.mean()))
    assert classifier.probabilities(hidden[None])[0, 3] < whole
    assert np.abs(occlusion(classifier, np.full((48, 48), 77, np.uint8), 3)).max() < 1e-6
