"""Studies from Python values and from files: checked, planned, run and gone on with."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import mien
from mien.cli import app
from mien.errors import UserError
from mien.faces import Faces
from mien.study.config.schema import read_study

LINEAR, DENSE = ["flatten", "classes"], ["flatten", "dense(8)", "relu", "classes"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study() -> mien.Study:
    nets = {"linear": {"layers": LINEAR}, "dense": {"layers": DENSE}}
    return mien.Study(name="small", recipe={"epochs": 1, "batch": 32}, nets=nets)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return mien.open_faces("drawn:200")


def test_every_mistake_is_reported_at_once_with_its_place() -> None:
    nets = {"n": {"layers": ["flatten", "clases"]}}
    with pytest.raises(UserError) as error:
        mien.Study(name="a b", seeds=[1, 1], recipe={"epocs": 2}, nets=nets, groups={"g": {"n"}})
    first, *lines = str(error.value).splitlines()
    assert first == "Study(...): 5 mistakes"
    places = [line.strip().split(": ")[0] for line in lines]
    assert places == ["name", "groups.g", "seeds", "recipe.epocs", "nets.n.layers[1]"]
    assert "did you mean 'epochs'?" in lines[3]


def test_what_no_study_file_can_hold_is_refused() -> None:
    with pytest.raises(UserError, match=r"^Study\(\.\.\.\): 1 mistake\n  previews: found the key 1; a key is a text$"):
        mien.Study(name="s", nets={"n": {"layers": LINEAR}}, previews={1: {"augment": ["flip"]}})  # type: ignore[dict-item]


def test_numbers_of_numpy_paths_and_tuples_count_as_pythons(folder: Path) -> None:
    study = mien.Study(
        name="s",
        seeds=np.arange(2),
        data={"source": folder / "faces", "size": np.int64(24), "votes": None},
        recipe={"epochs": np.int32(3), "learning_rate": np.float32(0.5), "tta_flip": np.bool_(True)},
        nets={"n": {"layers": tuple(LINEAR)}},
    )
    assert study.config.seeds == (0, 1)
    assert study.config.data.source == (str(folder / "faces"),)
    assert study.config.data.size == 24
    recipe = study.config.nets[0].recipe
    assert (recipe.epochs, recipe.learning_rate, recipe.tta_flip) == (3, 0.5, True)


def test_a_study_of_keywords_runs_and_mien_study_finds_nothing_left_to_do(study: mien.Study, faces: Faces) -> None:
    results = study.run(faces, progress=False)
    assert results.folder == Path("out/small")
    assert results.best in ("linear", "dense")
    assert [net.accuracy.validation.n for net in results.nets] == [20, 20]
    done = CliRunner().invoke(app, ["study", "out/small/study.toml"])
    assert done.exit_code == 0, done.output
    assert "2 runs, 2 ended before" in done.stderr
    assert read_study(Path("out/small/study.toml")).data.source == ("drawn:200",)
    assert results.data.command == "mien study out/small/study.toml"
    assert Path("out/small/study.toml").read_text(encoding="utf-8").count("# mien study") == 1


def test_a_slice_is_written_beside_the_study_so_that_it_can_be_opened_again(study: mien.Study, faces: Faces) -> None:
    some = Faces(faces.images[:180], faces.labels[:180], faces.splits[:180], name="some")
    results = study.run(some, "here", progress=False)
    (packed,) = Path("here/faces").iterdir()
    assert results.data.faces.source == (str(packed.resolve()),)
    assert results.net("linear").images.shape == (20, 48, 48)
    written = packed.stat().st_mtime_ns
    assert study.run(some, "here", progress=False).data.faces.fingerprint == some.fingerprint
    assert packed.stat().st_mtime_ns == written
    done = CliRunner().invoke(app, ["study", "here/study.toml", "-o", "here"])
    assert "2 runs, 2 ended before" in done.stderr


def test_opened_faces_are_taken_from_where_they_came_with_what_was_done_to_them(study: mien.Study) -> None:
    results = study.run(mien.open_faces("drawn:200", size=24), progress=False)
    assert not Path("out/small/faces").exists()
    assert results.data.faces.source == ("drawn:200",)
    assert results.data.faces.size == 24
    assert read_study(Path("out/small/study.toml")).data.size == 24
