"""`mien export`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.model_files.facts import read_facts


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    environment = {"COLUMNS": "160"}
    return lambda *words: CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False, env=environment)


def test_exports_a_net_of_a_study_and_tells_what_came_out(mien, study: Path) -> None:
    done = mien("export", study / "small", "a.onnx", "--name", "mine", "--card")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("a.onnx: mine, float32, ")
    assert "takes faces uint8 [N, 24, 24]" in lines[1]
    assert "on 50 validation faces: the same emotion on 100.00%" in lines[2]
    assert lines[-1].startswith("validation: ")
    facts = read_facts(Path("a.onnx"))
    assert (facts.name, facts.study, facts.net) == ("mine", "tiny", "small")
    assert Path("a.md").read_text(encoding="utf-8").startswith("# mine\n")


def test_an_adjustment_is_named_by_the_card_and_left_out_of_others(mien, study: Path) -> None:
    for words, strength in (((), 0), (("--logit-adjustment", "0.5"), 0.5)):
        assert mien("export", study / "small", "a.onnx", "--card", *words).exit_code == 0
        assert read_facts(Path("a.onnx")).logit_adjustment == strength
        assert ("Logit adjustment of strength 0.5" in Path("a.md").read_text(encoding="utf-8")) == bool(strength)


def test_json_tells_the_same(mien, study: Path) -> None:
    done = mien("export", study, "a.onnx", "--fp16", "--no-temperature", "--json")
    output = json.loads(done.stdout)
    assert output["file"] == "a.onnx"
    assert output["bytes"] == Path("a.onnx").stat().st_size
    assert output["agreement"]["faces"] == 50
    assert (output["facts"]["precision"], output["facts"]["temperature"], output["facts"]["net"]) == (
        "float16",
        1,
        "flat",
    )


def test_saves_its_weights_on_request(mien, study: Path) -> None:
    done = mien("export", study / "small", "a.onnx", "--with-weights")
    [folder] = Path().glob("a-*/")
    assert f'init_from = "{folder}"' in done.stdout
    former = mien("export", study / "small", "a.onnx", "--start", "--json")
    assert json.loads(former.stdout)["weights"] == str(folder)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.bin"], r"a\.bin: the file to write must end in \.onnx"),
        (["a.onnx", "--logit-adjustment", "1.5"], "--logit-adjustment 1.5: give a number from 0"),
        (["a.onnx", "--logit-adjustment", "nan"], "--logit-adjustment nan: give a number from 0"),
        (["a.onnx", "--int8", "--fp16"], "--int8 with --fp16: a file has one precision"),
        (["folder.onnx"], r"folder\.onnx: is a folder"),
        (["a.onnx", "--card"], r"a\.md: is a folder"),
        (["a.onnx", "--data", "nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_what_cannot_be_done_is_reported_before_anything_is_done(
    mien, study: Path, words: list[str], message: str
) -> None:
    Path("folder.onnx").mkdir()
    Path("a.md").mkdir()
    with pytest.raises(UserError, match=message):
        mien("export", study, *words)
    assert not Path("a.onnx").exists()
