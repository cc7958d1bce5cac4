"""What models say of labelled faces, and what it is worth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.evaluation.corruptions import CHANGES, changed
from mien.evaluation.evaluate import RememberingDetector, judge_faces, judge_photos, pairs
from mien.faces import EMOTIONS, Faces, in_split_order, open_faces
from mien.faces.images import Labelled
from mien.predict.classifier import Classifier
from mien.predict.detector import Detector
from mien.predict.predictor import Predictor


@pytest.fixture(scope="module")
def classifier(model_file: Path) -> Classifier:
    return Classifier(model_file)


@pytest.fixture(scope="module")
def faces(classifier: Classifier) -> Faces:
    """60 faces of train and 40 of test, 10 of which are in train; the model is right about 7 of 10 of all."""
    images = np.random.default_rng(1).integers(0, 256, (100, 48, 48), np.uint8)
    images[60:70] = images[:10]
    labels = classifier.probabilities(images).argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % 7
    labels[1::10] = (labels[1::10] + 1) % 7
    labels[2::10] = (labels[2::10] + 1) % 7
    return in_split_order(images, labels, [0] * 60 + [2] * 40)


def test_accuracy_with_and_without_leaks(classifier: Classifier, faces: Faces) -> None:
    told = judge_faces(classifier, faces, "test").as_json()
    assert (told["faces"], told["leaked"], told["not_found"]) == (40, 10, 0)
    assert told["accuracy"] == pytest.approx(0.7)
    assert told["low"] < 0.7 < told["high"]
    assert told["accuracy_without_leaks"] == pytest.approx(0.7)
    assert sum(map(sum, told["confusion"])) == 40
    assert sum(told["confusion"][k][k] for k in range(7)) == 28
    recall = told["per_class"]["happy"]["recall"]
    assert recall == pytest.approx(told["confusion"][3][3] / sum(told["confusion"][3]))


def test_train_is_judged_without_a_word_of_leaks(classifier: Classifier, faces: Faces) -> None:
    told = judge_faces(classifier, faces, "train").as_json()
    assert (told["faces"], told["leaked"]) == (60, 0)
    assert "accuracy_without_leaks" not in told


def test_synonyms_are_known_in_any_order_and_strange_emotions_left_out(classifier: Classifier, faces: Faces) -> None:
    names = ("Anger", "boredom", "Fear", "joy", "Sadness", "surprised", "NEUTRAL")
    order = np.array([6, 5, 4, 3, 2, 1, 0])
    others = replace(faces, labels=order[faces.labels].astype(np.uint8), classes=tuple(names[k] for k in order))
    tested = judge_faces(classifier, others, "test")
    bored = int((faces.split("test").labels == 1).sum())
    assert bored
    assert tested.strange == {"boredom": bored}
    kept = faces.split("test").labels != 1
    np.testing.assert_array_equal(tested.labels, faces.split("test").labels[kept])
    assert tested.right.mean() == judge_faces(classifier, faces, "test").right[kept].mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": tuple("abcdefg")}, "its emotions are a, b, c, d, e, f, g; tiny tells angry, disgust"),
        ({"images": np.zeros((100, 24, 24), np.uint8)}, "24 pixels wide; tiny takes 48"),
    ],
)
def test_faces_that_do_not_fit_are_told(classifier: Classifier, faces: Faces, change: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        judge_faces(classifier, replace(faces, **change), "test")


def test_an_empty_split_is_told(classifier: Classifier, faces: Faces) -> None:
    with pytest.raises(UserError, match="has no validation faces; it has: train, test"):
        judge_faces(classifier, faces, "validation")


def test_pairs_are_counted_face_by_face(classifier: Classifier, faces: Faces) -> None:
    first = judge_faces(classifier, faces, "test")
    said = first.probabilities.copy()
    said[:6] = np.eye(7)[first.labels[:6]]
    other = replace(first, model="other", probabilities=said)
    better = int((~first.right[:6]).sum())
    assert better == 3
    assert pairs([first, other]) == [{"a": "tiny", "b": "other", "only_a": 0, "only_b": better, "p": 0.25}]
    shuffled = replace(first, model="shuffled", labels=first.labels[::-1])
    assert pairs([first, shuffled]) == []


@pytest.fixture
def photos(tmp_path: Path, grace: Path) -> list[Labelled]:
    """A portrait, a photo without a face, a broken file, and one of an emotion that no model knows."""
    Image.new("RGB", (200, 160), "teal").save(tmp_path / "wall.png")
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    return [
        Labelled(grace, 2, "Joy"),
        Labelled(tmp_path / "wall.png", 2, "anger"),
        Labelled(tmp_path / "broken.jpg", 2, "anger"),
        Labelled(grace, 2, "boredom"),
    ]


def test_photos_go_the_whole_way(model_file: Path, photos: list[Labelled], grace: Path) -> None:
    predictor, seen = Predictor(model_file), []
    tested, unread = judge_photos(predictor, photos, "mine", lambda: seen.append(1))
    assert unread == {str(photos[2].path): "not an image, or one of an unknown kind"}
    assert len(seen) == len(photos)
    assert tested.strange == {"boredom": 1}
    assert tested.asked.tolist() == [True, False]
    [face] = predictor.predict(grace)
    np.testing.assert_allclose(tested.probabilities[0], list(face.probabilities.values()))
    told = tested.as_json()
    right = face.emotion == "happy"
    assert (told["faces"], told["not_found"], told["accuracy"]) == (2, 1, right / 2)
    assert sum(map(sum, told["confusion"])) == 1


def test_a_photo_is_searched_once_for_all_models(
    model_file: Path, photos: list[Labelled], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = judge_photos(Predictor(model_file), photos, "mine", lambda: None)[0]
    searched = []
    find = Detector.find
    monkeypatch.setattr(Detector, "find", lambda self, pixels: searched.append(1) or find(self, pixels))
    detector = RememberingDetector()
    for _ in range(2):
        tested, _ = judge_photos(Predictor(model_file, detector), photos, "mine", lambda: None)
        assert np.array_equal(tested.probabilities, alone.probabilities)
        assert len(searched) == 2  # the portrait and the wall: one file is no photo, one has another emotion


def test_photos_none_of_which_can_be_read_are_told(model_file: Path, photos: list[Labelled]) -> None:
    with pytest.raises(UserError, match=r"mine: none of its 1 photos can be read, as .*broken\.jpg"):
        judge_photos(Predictor(model_file), photos[2:3], "mine", lambda: None)


def test_changes_do_what_they_say() -> None:
    faces = open_faces("drawn:40").split("test")
    before = faces.images.astype(float)
    after = {change: changed(faces, change).images.astype(float) for change in CHANGES}
    assert all(images.shape == before.shape for images in after.values())
    half = after["half the contrast"]
    np.testing.assert_allclose(half.std(axis=(1, 2)), before.std(axis=(1, 2)) / 2, atol=0.5)
    np.testing.assert_allclose(half.mean(axis=(1, 2)), before.mean(axis=(1, 2)), atol=1)
    assert (after["darker: gamma 2"] <= before).all()
    assert (after["brighter: gamma 0.5"] >= before).all()

    def edges(images: np.ndarray) -> float:
        return float(np.abs(np.diff(images, axis=2)).mean())

    assert edges(after["blurred by 1 pixel"]) < 0.8 * edges(before)
    assert edges(after["sharpened"]) > 1.2 * edges(before)
    assert np.std(after["noise of 8 grays"] - before) == pytest.approx(8, abs=1)
    assert edges(after["half the size, enlarged"]) < 0.9 * edges(before)
    assert 0 < np.abs(after["JPEG of quality 20"] - before).mean() < 10
    np.testing.assert_array_equal(changed(faces, "blurred by 1 pixel").labels, faces.labels)


@pytest.mark.real
def test_the_models_are_as_good_as_their_facts_say(fer2013: Path) -> None:
    """The scores in the box's cards, measured again: the first 500 faces of test lie within what chance allows."""
    test = open_faces(str(fer2013)).split("test").first(500)
    for name in ("best", "fast"):
        classifier = Classifier(name)
        right = judge_faces(classifier, test, "test").right
        said = classifier.facts.scores["test_accuracy"]
        assert abs(right.mean() - said) < 3 * np.sqrt(said * (1 - said) / len(right))
    assert classifier.facts.classes == EMOTIONS


@pytest.mark.real
@pytest.mark.parametrize("change", ["blurred by 1 pixel", "sharpened", "noise of 8 grays"])
def test_best_bears_what_pictures_suffer(fer2013: Path, change: str) -> None:
    """On all of validation it loses less than three points; of 1,000 faces chance may add as much."""
    faces, best = open_faces(str(fer2013)).split("validation").first(1000), Classifier("best")
    before, after = (judge_faces(best, some, "validation").right.mean() for some in (faces, changed(faces, change)))
    assert after > before - 0.06
