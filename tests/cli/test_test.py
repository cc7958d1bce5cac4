"""`mien test`, and `mien faces import --photos`."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.evaluation.corruptions import CORRUPTIONS
from mien.faces import VOTES, open_faces, read_packed, write_packed
from mien.faces.fer2013 import VOTE_OF
from mien.predict.predictor import Predictor


def mien(*words: object) -> Result:
    result = CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path, grace: Path) -> Path:
    """Photos by emotion: a portrait twice, once lying on its side, and a wall."""
    folder = tmp_path / "photos"
    for emotion in ("joy", "Neutral"):
        (folder / emotion).mkdir(parents=True)
    with Image.open(grace) as image:
        image.save(folder / "joy" / "hopper.png")
        image.transpose(Image.Transpose.ROTATE_90).save(folder / "Neutral" / "lying.webp")
    Image.new("RGB", (200, 160), "teal").save(folder / "Neutral" / "wall.png")
    return folder


def test_models_side_by_side_as_json_and_in_words(model_file: Path) -> None:
    output = json.loads(mien("test", "fast", model_file, "--data", "drawn:200", "--corruptions", "--json").stdout)
    assert (output["source"], output["split"]) == ("drawn", "test")
    assert [model["model"] for model in output["models"]] == ["fast", str(model_file)]
    faces = open_faces("drawn:200").split("test")
    correct = Predictor("fast").probabilities(faces.images).argmax(1) == faces.labels
    fast = output["models"][0]
    assert (fast["faces"], fast["accuracy"]) == (len(faces), correct.mean())
    [pair] = output["comparisons"]
    assert pair["only_a"] - pair["only_b"] == correct.sum() - round(len(faces) * output["models"][1]["accuracy"])
    unchanged = output["corruptions"][0]
    assert (unchanged["corruption"], unchanged["fast"]) == ("as they are", correct.mean())
    assert [row["corruption"] for row in output["corruptions"]] == ["as they are", *CORRUPTIONS]

    lines = mien("test", "fast", model_file, "--data", "drawn:200").stdout.splitlines()
    assert lines[0] == f"drawn, test: {len(faces)} faces"
    assert lines[2].split()[:2] == ["fast", f"{100 * correct.mean():.1f}"]
    assert any(line.startswith(f"fast and {model_file}: only fast is correct on") for line in lines)
    happy = next(line for line in lines if line.startswith("happy")).split()
    assert int(happy[1]) == int((faces.labels == 3).sum())
    assert float(happy[2]) == pytest.approx(100 * correct[faces.labels == 3].mean(), abs=0.05)


def test_a_single_model_has_its_area_under_roc_for_each_emotion(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model_file.parent)  # a long path would leave no room for the emotions
    (scores,) = json.loads(mien("test", "tiny.onnx", "--data", "drawn:200", "--json").stdout)["models"]
    assert scores["macro_areas"]["roc_auc"]["value"] == pytest.approx(
        np.mean([one["roc_auc"]["value"] for one in scores["areas"].values()])
    )
    lines = mien("test", "tiny.onnx", "--data", "drawn:200").stdout.splitlines()
    happy = next(line for line in lines if line.startswith("happy")).split()
    assert happy[-1] == f"{scores['areas']['happy']['roc_auc']['value']:.3f}"


def test_labels_that_ferplus_shares_or_gives(tmp_path: Path) -> None:
    faces = open_faces("drawn:200")
    cast = np.zeros((len(faces), len(VOTES)), np.uint8)
    cast[np.arange(len(faces)), [VOTES.index(VOTE_OF[faces.classes[label]]) for label in faces.labels]] = 10
    rows = faces.rows("test")
    other = rows.start + np.flatnonzero(faces.labels[rows] == 0)[:3]
    cast[[0, *other]] = [10 * (name == "contempt") for name in VOTES]
    write_packed(replace(faces, votes=cast), tmp_path / "faces")
    test = faces.split("test")
    correct = Predictor("fast").probabilities(test.images).argmax(1) == test.labels
    correct = np.delete(correct, other - rows.start)

    done = mien("test", "fast", "--data", tmp_path / "faces", "--labels", "agreed", "--json")
    output = json.loads(done.stdout)
    assert (output["labels"], output["models"][0]["faces"]) == ("agreed", len(test) - 3)
    assert output["models"][0]["accuracy"] == pytest.approx(correct.mean())

    lines = mien("test", "fast", "--data", tmp_path / "faces", "--labels", "majority").stdout.splitlines()
    assert lines[0] == f"faces, test: {len(test) - 3} faces, labelled by FER+'s majority"
    assert lines[1] == "left out: 3 of contempt, which fast does not know"


def test_photos_are_detected_and_framed_first(photos: Path, model_file: Path) -> None:
    done = mien("test", model_file, "--data", f"test={photos}", "--photos", "--json")
    assert done.exit_code == 0
    output = json.loads(done.stdout)
    [model] = output["models"]
    assert (model["faces"], model["not_found"], output["unread"]) == (3, 1, {})
    (photos / "joy" / "bad.jpg").write_text("no photo", encoding="utf-8")
    done = mien("test", model_file, "--data", f"test={photos}", "--photos")
    assert done.exit_code == 2
    assert "bad.jpg: not an image, or one of an unknown kind; left out" in done.stderr
    assert re.search(r"tiny|onnx", done.stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fast", "--data", "drawn:50", "--split", "tst"], "--split tst: no such split; .* did you mean 'test'"),
        (["fast", "fast", "--data", "drawn:50"], "a model is named twice"),
        (["fast", "--data", "nowhere"], "nowhere: no such file or folder"),
        (["fast", "--data", "drawn:50", "--photos"], "drawn: no folder of photos"),
        (["fast", "--data", "x", "--photos", "--changes"], "--corruptions with --photos"),
        (["fast", "--data", "x", "--max-pixels", "5"], "--max-pixels without --photos"),
        (["fast", "--data", "x", "--photos", "--labels", "agreed"], "--labels agreed with --photos"),
        (["fast", "--data", "drawn:50", "--labels", "agree"], "--labels agree: known: .* did you mean 'agreed'"),
        (["fast", "--data", "drawn:50", "--labels", "agreed"], "drawn: has no votes to label its faces by"),
        (["slow", "--data", "drawn:50"], "no model is called 'slow'"),
    ],
)
def test_what_cannot_be_done_is_reported(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        mien("test", *words)


def test_the_limit_on_pixels_is_an_option(photos: Path, model_file: Path, tmp_path: Path) -> None:
    done = mien("test", model_file, "--data", f"test={photos}", "--photos", "--max-pixels", 100_000, "--json")
    unread = json.loads(done.stdout)["unread"]
    assert {Path(name).name for name in unread} == {"hopper.png", "lying.webp"}
    assert "more than 0.1 million are refused; make it smaller, or allow so many: --max-pixels" in str(unread)
    with pytest.raises(UserError, match=r"joy/hopper\.png: 512x600 pixels; .*--max-pixels 307200"):
        mien("faces", "import", f"test={photos}", "--photos", "-o", tmp_path / "out", "--max-pixels", 100_000)
    mien("faces", "import", f"test={photos}", "--photos", "-o", tmp_path / "out", "--max-pixels", 307_200)
    assert len(read_packed(tmp_path / "out")) == 2


def test_a_split_without_photos_is_reported(photos: Path) -> None:
    with pytest.raises(UserError, match="has no validation photos; name another split, or say validation=FOLDER"):
        mien("test", "fast", "--data", f"test={photos}", "--photos", "--split", "validation")


def test_numbered_folders_need_a_word_also_for_photos(photos: Path, model_file: Path, tmp_path: Path) -> None:
    (photos / "joy").rename(photos / "1")
    (photos / "Neutral").rename(photos / "0")
    for words in ([], ["--photos"]):
        with pytest.raises(UserError, match=r"its classes are the numbers 0, 1, .*data\.classes"):
            mien("test", model_file, "--data", f"test={photos}", *words)
    output = json.loads(
        mien("test", model_file, "--data", f"test={photos}", "--photos", "--classes", "affectnet7", "--json").stdout
    )
    assert output["notes"] == ["numbers read as 0 = neutral, 1 = happy"]
    assert output["models"][0]["per_class"]["happy"]["support"] == 1
    faces = mien("test", model_file, "--data", f"test={photos}", "--classes", "affectnet7")
    assert "note: numbers read as 0 = neutral, 1 = happy" in faces.stdout
    done = mien("faces", "import", f"test={photos}", "--photos", "--classes", "affectnet7", "-o", tmp_path / "faces")
    assert done.exit_code == 0
    assert read_packed(tmp_path / "faces").classes == ("happy", "neutral")
