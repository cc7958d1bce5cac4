"""The verb `mien predict`."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.faces.decoding import MAX_PIXELS
from mien.predict.photos import Photo
from mien.predict.predictor import Predictor
from mien.predict.types import Prediction


@pytest.fixture
def photos(tmp_path: Path, grace: Path) -> Path:
    """A folder with a portrait, a photo without a face, and a diary that is called a photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "hopper.jpg").write_bytes(grace.read_bytes())
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)).save(folder / "noise.png")
    (folder / "diary.jpg").write_text("dear diary", encoding="utf-8")
    return folder


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["predict", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_photo_is_printed_in_words(photos: Path, model_file: Path) -> None:
    result = run(photos / "hopper.jpg", "--model", model_file)
    assert result.exit_code == 0
    head, line = result.stdout.splitlines()
    assert head == f"{photos / 'hopper.jpg'}: 1 face"
    assert any(emotion in line for emotion in EMOTIONS)
    assert "%" in line


def test_a_photo_without_a_face_says_so_and_is_no_failure(photos: Path, model_file: Path) -> None:
    result = run(photos / "noise.png", "--model", model_file)
    assert (result.exit_code, result.stdout) == (0, f"{photos / 'noise.png'}: no face found\n")


def test_json_is_an_object_a_photo_and_a_bad_file_does_not_stop_the_rest(photos: Path, model_file: Path) -> None:
    result = run(photos, photos / "gone.jpg", "--json", "--model", model_file)
    assert result.exit_code == 2
    printed = {Path(one["path"]).name: one for one in map(json.loads, result.stdout.splitlines())}
    assert list(printed) == ["diary.jpg", "hopper.jpg", "noise.png", "gone.jpg"]
    assert printed["diary.jpg"]["error"] == "not an image, or one of an unknown kind"
    assert printed["gone.jpg"]["error"] == "no such file"
    assert printed["noise.png"]["faces"] == []
    (face,) = printed["hopper.jpg"]["faces"]
    assert len(face["box"]) == 4
    assert list(face["probabilities"]) == list(EMOTIONS)
    assert face["emotion"] in EMOTIONS


def test_csv_has_a_line_a_face_and_one_for_every_other_photo(photos: Path, model_file: Path, tmp_path: Path) -> None:
    assert run(photos, "--csv", tmp_path / "faces.csv", "--model", model_file).exit_code == 2
    with (tmp_path / "faces.csv").open(encoding="utf-8", newline="") as file:
        diary, hopper, noise = csv.DictReader(file)
    assert diary["error"].startswith("not an image")
    assert noise["error"] == "no face found"
    assert (hopper["face"], hopper["error"]) == ("1", "")
    assert sum(float(hopper[emotion]) for emotion in EMOTIONS) == pytest.approx(1, abs=1e-3)


def test_save_draws_a_copy_and_leaves_the_photo_alone(photos: Path, model_file: Path) -> None:
    before = (photos / "hopper.jpg").read_bytes()
    run(photos / "hopper.jpg", "--save", photos, "--explain", "--model", model_file)
    assert (photos / "hopper.jpg").read_bytes() == before
    with Image.open(photos / "hopper.faces.jpg") as drawn, Image.open(photos / "hopper.jpg") as photo:
        assert abs(drawn.width / drawn.height - photo.width / photo.height) < 0.01
        assert max(drawn.size) >= 640
        changed = np.abs(np.asarray(drawn.resize(photo.size)).astype(int) - np.asarray(photo)).max(axis=2) > 60
    assert 0.005 < changed.mean() < 0.4
    with Image.open(photos / "hopper.face-1.png") as heat:
        assert heat.size == (480, 540)


def test_photos_that_were_drawn_into_their_folder_are_predicted_again_and_their_pictures_not(
    photos: Path, model_file: Path
) -> None:
    first, second = (run(photos, "--save", photos, "--explain", "--model", model_file).stdout for _ in range(2))
    assert first == second
    assert len(list(photos.iterdir())) == 3 + 3


def test_ctrl_c_leaves_a_csv_of_what_was_predicted(
    photos: Path, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(self: Predictor, photo: Photo, *, crop: bool) -> Prediction:
        if photo.size == (160, 120):
            raise KeyboardInterrupt
        return Prediction((), photo.size, photo.pixels)

    monkeypatch.setattr(Predictor, "predict", predict)
    result = run(photos, "--csv", tmp_path / "faces.csv", "--model", model_file)
    assert result.exit_code == 130
    assert "has the photos that were finished" in result.stderr
    with (tmp_path / "faces.csv").open(encoding="utf-8", newline="") as file:
        assert [Path(row["path"]).name for row in csv.DictReader(file)] == ["diary.jpg", "hopper.jpg"]


def test_images_that_are_faces_already(tmp_path: Path, model_file: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)).save(tmp_path / "crop.png")
    (printed,) = run(tmp_path / "crop.png", "--crop", "--json", "--model", model_file).stdout.splitlines()
    (face,) = json.loads(printed)["faces"]
    assert face["box"] == [0, 0, 48, 48]


def test_an_explanation_without_a_place_to_go_is_refused(photos: Path, model_file: Path) -> None:
    with pytest.raises(UserError, match="--save DIR"):
        run(photos, "--explain", "--model", model_file)


def test_an_empty_folder_is_reported(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / "empty", "--model", model_file)
    assert result.exit_code == 2
    assert "no photo" in result.stderr


def test_from_outside_there_is_a_message_an_exit_code_and_no_torch(photos: Path, model_file: Path) -> None:
    code = "import sys; from mien.cli import main\ntry: main()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    words = [str(photos / "diary.jpg"), str(photos / "hopper.jpg"), "--model", str(model_file)]
    done = subprocess.run([sys.executable, "-c", code, "predict", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"mien: {photos / 'diary.jpg'}: not an image, or one of an unknown kind",
        "False",
    ]
    assert "1 face" in done.stdout


def test_a_name_that_is_no_text_or_has_a_break_is_printed_everywhere(photos: Path, model_file: Path) -> None:
    odd = photos / "no\udcfftext\n.png"
    (photos / "noise.png").rename(odd)
    words = [sys.executable, "-m", "mien", "predict", str(odd), "--model", str(model_file)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    printed = subprocess.run([*words, "--csv", str(photos / "a.csv")], capture_output=True, check=True, env=environment)
    assert printed.stdout.decode() == f"{photos}/no\\udcfftext\\n.png: no face found\n"
    assert "no\\udcfftext" in (photos / "a.csv").read_text(encoding="utf-8")
    printed = subprocess.run([*words, "--json"], capture_output=True, check=True, env=environment)
    assert json.loads(printed.stdout)["path"] == str(odd)


def test_a_name_that_the_terminal_cannot_show_is_printed_all_the_same(photos: Path, model_file: Path) -> None:
    (photos / "noise.png").rename(photos / "\N{SNOWMAN}.png")
    words = [sys.executable, "-m", "mien", "predict", str(photos / "\N{SNOWMAN}.png"), "--model", str(model_file)]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    printed = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    assert printed.stdout == f"{photos}/\\u2603.png: no face found\n"


@pytest.mark.parametrize("name", ["", "photos", "photos/hopper.jpg", "film.mp4"])
def test_a_csv_file_takes_no_folders_or_photos_place(
    name: str, photos: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    before = sorted(photos.rglob("*")), (photos / "hopper.jpg").read_bytes()
    with pytest.raises(UserError, match="name a"):
        run(photos / "noise.png", "--csv", name, "--model", model_file)
    assert (sorted(photos.rglob("*")), (photos / "hopper.jpg").read_bytes()) == before


def test_csv_is_written_through_a_link(photos: Path, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("real.csv")
    run(photos / "noise.png", "--csv", tmp_path / "link.csv", "--model", model_file)
    assert (tmp_path / "link.csv").is_symlink()
    assert "no face found" in (tmp_path / "real.csv").read_text(encoding="utf-8")


def test_a_full_disk_is_one_message(photos: Path, model_file: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with pytest.raises(UserError, match="/dev/full: cannot be written"):
        run(photos / "noise.png", "--csv", "/dev/full", "--model", model_file)
    assert not Path("/dev/full").is_file()


def test_a_picture_that_cannot_be_written_is_reported_beside_the_faces(photos: Path, model_file: Path) -> None:
    (photos / "out" / "hopper.faces.jpg").mkdir(parents=True)
    words = (photos / "hopper.jpg", photos / "noise.png", "--save", photos / "out", "--model", model_file)
    result = run(*words, "--json", "--csv", photos / "a.csv")
    assert result.exit_code == 2
    hopper, noise = map(json.loads, result.stdout.splitlines())
    assert "cannot be written" in hopper["error"]
    assert (len(hopper["faces"]), noise["faces"]) == (1, [])
    with (photos / "a.csv").open(encoding="utf-8", newline="") as file:
        assert [row["error"] for row in csv.DictReader(file)] == [hopper["error"], "no face found"]
    assert sorted(path.name for path in (photos / "out").iterdir()) == ["hopper.faces.jpg", "noise.faces.jpg"]
    result = run(*words)
    assert "hopper.jpg: 1 face" in result.stdout
    assert "cannot be written" in result.stderr


def test_a_folder_for_pictures_that_cannot_be_is_reported_at_once(photos: Path, model_file: Path) -> None:
    with pytest.raises(UserError, match="cannot be created"):
        run(photos, "--save", photos / "diary.jpg", "--model", model_file)


def test_the_limit_on_pixels_is_an_option(photos: Path, model_file: Path) -> None:
    result = run(photos / "hopper.jpg", "--max-pixels", 300_000, "--model", model_file)
    assert result.exit_code == 2
    assert result.stderr == (
        f"mien: {photos / 'hopper.jpg'}: 512x600 pixels; more than 0.3 million are refused; make it smaller, or allow "
        "so many: --max-pixels 307200\n"
    )
    assert run(photos / "hopper.jpg", "--max-pixels", 307_200, "--model", model_file).exit_code == 0


def test_help_tells_the_limit_that_there_is() -> None:
    for verb in (["predict"], ["test"], ["faces", "import"]):
        text = CliRunner().invoke(app, [*verb, "-h"], env={"COLUMNS": "200"}).output
        assert f"{MAX_PIXELS} by default" in " ".join(text.split())
