"""`mien predict` on videos and cameras."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import counted, panned, write_film
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.predict.tracking import Moment, track_video
from mien.predict.video import Video, open_video


@pytest.fixture
def film(tmp_path: Path, grace: Path) -> Path:
    """Two seconds of Grace Hopper, ten frames a second."""
    return write_film(tmp_path / "film.mp4", panned(grace, 20))


@pytest.fixture
def camera(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera, number 0, that shows the film; there is no other."""

    def open_camera(number: int) -> Video:
        return Video(cv2.VideoCapture(str(film)), f"camera {number}", live=True)

    monkeypatch.setattr("mien.predict.video.open_camera", open_camera)


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["predict", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def stopped(monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    """Somebody presses Ctrl-C after so many frames."""

    def watch_a_while(*words: object) -> Iterator[Moment]:
        for number, moment in enumerate(track_video(*words)):  # type: ignore[arg-type]
            if number == frames:
                raise KeyboardInterrupt
            yield moment

    monkeypatch.setattr("mien.predict.tracking.track_video", watch_a_while)


def test_a_film_is_followed_written_and_drawn(film: Path, model_file: Path, tmp_path: Path) -> None:
    out, rows = tmp_path / "out", tmp_path / "film.csv"
    result = run(film, "--csv", rows, "--save", out, "--smooth", "0.5", "--model", model_file)
    assert result.exit_code == 0
    head, line = result.stdout.splitlines()
    assert head == f"{film}: 20 frames looked at, 1 face"
    assert line.startswith("  face 1")
    assert "from 0:00 to 0:02" in line
    with rows.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:8] == ["path", "time", "face", "x", "y", "width", "height", "emotion"]
    assert list(rows[0])[8:15] == list(EMOTIONS)
    assert {row["face"] for row in rows} == {"1"}
    np.testing.assert_allclose([float(row["time"]) for row in rows], np.arange(20) / 10, atol=2e-3)
    assert sorted(path.name for path in out.iterdir()) == ["film.faces.mp4", "film.timeline.svg"]
    with open_video(film) as before, open_video(out / "film.faces.mp4") as after:
        pairs = list(zip(before.frames(), after.frames(), strict=True))
    assert all(one.time == pytest.approx(two.time, abs=2e-3) for one, two in pairs)
    enlarged = Image.fromarray(pairs[9][0].pixels).resize(pairs[9][1].pixels.shape[1::-1])
    assert np.abs(np.asarray(enlarged, int) - pairs[9][1].pixels).max() > 100  # a box was drawn


def test_json_is_an_object_a_frame(film: Path, model_file: Path, grace: Path) -> None:
    result = run(film, grace, "--json", "--every", "5", "--model", model_file)
    printed = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one.get("time") for one in printed] == pytest.approx([0.0, 0.5, 1.0, 1.5, None], abs=2e-3)
    assert {one["path"] for one in printed[:4]} == {str(film)}
    for one in printed[:4]:
        (face,) = one["faces"]
        assert face["face"] == 1
        assert list(face["probabilities"]) == list(EMOTIONS)
    assert "face" not in printed[4]["faces"][0]


def test_photos_and_films_share_a_csv(film: Path, model_file: Path, grace: Path, tmp_path: Path) -> None:
    run(film, grace, "--csv", tmp_path / "all.csv", "--every", "1s", "--model", model_file)
    with (tmp_path / "all.csv").open(encoding="utf-8") as file:
        rows = [(Path(row["path"]).name, row["time"], row["face"]) for row in csv.DictReader(file)]
    assert rows == [("film.mp4", "0.000", "1"), ("film.mp4", "1.000", "1"), (grace.name, "", "1")]


def test_a_film_without_a_face(model_file: Path, tmp_path: Path) -> None:
    path = write_film(tmp_path / "gray.mp4", counted(3, 128, 96))
    result = run(path, "--save", tmp_path / "out", "--model", model_file)
    assert (result.exit_code, result.stdout) == (0, f"{path}: 3 frames looked at, no face found\n")
    assert "no face was found" in (tmp_path / "out" / "gray.timeline.svg").read_text(encoding="utf-8")


def test_a_film_that_breaks_off_is_reported_and_the_next_is_done(film: Path, model_file: Path, tmp_path: Path) -> None:
    noise = [np.random.default_rng(number).integers(0, 256, (96, 128, 3), np.uint8) for number in range(20)]
    cut = write_film(tmp_path / "cut.avi", noise)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (tmp_path / "diary.mp4").write_text("dear diary", encoding="utf-8")
    result = run(cut, tmp_path / "diary.mp4", film, "--every", "10", "--model", model_file, "--csv", tmp_path / "a.csv")
    assert result.exit_code == 2
    assert f"mien: {cut}: broke off after " in result.stderr
    assert f"mien: {tmp_path / 'diary.mp4'}: not a video" in result.stderr
    assert f"{film}: 2 frames looked at, 1 face" in result.stdout
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        errors = [(Path(row["path"]).name, row["error"][:9]) for row in csv.DictReader(file) if row["error"]]
    assert errors == [("cut.avi", "broke off"), ("diary.mp4", "not a vid")]


def test_what_ails_a_film_is_reported_by_mien_alone(model_file: Path, tmp_path: Path) -> None:
    cut = write_film(tmp_path / "cut.mp4", counted(5))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    command = [sys.executable, "-m", "mien", "predict", str(cut), "--model", str(model_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"mien: {cut}: not a video, cut off at its beginning, or of a kind that cannot be read\n"


def test_a_film_that_is_stopped_keeps_what_was_read(
    film: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(monkeypatch, 5)
    result = run(film, "--csv", tmp_path / "a.csv", "--save", tmp_path / "out", "--model", model_file)
    assert result.exit_code == 130
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 1 + 5
    with open_video(tmp_path / "out" / "film.faces.mp4") as video:
        assert len(list(video.frames())) == 5
    assert (tmp_path / "out" / "film.timeline.svg").exists()


@pytest.mark.usefixtures("camera")
def test_a_camera_until_ctrl_c(model_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stopped(monkeypatch, 5)
    result = run("--webcam", "--save", tmp_path / "out", "--model", model_file)
    assert result.exit_code == 0
    assert result.stdout.startswith("camera 0: 5 frames looked at, 1 face\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["camera-0.faces.mp4", "camera-0.timeline.svg"]


@pytest.mark.usefixtures("camera")
def test_a_camera_is_classified_by_the_fast_model_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(monkeypatch, 1)
    alone = run("--webcam", "--json")
    assert alone.stderr == "mien: using the model fast, to keep up with the camera; --model best takes another\n"
    fast, best = (run("--webcam", "--json", "--model", name) for name in ("fast", "best"))
    assert fast.stderr == best.stderr == ""
    probabilities = [json.loads(done.stdout)["faces"][0]["probabilities"] for done in (alone, fast, best)]
    assert probabilities[0] == probabilities[1] != probabilities[2]


@pytest.mark.usefixtures("camera")
def test_a_camera_that_is_unplugged(model_file: Path) -> None:
    with pytest.raises(UserError, match="camera 3: gives no more pictures"):
        run("--webcam", "3", "--model", model_file)


def test_no_camera_is_one_clear_message(model_file: Path) -> None:
    with pytest.raises(UserError, match=r"camera 97: cannot be opened"):
        run("--webcam", "97", "--model", model_file)
    with pytest.raises(UserError, match=r"--webcam film\.mp4: give nothing, or the number of one camera"):
        run("--webcam", "film.mp4", "--model", model_file)


def test_nothing_named_and_wrong_numbers(model_file: Path) -> None:
    with pytest.raises(UserError, match="no photo is named"):
        run("--model", model_file)
    with pytest.raises(UserError, match="every never: give frames"):
        run("film.mp4", "--every", "never", "--model", model_file)
