"""The study files that come with mien: listed, and run by name."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien import studies
from mien.cli import app
from mien.errors import UserError
from mien.studies import bundled_name, bundled_studies, find_study
from mien.study.command import study_command
from mien.study.config.schema import read_study

ROOT = Path(__file__).parents[1]


def test_every_file_says_what_it_is_for_and_what_it_needs() -> None:
    bundled = bundled_studies()
    assert list(bundled) == sorted(file.stem for file in (ROOT / "studies").glob("*.toml"))
    for one in bundled.values():
        assert 40 < len(one.about) < 400
        assert one.data == "drawn" or one.data.startswith("FER2013")
        assert "minutes" in one.time or "mien plan" in one.time
        study = read_study(one.file, [], [] if one.data == "drawn" else ["drawn"])
        assert study.name == one.name
        assert tuple(net.net.name for net in study.nets) == one.nets


def test_they_are_listed() -> None:
    listed = json.loads(CliRunner().invoke(app, ["studies", "--json"], catch_exceptions=False).stdout)
    (quick,) = (one for one in listed if one["name"] == "quick")
    assert quick["data"] == "drawn"
    assert "cnn_small" in quick["nets"]
    assert Path(quick["file"]).is_file()
    text = CliRunner().invoke(app, ["studies"], catch_exceptions=False).stdout
    assert "quick     A first look at everything mien does" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_name_a_path_and_a_word_that_is_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").mkdir()  # a folder of this name does not matter, a file does
    assert find_study("quick") == ROOT / "studies" / "quick.toml"
    assert find_study("quick.toml") is find_study("mine/quick") is None
    (tmp_path / "tune").write_text("", encoding="utf-8")
    assert find_study("tune") is None
    with pytest.raises(UserError, match=r"^quik: no such file, and no study of this name .*did you mean 'quick'\?"):
        find_study("quik")


def test_the_command_to_go_on_has_the_name() -> None:
    assert study_command(ROOT / "studies" / "quick.toml", settings=["seeds=[0]"]) == (
        "mien study quick --set 'seeds=[0]'"
    )
    assert bundled_name(ROOT / "quick.toml") is None


def test_installed_files_come_before_those_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "# One net.\n#\n# Data: drawn\n# Time: 1 minute\n\n"
    (tmp_path / "mine.toml").write_text(f'{head}name = "mine"\n[nets.a]\nzoo = "cnn_1"\n', encoding="utf-8")
    monkeypatch.setattr(studies, "INSTALLED", tmp_path)
    assert list(bundled_studies()) == ["mine"]
    assert bundled_name(tmp_path / "mine.toml") == "mine"
