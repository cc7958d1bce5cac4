"""Inputs as people have them, where they lie beside the project: each is read, or refused, as it should be."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.faces import EIGHT, EMOTIONS, Faces, open_faces
from mien.study.config.schema import read_study
from mien.study.plan import make_plan

CASES = Path(__file__).parents[3] / "shared" / "cases"

pytestmark = [
    pytest.mark.usefixtures("cache"),
    pytest.mark.skipif(not CASES.is_dir(), reason=f"no inputs in {CASES}"),
]


def opened(name: str, *classes: str) -> Faces:
    return open_faces(str(CASES / name), classes=classes)


@pytest.mark.parametrize(("name", "layout"), [("affectnet7_numbers", "affectnet7"), ("rafdb_numbers", "rafdb")])
def test_numbered_folders(name: str, layout: str) -> None:
    with pytest.raises(UserError, match=f"--classes {layout}"):
        opened(name)
    assert opened(name, layout).classes == EMOTIONS
    # The faces are drawn alike in all sets: those of an emotion are the same pictures as in the set with names.
    named, numbered = opened("no_validation_msambare").split("test"), opened(name, layout).split("test")
    assert named.counts() == numbered.counts()


@pytest.mark.parametrize("name", ["words.csv", "label_column.csv", "archive.zip", "images_beside_labels_csv"])
def test_what_is_read_whole(name: str) -> None:
    faces = opened(name)
    assert faces.classes == EMOTIONS
    assert {count for counts in faces.counts().values() for count in counts.values()} <= {1, 2, 6}
    assert list(faces.counts()) == ["train", "validation", "test"]


def test_ck_extended_has_eight_classes() -> None:
    assert opened("ckextended.csv").classes == EIGHT


def test_the_competition_names_its_complete_file() -> None:
    [note] = opened("kaggle_competition").notes
    assert "icml_face_data.csv holds every split and is read; test.csv, train.csv" in note


def test_a_split_without_disgust_both_ways() -> None:
    folder = CASES / "validation_lacks_disgust"
    parts = open_faces([f"{split}={folder / split}" for split in ("train", "validation", "test")])
    assert parts.fingerprint == opened(folder.name).fingerprint
    assert parts.counts()["validation"]["disgust"] == 0


def test_what_a_study_says_of_them(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('name = "s"\n[nets.flat]\nlayers = ["flatten", "classes"]\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"data\.validation = 0\.1 in the study file, or --validation 0\.1"):
        make_plan(read_study(file, data=[str(CASES / "no_validation_msambare")]))
    plan = make_plan(read_study(file, ["data.validation=0.1"], [str(CASES / "no_validation_msambare")]))
    assert set(plan.faces.counts()["validation"].values()) == {1}
    with pytest.raises(UserError, match="all of its faces are happy"):
        make_plan(read_study(file, data=[str(CASES / "single_class.npz")]))


def test_models_are_tested_on_them() -> None:
    words = ["test", "fast", "--data", str(CASES / "rafdb_numbers"), "--classes", "rafdb"]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"}, catch_exceptions=False)
    assert "note: numbers read as 1 = surprise, 2 = fear" in done.stdout
