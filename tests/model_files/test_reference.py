"""Faces that a file carries, by which a machine checks its own answers."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.export.write import Exported
from mien.model_files import reference
from mien.model_files.bundled import FOLDER
from mien.model_files.facts import KEY, Facts
from mien.predict.classifier import Classifier


@pytest.fixture
def file(small_export: Exported, tmp_path: Path) -> Path:
    return Path(copy(small_export.file, tmp_path))


def rewritten(file: Path, facts: Facts | None = None, faces: str | None = None) -> Path:
    """The file with other facts, or with other reference faces."""
    model = onnx.load(file)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    if facts is not None:
        entries[KEY] = facts.to_json()
    if faces is not None:
        entries[reference.KEY] = faces
    onnx.helper.set_model_props(model, entries)
    onnx.save(model, file)
    return file


def check(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["models", "check", *words], catch_exceptions=False)
    return done.exit_code, done.stdout


def test_a_new_file_carries_sixteen_faces_and_what_it_says_of_them(file: Path) -> None:
    classifier = Classifier(file)
    assert np.array(classifier.facts.reference).shape == (16, 7)
    result = classifier.check_reference()
    assert (result.faces, result.verdict) == (16, "passed")
    assert result.largest < 1e-5


def test_other_answers_than_those_in_the_file_are_reported_with_exit_code_1(file: Path) -> None:
    facts = Classifier(file).facts
    code, text = check(str(file))
    assert (code, text.split(";")[0]) == (0, f"{file}: correct on this machine")
    first = facts.reference[0]
    for shift, holds in ((0.019, True), (0.021, False)):
        moved = (first[0] + shift, first[1] - shift, *first[2:])
        rewritten(file, replace(facts, reference=(moved, *facts.reference[1:])))
        code, text = check(str(file), "--json")
        (output,) = json.loads(text)
        assert (code, output["holds"], output["faces"]) == (0 if holds else 1, holds, 16)
        assert output["largest"] == pytest.approx(shift, abs=1e-4)
    assert "WRONG on this machine" in check(str(file))[1]


def test_an_older_file_without_answers_cannot_be_checked_and_says_so(file: Path) -> None:
    rewritten(file, replace(Classifier(file).facts, reference=()))
    code, text = check(str(file))
    assert code == 0
    assert "not checked: the file holds no reference faces" in text


def test_all_bundled_models_give_their_answers_here() -> None:
    code, text = check("--json")
    assert code == 0
    assert [(one["model"], one["faces"]) for one in json.loads(text)] == [
        (name, 16) for name in ("best", "ensemble", "fast")
    ]


@pytest.mark.parametrize("damage", ["", "no base64!", "AAAA", "fewer"])
def test_damaged_reference_faces_are_reported(file: Path, damage: str) -> None:
    if damage == "fewer":
        damage = reference.to_text(np.zeros((3, 24, 24), np.uint8))
    rewritten(file, faces=damage)
    with pytest.raises(UserError, match=r"tiny: .*reference faces.*; export it again"):
        Classifier(file).check_reference()


def test_what_is_no_number_does_not_hold() -> None:
    answers = np.full((2, 2), 0.5, np.float32)
    assert not reference.check_probabilities(np.full_like(answers, np.nan), answers).holds


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9))))
def test_faces_come_back_from_their_text(faces: np.ndarray) -> None:
    assert np.array_equal(reference.from_text(reference.to_text(faces), *faces.shape[1:]), faces)


def test_reference_faces_differ_from_each_other_and_have_the_requested_size() -> None:
    drawn = reference.draw_reference_faces(32, 20)
    assert drawn.shape == (16, 32, 20)
    assert len({face.tobytes() for face in drawn}) == 16


def test_the_box_carries_the_same_faces_in_both_models() -> None:
    texts = set()
    for path in FOLDER.glob("*.onnx"):
        texts.add({entry.key: entry.value for entry in onnx.load(path).metadata_props}[reference.KEY])
    assert len(texts) == 1
