"""What models say of labelled faces, and what it is worth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.evaluation.evaluate import CachingDetector, evaluate_faces, evaluate_photos
from mien.evaluation.results import ModelPair, compare_pairs
from mien.faces import EMOTIONS, Faces, in_split_order, open_faces
from mien.faces.images import Labelled
from mien.predict.classifier import Classifier
from mien.predict.detector import Detector
from mien.predict.predictor import Predictor
from mien.runs.metrics import McNemar


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
    entries = evaluate_faces(classifier, faces, "test").to_dict()
    assert (entries["faces"], entries["leaked"], entries["not_found"]) == (40, 10, 0)
    assert entries["accuracy"] == pytest.approx(0.7)
    assert entries["low"] < 0.7 < entries["high"]
    assert entries["accuracy_without_leaks"] == pytest.approx(0.7)
    assert sum(map(sum, entries["confusion"])) == 40
    assert sum(entries["confusion"][k][k] for k in range(7)) == 28
    recall = entries["per_class"]["happy"]["recall"]
    assert recall == pytest.approx(entries["confusion"][3][3] / sum(entries["confusion"][3]))


def test_train_is_evaluated_without_a_word_of_leaks(classifier: Classifier, faces: Faces) -> None:
    entries = evaluate_faces(classifier, faces, "train").to_dict()
    assert (entries["faces"], entries["leaked"]) == (60, 0)
    assert "accuracy_without_leaks" not in entries


def test_synonyms_are_known_in_any_order_and_strange_emotions_left_out(classifier: Classifier, faces: Faces) -> None:
    names = ("Anger", "boredom", "Fear", "joy", "Sadness", "surprised", "NEUTRAL")
    order = np.array([6, 5, 4, 3, 2, 1, 0])
    others = replace(faces, labels=order[faces.labels].astype(np.uint8), classes=tuple(names[k] for k in order))
    evaluation = evaluate_faces(classifier, others, "test")
    bored = int((faces.split("test").labels == 1).sum())
    assert bored
    assert evaluation.left_out == {"boredom": bored}
    known = faces.split("test").labels != 1
    np.testing.assert_array_equal(evaluation.labels, faces.split("test").labels[known])
    assert evaluation.correct.mean() == evaluate_faces(classifier, faces, "test").correct[known].mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": tuple("abcdefg")}, "its emotions are a, b, c, d, e, f, g; tiny predicts angry, disgust"),
        ({"images": np.zeros((100, 24, 24), np.uint8)}, "24 pixels wide; tiny takes 48"),
    ],
)
def test_faces_that_do_not_fit_are_reported(classifier: Classifier, faces: Faces, change: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluate_faces(classifier, replace(faces, **change), "test")


def test_an_empty_split_is_reported(classifier: Classifier, faces: Faces) -> None:
    with pytest.raises(UserError, match="has no validation faces; it has: train, test"):
        evaluate_faces(classifier, faces, "validation")


def test_pairs_are_counted_face_by_face(classifier: Classifier, faces: Faces) -> None:
    first = evaluate_faces(classifier, faces, "test")
    probabilities = first.probabilities.copy()
    probabilities[:6] = np.eye(7)[first.labels[:6]]
    other = replace(first, model="other", probabilities=probabilities)
    better = int((~first.correct[:6]).sum())
    assert better == 3
    assert compare_pairs([first, other]) == [ModelPair("tiny", "other", McNemar(only_a=0, only_b=better, p=0.25))]
    shuffled = replace(first, model="shuffled", labels=first.labels[::-1])
    assert compare_pairs([first, shuffled]) == []


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
    evaluation, unread = evaluate_photos(predictor, photos, "mine", lambda: seen.append(1))
    assert unread == {str(photos[2].path): "not an image, or one of an unknown kind"}
    assert len(seen) == len(photos)
    assert evaluation.left_out == {"boredom": 1}
    assert evaluation.detected.tolist() == [True, False]
    [face] = predictor.predict(grace)
    np.testing.assert_allclose(evaluation.probabilities[0], list(face.probabilities.values()))
    entries = evaluation.to_dict()
    correct = face.emotion == "happy"
    assert (entries["faces"], entries["not_found"], entries["accuracy"]) == (2, 1, correct / 2)
    assert sum(map(sum, entries["confusion"])) == 1


def test_a_photo_is_searched_once_for_all_models(
    model_file: Path, photos: list[Labelled], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = evaluate_photos(Predictor(model_file), photos, "mine", lambda: None)[0]
    searched = []
    find = Detector.find
    monkeypatch.setattr(Detector, "find", lambda self, pixels: searched.append(1) or find(self, pixels))
    detector = CachingDetector()
    for _ in range(2):
        evaluation, _ = evaluate_photos(Predictor(model_file, detector), photos, "mine", lambda: None)
        assert np.array_equal(evaluation.probabilities, alone.probabilities)
        assert len(searched) == 2  # the portrait and the wall: one file is no photo, one has another emotion


def test_photos_none_of_which_can_be_read_are_reported(model_file: Path, photos: list[Labelled]) -> None:
    with pytest.raises(UserError, match=r"mine: none of its 1 photos can be read, as .*broken\.jpg"):
        evaluate_photos(Predictor(model_file), photos[2:3], "mine", lambda: None)


@pytest.mark.real
def test_the_models_are_as_good_as_their_facts_say(fer2013: Path) -> None:
    """The scores in the bundled cards, measured again: the first 500 test faces lie within what chance allows."""
    test = open_faces(str(fer2013)).split("test").first(500)
    for name in ("best", "fast"):
        classifier = Classifier(name)
        correct = evaluate_faces(classifier, test, "test").correct
        expected = classifier.facts.scores["test_accuracy"]
        assert abs(correct.mean() - expected) < 3 * np.sqrt(expected * (1 - expected) / len(correct))
    assert classifier.facts.classes == EMOTIONS
