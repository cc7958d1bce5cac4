"""`mien.evaluate`: models on labelled faces and photos, shown, compared and drawn."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image
from test_house import loads

import mien
from mien.api.evaluation import ModelEvaluation, evaluate
from mien.errors import UserError
from mien.evaluation.evaluate import evaluate_faces
from mien.faces import Faces, in_split_order
from mien.predict.classifier import Classifier


@pytest.fixture(scope="module")
def faces(model_file: Path) -> Faces:
    """60 faces of train and 40 of test, 10 of which are in train; the model is correct on 8 of 10."""
    images = np.random.default_rng(1).integers(0, 256, (100, 48, 48), np.uint8)
    images[60:70] = images[:10]
    labels = Classifier(model_file).probabilities(images).argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % 7
    labels[1::10] = (labels[1::10] + 1) % 7
    return in_split_order(images, labels, [0] * 60 + [2] * 40, name="a <b>")


@pytest.fixture(scope="module")
def evaluated(model_file: Path, faces: Faces) -> ModelEvaluation:
    return mien.evaluate(str(model_file), faces)


def test_every_way_to_name_a_model_gives_the_same_numbers(
    model_file: Path, faces: Faces, evaluated: ModelEvaluation
) -> None:
    for model in (model_file, Classifier(model_file), mien.Predictor(model_file)):
        assert np.array_equal(
            evaluate(model, faces).predictions[0].probabilities, evaluated.predictions[0].probabilities
        )
    assert evaluated.accuracy.mean == pytest.approx(0.8)
    assert evaluated.accuracy_without_leaks is not None
    assert evaluated.accuracy_without_leaks.n == 30
    assert evaluated.images is not None
    assert np.array_equal(evaluated.images, faces.split("test").images)


def test_scores_are_those_of_mien_test(model_file: Path, faces: Faces, evaluated: ModelEvaluation) -> None:
    printed = evaluate_faces(Classifier(model_file), faces, "test").to_dict()
    scores = evaluated.scores
    assert scores is not None
    assert scores.macro_f1 == printed["macro_f1"]
    assert scores.evaluated_on == "test"
    for name, areas in scores.areas.items():
        if areas is None:
            assert printed["areas"][name] is None  # no face of test is neutral
            continue
        assert areas.roc_auc.value == printed["areas"][name]["roc_auc"]["value"]
        assert areas.average_precision.interval == printed["areas"][name]["average_precision"]["interval"]
    assert scores.macro_areas is not None
    assert scores.macro_areas.roc_auc.value == printed["macro_areas"]["roc_auc"]["value"]


def test_a_notebook_shows_both_tables_escaped(evaluated: ModelEvaluation) -> None:
    data, _ = DisplayFormatter().format(evaluated)
    assert data["text/html"].count("<table") == 2
    assert "tiny on a &lt;b&gt;, test" in data["text/html"]
    assert "without the 10 in train, %" in data["text/html"]
    first = data["text/plain"].splitlines()
    assert first[0] == "tiny on a <b>, test"
    assert "80.0 (" in first[2]
    assert "no face detected" not in data["text/plain"]


def test_tables_are_data_frames_with_unrounded_numbers(evaluated: ModelEvaluation) -> None:
    summary, emotions = evaluated.summary.frame(), evaluated.emotions.frame()
    assert summary["accuracy"][0] == evaluated.accuracy.mean
    assert summary["accuracy_low"][0] == evaluated.accuracy.interval[0]
    assert emotions["support"].sum() == 40
    assert evaluated.scores is not None
    happy = evaluated.scores.areas["happy"]
    assert happy is not None
    assert emotions.set_index("emotion")["roc_auc"]["happy"] == happy.roc_auc.value


@pytest.mark.parametrize("plot", ["confusion", "per_class", "reliability", "roc", "precision_recall", "mistakes"])
def test_it_is_drawn(evaluated: ModelEvaluation, plot: str) -> None:
    assert getattr(evaluated, plot)().axes[0].get_title("left") == "tiny on test"


def test_mistakes_are_the_faces_themselves(evaluated: ModelEvaluation, faces: Faces) -> None:
    (axes,) = evaluated.mistakes(n=1).axes
    wrong = ~evaluated.predictions[0].correct
    assert axes.images[0].get_array().tolist() in faces.split("test").images[wrong].tolist()


def test_two_models_are_compared_face_by_face(evaluated: ModelEvaluation) -> None:
    one = evaluated.evaluation
    probabilities = one.probabilities.copy()
    wrong = np.flatnonzero(~one.correct)[:3]
    probabilities[wrong] = np.eye(7)[one.labels[wrong]]
    other = ModelEvaluation(replace(one, model="better", probabilities=probabilities), "test", evaluated.source)
    test = evaluated.compare(other)
    assert (test.a, test.b, test.split, test.only_a, test.only_b, test.p) == ("tiny", "better", "test", 0, 3, 0.25)
    assert other.compare(evaluated).better == "better"


def test_models_are_compared_on_the_same_faces_alone(
    model_file: Path, faces: Faces, evaluated: ModelEvaluation
) -> None:
    with pytest.raises(
        UserError, match="tiny was evaluated on 40 faces of a <b>, test, tiny on 60 faces of a <b>, train"
    ):
        evaluated.compare(mien.evaluate(model_file, faces, "train"))
    darker = replace(faces, images=faces.images // 2)
    with pytest.raises(UserError, match="models are compared on the same faces"):
        evaluated.compare(mien.evaluate(model_file, darker))


def test_a_net_of_a_study_is_exported_first_and_leaves_nothing_behind(
    ended: mien.StudyResults, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    net = ended.net("linear")
    seen = mien.evaluate(net, mien.open_faces("drawn:300", size=24), "validation")
    assert seen.name == "linear"
    assert [*tmp_path.iterdir()] == []
    seeds = net.predictions_of("validation")
    accuracies = [one.accuracy for one in seeds]
    assert seen.accuracy.mean == pytest.approx(max(accuracies), abs=0.04)  # trained in bfloat16 where that is faster
    assert seen.accuracy.n == len(seeds[0].labels)


@pytest.fixture
def photos(tmp_path: Path, grace: Path) -> Path:
    """A portrait, a photo without a face, and a broken file."""
    for emotion in ("happy", "angry"):
        (tmp_path / "photos" / "test" / emotion).mkdir(parents=True)
    folder = tmp_path / "photos" / "test"
    (folder / "happy" / "grace.jpg").write_bytes(grace.read_bytes())
    Image.new("RGB", (200, 160), "teal").save(folder / "angry" / "wall.png")
    (folder / "angry" / "broken.jpg").write_bytes(b"broken")
    return tmp_path / "photos"


def test_photos_go_through_the_detector(
    model_file: Path,
    photos: Path,
    grace: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    predictor = mien.Predictor(model_file)
    seen = mien.evaluate(predictor, photos, photos=True)
    assert "photos" in capsys.readouterr().err
    (face,) = predictor.predict(grace)
    np.testing.assert_allclose(seen.predictions[0].probabilities[0], list(face.probabilities.values()))
    assert seen.accuracy.n == 2
    assert seen.summary.frame()["not_detected"][0] == 1
    (path,) = seen.unread
    assert path.endswith("broken.jpg")
    assert "broken.jpg: not an image" in repr(seen)
    assert "broken.jpg: not an image" in seen._repr_html_()
    with pytest.raises(UserError, match="the faces of test are not at hand"):
        seen.mistakes()
    with pytest.raises(UserError, match="the faces of test have one emotion alone"):
        seen.roc()


def test_photos_none_of_which_has_a_face_are_evaluated_without_scores(
    model_file: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "test" / "happy" / "grace.jpg").unlink()
    (photos / "test" / "angry" / "broken.jpg").unlink()
    seen = mien.evaluate(model_file, photos, photos=True, progress=False)
    assert capsys.readouterr().err == ""
    assert (seen.accuracy.mean, seen.scores) == (0, None)
    assert "no face detected" in repr(seen)
    for fails in (lambda: seen.emotions, seen.confusion):
        with pytest.raises(UserError, match=r"no face was detected|there are no predictions of test to draw"):
            fails()


def test_what_cannot_be_evaluated_is_reported(model_file: Path, faces: Faces, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="split 'tests': no such split; known: train, validation, test; did you mean"):
        mien.evaluate(model_file, faces, "tests")
    with pytest.raises(UserError, match="has no validation faces; it has: train, test; name another split"):
        mien.evaluate(model_file, faces, "validation")
    with pytest.raises(UserError, match=r"no model is called 'bst'; .*did you mean 'best'"):
        mien.evaluate("bst", faces)
    with pytest.raises(UserError, match="model: found int; give"):
        mien.evaluate(3, faces)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="photos=True with a <b>: these are faces already"):
        mien.evaluate(model_file, faces, photos=True)


def test_it_is_imported_without_torch_and_matplotlib() -> None:
    assert not loads("mien.api.evaluation") & {"torch", "matplotlib", "onnxruntime", "cv2", "pandas"}


def test_an_evaluation_is_compared_with_an_evaluation_alone() -> None:
    seen = mien.evaluate("fast", "drawn:200")
    with pytest.raises(UserError, match=r"^compare: found str; give the evaluation of the other model"):
        seen.compare("best")
    with pytest.raises(UserError, match=r"^split None: no such split; known: train"):
        mien.evaluate("fast", "drawn:200", None)
