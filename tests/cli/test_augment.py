"""`mien augment`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mien.augmentation import WORDS
from mien.cli import app
from mien.errors import UserError

STUDY = """
name = "one"
data.source = "drawn:200"
[nets.plain]
layers = ["flatten", "classes"]
recipe = { augment = ["rotate(90)", "flip"], scaling = "standardised" }
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["augment", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "augment_cache"))


def test_words_lists_every_word_with_its_signature():
    entries = json.loads(run("words", "--json"))
    assert [row["word"] for row in entries] == list(WORDS)
    assert entries[0]["usage"] == "rotate(degrees)"
    assert all(row["does"] for row in entries)
    assert all(row["usage"].split("(")[0] in run("words") for row in entries)


def test_show_draws_words(tmp_path):
    picture = tmp_path / "shown.png"
    result = run("show", "rotate(10)", "flip", "--scaling", "featurewise", "--data", "drawn:200", "-o", str(picture))
    assert "rotate(10), flip; scaling featurewise" in result
    with Image.open(picture) as image:
        pixels = np.array(image.convert("L"))
    assert min(pixels.shape) > 400
    assert len(np.unique(pixels)) > 50


def test_show_draws_a_net_of_a_study(tmp_path):
    (tmp_path / "one.toml").write_text(STUDY, encoding="utf-8")
    picture = tmp_path / "shown.svg"
    result = run("show", "--study", str(tmp_path / "one.toml"), "--net", "plain", "-o", str(picture))
    assert "rotate(90), flip; scaling standardised" in result
    assert "drawn" in picture.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rotat(3)", "flip(4)", "--scaling", "centered"], r"'rotate'\?(.|\n)*flip: probability(.|\n)*'centred'\?"),
        (["generator_1", "flip"], "generator_1 is a whole recipe"),
        (["--study", "one.toml"], "--study and --net belong together"),
        (["flip", "--study", "one.toml", "--net", "plain"], "give words, or a study's net"),
        (["--study", "one.toml", "--net", "plian"], "did you mean 'plain'"),
    ],
)
def test_mistakes_are_reported_and_nothing_is_drawn(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("one.toml").write_text(STUDY, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        run("show", *arguments, "-o", "shown.png")
    assert not Path("shown.png").exists()


def test_other_endings_than_pictures_are_refused():
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        run("show", "flip", "-o", "shown.gif")
