"""`mien init`: a study file for given faces, written once, that the other verbs take as it is."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.study.config.json_schema import study_schema


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))


def _mien(*words: str) -> Result:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    return done


def _npz(path: Path, labels: list[int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 48, 48), np.uint8)
    np.savez(path, images=images, labels=np.array(labels))


def test_drawn_faces_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.faces.source.DRAWN", 300)  # of which there are 5,000
    done = _mien("init")
    assert done.stdout == (
        "drawn: train 240, validation 30, test 30; 7 classes, 48x48\n"
        "study: study.toml\nnext:\n  mien plan study.toml\n  mien study study.toml\n"
    )
    table = tomllib.loads(Path("study.toml").read_text(encoding="utf-8"))
    assert (table["name"], table["data"]) == ("drawn", {"source": "drawn"})
    assert list(table["nets"]) == ["cnn", "residual", "from_best"]


@pytest.mark.slow  # trains three nets, the bundled model's layers among them
def test_it_runs_as_it_is() -> None:
    _mien("init", "drawn:200", "-o", "my study/one.toml")
    few = ["recipe.epochs=1", "nets.from_best.recipe.epochs=1", "seeds=[0]"]
    done = _mien("study", "my study/one.toml", *(word for setting in few for word in ("--set", setting)))
    assert "report: " in done.stdout
    assert Path("out/drawn/report.html").exists()


def test_a_folder_of_images_is_named_as_the_file_sees_it() -> None:
    for number in range(20):
        image = Image.fromarray(np.random.default_rng(number).integers(0, 256, (48, 48), np.uint8))
        place = Path("faces/train", "smile" if number % 2 else "frown", f"{number}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        image.save(place)
    done = _mien("init", "faces", "-o", "studies/one.toml")
    table = tomllib.loads(Path("studies/one.toml").read_text(encoding="utf-8"))
    assert table["name"] == "faces"
    assert table["data"] == {"source": "../faces", "validation": 0.2}
    assert done.stdout.startswith("faces: train 20; 2 classes, 48x48\n")
    assert "  mien study studies/one.toml\n" in done.stdout
    assert "train 16, validation 4" in _mien("plan", "studies/one.toml").stdout


def test_what_numbers_mean_and_the_share_for_validation_are_the_users() -> None:
    _npz(Path("mine.npz"), [0, 1] * 20)
    done = _mien("init", "train=mine.npz", "--classes", "smile,frown", "--validation", "0.25", "-o", "-")
    table = tomllib.loads(done.stdout)
    assert table["data"] == {"source": "train=mine.npz", "classes": ["smile", "frown"], "validation": 0.25}
    assert re.search(r"^# all +30 +10$", done.stdout, re.MULTILINE)
    assert "note: numbers read as 0 = smile, 1 = frown" in done.stderr


def test_numbers_without_names_are_refused_with_what_to_give() -> None:
    _npz(Path("train.npz"), [1, 2, 3, 4, 5, 6, 7] * 3)
    with pytest.raises(UserError, match=r"(?s)say what they mean.*--classes rafdb: 1 = surprise"):
        _mien("init", "train.npz")
    assert not Path("study.toml").exists()


def test_a_file_that_is_there_is_only_replaced_by_force() -> None:
    Path("study.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        _mien("init", "no/such/faces")
    assert str(caught.value) == "study.toml: is there already; name another file by -o, or replace it by --force"
    with pytest.raises(UserError, match="no such file or folder"):
        _mien("init", "no/such/faces", "--force")
    assert Path("study.toml").read_text(encoding="utf-8") == "mine"
    _mien("init", "drawn:200", "--force")
    assert tomllib.loads(Path("study.toml").read_text(encoding="utf-8"))["name"] == "drawn"


def test_it_is_printed_without_anything_else() -> None:
    done = _mien("init", "drawn:200", "-o", "-")
    assert tomllib.loads(done.stdout)["data"] == {"source": "drawn:200"}
    assert done.stdout.startswith("# A first study of drawn")
    assert sorted(Path().glob("*.toml")) == []


def test_the_schema_is_written_beside_it_and_stays_named() -> None:
    done = _mien("init", "drawn:200", "--schema", "-o", "new/one.toml")
    assert Path("new/study.schema.json").read_text(encoding="utf-8") == study_schema()
    assert done.stdout.startswith(f"schema: {Path('new/study.schema.json')}\n")
    _mien("init", "drawn:200", "-o", "new/two.toml")
    _mien("init", "drawn:200", "-o", "three.toml")
    firsts = [Path(name).read_text(encoding="utf-8").splitlines()[0] for name in ("new/one.toml", "new/two.toml")]
    assert firsts == ["#:schema ./study.schema.json"] * 2
    assert "schema" not in Path("three.toml").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="--schema: is written beside a study file; name one by -o"):
        _mien("init", "drawn:200", "--schema", "-o", "-")
