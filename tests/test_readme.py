"""The README: read in a minute; its photo, its command and its Python give what it shows."""

import re
import shutil
from pathlib import Path

import pytest
from matplotlib import get_data_path
from typer.testing import CliRunner

from mien.cli import app

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
LINES = TEXT.splitlines()


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The photo that the README speaks of, as photo.jpg in an empty working directory."""
    shutil.copy(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))


def numbers(text: str) -> list[float]:
    """All numbers of a text, in their order."""
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]


def assert_same_output(printed: str, shown: str) -> None:
    """The same words, and the same numbers within 2 (percent, pixels): processors round differently."""
    assert re.sub(r"[\d.#]+", "", printed).split() == re.sub(r"[\d.#]+", "", shown).split()
    assert numbers(printed) == pytest.approx(numbers(shown), abs=2)


def test_it_is_read_in_a_minute() -> None:
    assert len(LINES) <= 120
    assert [line for line in LINES if len(line) > 120] == []


def test_the_first_screen_has_a_sentence_a_picture_and_how_to_install_and_use_it() -> None:
    screen = "\n".join(LINES[:40])
    assert LINES[0] == "# mien"
    assert TEXT.split("\n\n")[1].count(".") == 1
    assert screen.count("![") == 1
    for needed in ("\nmake study ", "\nmake test ", "mien predict photo.jpg", "```python"):
        assert needed in screen


@pytest.mark.usefixtures("photo")
def test_the_command_prints_what_it_shows() -> None:
    shown = re.search(r"^```\n\$ \S*mien (predict photo\.jpg)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert shown
    result = CliRunner().invoke(app, shown[1].split(), catch_exceptions=False)
    assert result.exit_code == 0
    assert_same_output(result.stdout, shown[2])


@pytest.mark.usefixtures("photo")
def test_the_python_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(r"^```python\n(.*?)^```\n\n```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert shown
    exec(compile(shown[1], "README.md", "exec"), {})
    assert_same_output(capsys.readouterr().out, shown[2])
