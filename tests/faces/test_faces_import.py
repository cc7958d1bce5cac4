"""The verb `mien faces import`."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.faces import Faces, read_packed

Text = Callable[..., str]


@pytest.fixture
def source(tmp_path: Path, small: Faces, csv_text: Text) -> Path:
    (tmp_path / "fer2013.csv").write_text(csv_text(small))
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
    head = json.loads((tmp_path / "faces" / "faces.json").read_text())
    content = source.read_bytes()
    assert head["sources"] == [
        {"file": "fer2013.csv", "bytes": len(content), "sha256": sha256(content).hexdigest()},
    ]


def test_as_json_and_smaller(tmp_path: Path, source: Path, small: Faces) -> None:
    said = json.loads(run(source, "-o", tmp_path / "faces", "--size", 24, "--json"))
    faces = read_packed(tmp_path / "faces")
    assert said["counts"] == small.counts()
    assert said["fingerprint"] == faces.fingerprint
    assert said["size"] == faces.size == 24


def test_a_folder_in_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="exists and holds no packed faces"):
        run(tmp_path / "none.csv", "-o", tmp_path / "mine")


def test_bad_input_ends_with_code_2_one_message_and_nothing_on_disk(tmp_path: Path, source: Path) -> None:
    source.write_text(source.read_text() + "9,1 2 3,Training\n")
    command = [sys.executable, "-m", "mien", "faces", "import", str(source), "-o", str(tmp_path / "faces")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"mien: {source}: 2 problems:",
        "  line 30: emotion '9', 0..6 expected, or 7 for contempt",
        "  line 30: 3 pixels, 2,304 expected",
        "mend or remove these lines, or fetch the file again",
    ]
    assert list(tmp_path.iterdir()) == [source]
