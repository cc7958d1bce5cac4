"""`mien faces show` and `mien faces audit`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.faces import Faces, open_faces, write_packed
from mien.faces.drawn import draw_faces

pytestmark = pytest.mark.usefixtures("cache")


def run(*words: object) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, ["faces", *map(str, words)], env={"COLUMNS": "200"})
    if result.exception:
        raise result.exception
    return result.stdout


def test_audit_as_json_and_a_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    figures = json.loads(run("audit", "drawn:100", "--json", "--sheet", sheet))
    assert figures["constant"]["total"] == 0
    assert figures["duplicates"]["train"] == {"groups": 0, "images": 0, "conflicting_groups": 0}
    with Image.open(sheet) as picture:
        assert picture.format == "PNG"
        assert picture.convert("L").getextrema()[0] < 60, "text is drawn"
    assert "no faults" in run("audit", "drawn:100")


@pytest.fixture
def faulty(tmp_path: Path, small: Faces) -> Path:
    """Packed faces with a fault of each kind, and votes that agree with every label."""
    from mien.faces import VOTES
    from mien.faces.fer2013 import VOTE_OF

    small.images[0] = 9  # constant
    small.images[22] = small.images[1]  # a test image of train, with the same label
    small.images[15] = small.images[2]  # a validation image of train, with another label
    assert small.votes is not None
    small.votes[:] = 0
    small.votes[np.arange(28), [VOTES.index(VOTE_OF[small.classes[label]]) for label in small.labels]] = 10
    write_packed(small, tmp_path / "faulty")
    return tmp_path / "faulty"


def test_audit_counts_and_advises(faulty: Path) -> None:
    output = run("audit", faulty)
    assert "small: 28 faces audited" in output
    lines = [" ".join(line.split()) for line in output.splitlines()]
    for line in (
        "constant images 1 0 0",
        "copies of train's images 1 1",
        "copies of validation's images 0",
        "angry 4 4 100.0",
    ):
        assert line in lines
    assert "FER+'s annotators agree with 100.0 % of the labels" in output
    figures = json.loads(run("audit", faulty, "--json"))
    assert figures["constant"] == {"train": 1, "validation": 0, "test": 0, "total": 1}
    assert figures["leaks"] == {"validation_in_train": 1, "test_in_train": 1, "test_in_validation": 0}
    assert figures["conflicts"] == {"groups": 1, "images": 2}
    assert figures["votes"]["agreement"] == 1.0


def test_show_as_json_and_a_grid(tmp_path: Path) -> None:
    facts = json.loads(run("show", "drawn:200", "--json"))
    assert facts["size"] == 48
    assert facts["counts"]["train"]["happy"] == 32
    assert facts["fingerprint"] == draw_faces(200).fingerprint
    output = run("show", "drawn:200", "--grid", tmp_path / "grid.svg", "--standardise")
    assert "drawn: 200 faces, 48x48" in output
    assert ["happy", "32", "20.0", "4", "20.0", "4", "20.0"] in [line.split() for line in output.splitlines()]
    assert "drawn, train, random with seed 0, each standardised" in (tmp_path / "grid.svg").read_text(encoding="utf-8")


def test_show_says_what_was_left_out_when_the_faces_were_packed(tmp_path: Path, faulty: Path) -> None:
    write_packed(open_faces(str(faulty), clean=["constant"]), tmp_path / "clean")
    assert "left out: 1 image of one gray (train 1)" in run("show", tmp_path / "clean")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--split", "tests"), "--split tests: no such split; known: train, .* did you mean 'test'"),
        (("--split", "test"), "--split test: small has no face in it; there are: train"),
        (("--grid", "a.gif"), "a.gif: a picture is drawn as .png or .svg"),
    ],
)
def test_show_refuses_what_it_cannot_draw(
    tmp_path: Path, small: Faces, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_packed(small.split("train"), tmp_path / "train")
    with pytest.raises(UserError, match=expected):
        run("show", "train", "--grid", "a.png", *words)


@pytest.mark.parametrize("verb", ["show", "audit"])
def test_show_and_audit_take_classes(tmp_path: Path, small: Faces, verb: str) -> None:
    rows = zip(small.images, small.labels, strict=True)
    table = [f"{label + 1},{' '.join(map(str, image.ravel()))}" for image, label in rows]
    (tmp_path / "train.csv").write_text("\n".join(["emotion,pixels", *table]), encoding="utf-8")
    assert "note: numbers read as 1 = surprise" in run(verb, tmp_path / "train.csv", "--classes", "rafdb")
