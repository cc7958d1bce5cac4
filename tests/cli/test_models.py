"""`mien models`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.model_files import bundled


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    environment = {"COLUMNS": "160"}
    return lambda *words: CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False, env=environment)


@pytest.fixture
def bundle(mien, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundled models with one of `small`."""
    place = tmp_path / "bundled"
    monkeypatch.setattr(bundled, "FOLDER", place)
    mien("export", study / "small", place / "tiny.onnx", "--card")
    return place


def test_models_lists_what_is_bundled(mien, bundle: Path) -> None:
    (output,) = json.loads(mien("models", "--json").stdout)
    assert (output["name"], output["net"], output["height"]) == ("tiny", "small", 24)
    assert output["bytes"] == (bundle / "tiny.onnx").stat().st_size
    table = mien("models").stdout
    assert "tiny" in table
    assert "24x24" in table
    assert f"{output['parameters']:,}" in table


def test_models_show_gives_the_card_and_the_facts(mien, bundle: Path) -> None:
    assert mien("models", "show", "tiny").stdout.strip() == (bundle / "tiny.md").read_text(encoding="utf-8").strip()
    assert json.loads(mien("models", "show", "tiny", "--json").stdout)["run"].startswith("small-")
    (bundle / "tiny.md").unlink()
    assert mien("models", "show", "tiny").stdout.startswith("# tiny\n")


def test_a_model_that_is_not_bundled_is_reported(mien, bundle: Path) -> None:
    with pytest.raises(UserError, match="no model is called 'tini'; known: tiny; did you mean 'tiny'"):
        mien("models", "show", "tini")
    shutil.rmtree(bundle)
    with pytest.raises(UserError, match="no model is called 'tiny'; no model is bundled here"):
        mien("models", "show", "tiny")
    assert mien("models").stdout.startswith("this installation has no bundled model")
    assert json.loads(mien("models", "--json").stdout) == []
