import json
from pathlib import Path

import pytest
from runs.conftest import gray_faces

from mien.errors import UserError
from mien.faces import FacesSpec
from mien.runs.config import FacesRecord
from mien.runs.study_faces import StudyFaces, read_study_faces, write_study_faces

RECORD = StudyFaces(
    **vars(FacesRecord.of(gray_faces())),
    source=("fer2013.csv", "votes.csv"),
    votes="votes.csv",
    labels="majority",
    clean=("constant", "copies"),
    numbered_classes=("ferplus",),
    validation=0.3,
    notes=("validation: 8 of 31 train faces",),
    leaked_test=2,
)


def test_what_a_study_writes_opens_the_same_faces(tmp_path: Path) -> None:
    write_study_faces(tmp_path, RECORD)
    read = read_study_faces(tmp_path)
    assert read == RECORD
    assert read.spec == FacesSpec(
        ("fer2013.csv", "votes.csv"), 24, "votes.csv", "majority", ("constant", "copies"), ("ferplus",), 0.3
    )
    assert (read.total("train"), read.total("nowhere")) == (35, 0)


def test_a_file_of_an_older_version_has_defaults(tmp_path: Path) -> None:
    """Versions before 0.1.0 wrote no labels, clean, classes of numbers, validation, left_out or notes."""
    write_study_faces(tmp_path, RECORD)
    newer = ("labels", "clean", "numbered_classes", "validation", "left_out", "notes")
    content = json.loads((tmp_path / "faces.json").read_text(encoding="utf-8"))
    (tmp_path / "faces.json").write_text(
        json.dumps({key: content[key] for key in content if key not in newer}), encoding="utf-8"
    )
    read = read_study_faces(tmp_path)
    assert read.spec == FacesSpec(("fer2013.csv", "votes.csv"), 24, "votes.csv")
    assert (read.left_out, read.notes, read.fingerprint) == ({}, (), RECORD.fingerprint)


def test_a_folder_without_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no faces\.json; run the study again, it keeps its runs"):
        read_study_faces(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"source": 3}', "\xff"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "faces.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"faces\.json: damaged: .*; run the study again, it keeps its runs"):
        read_study_faces(tmp_path)
