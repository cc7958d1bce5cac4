"""`mien faces import`."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces, read_packed

Text = Callable[..., str]


@pytest.fixture
def source(tmp_path: Path, small: Faces, csv_text: Text) -> Path:
    (tmp_path / "fer2013.csv").write_text(csv_text(small), encoding="utf-8")
    return tmp_path / "fer2013.csv"


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["faces", "import", *map(str, words)])
    if result.exception:
        raise result.exception
    return result.output


def test_import(tmp_path: Path, source: Path, small: Faces) -> None:
    output = run(source, "-o", tmp_path / "faces")
    faces = read_packed(tmp_path / "faces")
    assert faces.counts() == small.counts()
    assert faces.fingerprint in output
    assert "disgust" in output
    head = json.loads((tmp_path / "faces" / "faces.json").read_text(encoding="utf-8"))
    content = source.read_bytes()
    assert head["sources"] == [
        {"file": "fer2013.csv", "bytes": len(content), "sha256": sha256(content).hexdigest()},
    ]


def test_as_json_and_smaller(tmp_path: Path, source: Path, small: Faces) -> None:
    result = json.loads(run(source, "-o", tmp_path / "faces", "--size", 24, "--json"))
    faces = read_packed(tmp_path / "faces")
    assert result["counts"] == small.counts()
    assert result["fingerprint"] == faces.fingerprint
    assert result["size"] == faces.size == 24


def test_a_folder_in_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UserError, match="exists and holds no packed faces"):
        run(tmp_path / "none.csv", "-o", tmp_path / "mine")


def test_bad_input_ends_with_code_2_one_message_and_nothing_on_disk(tmp_path: Path, source: Path) -> None:
    source.write_text(source.read_text(encoding="utf-8") + "9,1 2 3,Training\n", encoding="utf-8")
    command = [sys.executable, "-m", "mien", "faces", "import", str(source), "-o", str(tmp_path / "faces")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"mien: {source}: 2 problems:",
        "  line 30: emotion '9', 0..6 expected, or 7 for contempt",
        "  line 30: 3 pixels, 2,304 expected",
        "correct or remove these lines, or fetch the file again",
    ]
    assert list(tmp_path.iterdir()) == [source]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of ready faces of many kinds, with other files among them."""
    folder = tmp_path / "mixed"
    for place, kind in (
        ("train/happy/a.jfif", "jpeg"),
        ("train/happy/b.GIF", "gif"),
        ("train/happy/c.avif", "avif"),
        ("train/sad/d.jp2", "jpeg2000"),
        ("train/sad/e.JPE", "jpeg"),
        ("train/sad/f.ppm", "ppm"),
        ("train/sad/deeper/g.png", "png"),
    ):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((48, 48), 80).save(folder / place, kind)
    for place in ("happy/Thumbs.db", "happy/notes.txt", "sad/more.TXT", "sad/.hidden", "labels"):
        (folder / "train" / place).write_text("no image", encoding="utf-8")
    return folder


def test_ready_faces_may_be_of_every_kind_and_what_is_passed_over_is_reported(mixed: Path, tmp_path: Path) -> None:
    output = run(mixed, "-o", tmp_path / "faces")
    assert read_packed(tmp_path / "faces").counts() == {"train": {"happy": 3, "sad": 3}}
    counts = "2 .txt, 1 without an ending, 1 .db, 1 image elsewhere than in split/emotion/"
    assert f"passed over in {mixed}: {counts}\n" in output
    result = json.loads(run(mixed, "-o", tmp_path / "faces", "--json"))
    assert result["passed_over"] == [
        {"folder": str(mixed), "endings": {".txt": 2, ".db": 1, "": 1}, "misplaced": 1},
    ]


def test_nothing_is_reported_where_nothing_is_passed_over(source: Path, tmp_path: Path) -> None:
    assert "passed over" not in run(source, "-o", tmp_path / "faces")
    assert json.loads(run("drawn:50", "-o", tmp_path / "drawn", "--json"))["passed_over"] == []


def test_odd_metadata_do_not_stop_an_import_and_broken_pixels_are_reported(mixed: Path, tmp_path: Path) -> None:
    photo = BytesIO()
    Image.effect_noise((48, 48), 80).save(photo, "jpeg")
    exif = b"Exif\0\0II*\0\x08\0\0\0\2\0\x12\1\3\0\1\0\0\0\6\0\0\0\x28\1\4\0\1\0\0\0\x70\x11\1\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif
    odd = photo.getvalue()[:2] + segment + photo.getvalue()[2:]
    (mixed / "train" / "happy" / "odd.jpg").write_bytes(odd)
    run(mixed, "-o", tmp_path / "faces")
    assert read_packed(tmp_path / "faces").counts()["train"]["happy"] == 4
    (mixed / "train" / "happy" / "odd.jpg").write_bytes(odd[: len(odd) // 2])
    with pytest.raises(UserError, match=r"1 problem:\n  train/happy/odd\.jpg: broken image \(.*\)\ncorrect or remove"):
        run(mixed, "-o", tmp_path / "faces")


def test_the_limit_on_pixels_is_an_option(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"6 problems:\n.* 48x48 pixels; .*allow so many: --max-pixels 2304"):
        run(mixed, "-o", tmp_path / "faces", "--max-pixels", 2303)
    run(mixed, "-o", tmp_path / "faces", "--max-pixels", 2304)


@pytest.fixture
def numbered(tmp_path: Path, small: Faces) -> Path:
    """Folders of images by RAF-DB's numbers, train and test."""
    for row, (image, label, split) in enumerate(zip(small.images, small.labels, small.splits, strict=True)):
        if split != 1:
            number = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral").index(EMOTIONS[label]) + 1
            place = tmp_path / "raf" / SPLITS[split] / str(number)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"{row}.png")
    return tmp_path / "raf"


def test_numbers_need_names_and_their_meaning_is_printed(tmp_path: Path, numbered: Path, small: Faces) -> None:
    command = [sys.executable, "-m", "mien", "faces", "import", str(numbered), "-o", str(tmp_path / "faces")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "  --classes rafdb: 1 = surprise, 2 = fear, " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "faces").exists()
    output = run(numbered, "--classes", "rafdb", "-o", tmp_path / "faces")
    assert "note: numbers read as 1 = surprise, 2 = fear, 3 = disgust, 4 = happy" in output
    assert "no validation split, which a study needs: --validation 0.1 takes one from train" in output
    assert read_packed(tmp_path / "faces").counts() == {
        split: counts for split, counts in small.counts().items() if split != "validation"
    }
    names = "surprise,fear, disgust,happy,sad,angry,neutral"
    result = json.loads(run(numbered, "--classes", names, "--validation", 0.5, "-o", tmp_path / "faces", "--json"))
    assert result["counts"]["validation"] == dict.fromkeys(EMOTIONS, 1)
    assert [note.split(" ")[0] for note in result["notes"]] == ["numbers", "validation:"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--classes", "rafd"], "no layout is called 'rafd'; .* did you mean 'rafdb'"),
        (["--classes", "happy,suprise"], "did you mean 'surprise'"),
        (["--validation", "1"], "validation 1: give the share"),
        (["--labels", "owned"], "labels owned: .* did you mean 'own'"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(tmp_path: Path, words: list[str], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        run(tmp_path / "none.csv", "-o", tmp_path / "faces", *words)
