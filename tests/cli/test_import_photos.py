"""`mien faces import --photos`."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.faces import read_packed
from mien.predict.predictor import Predictor


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


def mien(*words: object) -> Result:
    result = CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_photos_become_faces_framed_as_predicting_frames_them(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    done = mien("faces", "import", f"test={photos}", "--photos", "-o", out)
    assert "1 photo in which no face was found (test 1)" in done.stdout
    faces = read_packed(out)
    assert faces.classes == ("happy", "neutral")
    assert faces.left_out == {"no_face_found": {"test": 1}}
    [upright] = Predictor("fast").predict(photos / "joy" / "hopper.png")
    happy, neutral = faces.images[np.argsort(faces.labels)]
    np.testing.assert_array_equal(happy, upright.crop)
    difference = np.abs(happy.astype(float) - neutral)
    assert difference.mean() < 12, "the one that lay on its side is turned upright"


def test_photos_of_train_and_test_are_counted_together(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    mien("faces", "import", f"train={photos}", f"test={photos}", "--photos", "-o", out)
    faces = read_packed(out)
    assert faces.counts() == {"train": {"happy": 1, "neutral": 1}, "test": {"happy": 1, "neutral": 1}}
    assert faces.left_out == {"no_face_found": {"train": 1, "test": 1}}


def test_a_broken_photo_stops_the_import_and_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    (photos / "joy" / "bad.heic").write_text("no photo", encoding="utf-8")
    with pytest.raises(UserError, match=r"joy/bad\.heic"):
        mien("faces", "import", f"test={photos}", "--photos", "-o", tmp_path / "faces")
    assert not (tmp_path / "faces").exists()


def test_ready_faces_are_no_photos(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="drawn: no folder of photos"):
        mien("faces", "import", "drawn:20", "--photos", "-o", tmp_path / "faces")
