"""Where there is no home folder, or none that can be written to: one message, never a traceback, no folder named ~."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mien.cli import app
from mien.disk import cache_folder, user_path
from mien.errors import UserError
from mien.faces import open_faces
from mien.faces.source import find_source
from mien.predict.classifier import model_file
from mien.predict.paths import input_files


def refused(*words: str) -> str:
    """What a command says as it refuses."""
    result = CliRunner().invoke(app, [*words])
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_the_cache_asks_for_a_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for call in (cache_folder, lambda: open_faces("drawn:100")):
        with pytest.raises(UserError, match="MIEN_CACHE=DIR"):
            call()
    assert "MIEN_CACHE=DIR" in refused("faces", "show", "drawn:100")
    assert list(Path().iterdir()) == []
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    assert len(open_faces("drawn:100")) == 100


def test_a_cache_in_an_unknown_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_CACHE", "~nouser7/cache")
    with pytest.raises(UserError, match="there is no user nouser7"):
        cache_folder()


def test_a_cache_that_cannot_be_written_names_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be written .*; MIEN_CACHE names another folder for the cache"):
        open_faces("drawn:100")


@pytest.mark.parametrize(
    "words",
    [
        ("faces", "import", "~nouser7/f.csv", "-o", "x"),
        ("faces", "import", "drawn:100", "-o", "~nouser7/x"),
        ("faces", "show", "~nouser7/f.csv"),
        ("faces", "show", "drawn:100", "--grid", "~nouser7/x.png"),
        ("faces", "audit", "drawn:100", "--sheet", "~nouser7/x.png"),
        ("predict", "a.jpg", "--model", "~nouser7/m.onnx"),
        ("predict", "a.jpg", "--csv", "~nouser7/a.csv"),
        ("predict", "a.jpg", "--save", "~nouser7/a"),
        ("plan", "~nouser7/study.toml"),
        ("export", "~nouser7/run", "a.onnx"),
        ("compare", "~nouser7/a", "~nouser7/b"),
        ("backbones", "add", "~nouser7/a.pth"),
        ("test", "~nouser7/m.onnx", "--data", "drawn"),
        ("serve", "--runs", "~nouser7/out"),
    ],
)
def test_every_path_of_a_command_is_one_message(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no user nouser7 here" in refused(*words)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_sources_votes_and_models_take_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "f.csv").touch()
    (tmp_path / "m.onnx").touch()
    source = find_source(["train=~/f.csv"], votes="~/f.csv")
    assert source.paths() == [tmp_path / "f.csv", tmp_path / "f.csv"]
    assert model_file("~/m.onnx") == tmp_path / "m.onnx"


def test_a_photo_of_an_unknown_user_is_just_not_there() -> None:
    assert [file.path for file in input_files(["~nouser7/a.jpg"])] == [Path("~nouser7/a.jpg")]


def test_every_option_that_is_a_path_goes_through_one_function() -> None:
    def commands(group: object) -> list[object]:
        inner = getattr(group, "commands", {}).values()
        return [group] if not inner else [command for one in inner for command in commands(one)]

    kinds = {
        f"{command.name} {option.name}": getattr(option.type, "func", None)  # type: ignore[attr-defined]
        for command in commands(typer.main.get_command(app))
        for option in command.params  # type: ignore[attr-defined]
        if option.type.name == "user_path" or "path" in type(option.type).__name__.lower()
    }
    assert len(kinds) > 15
    assert {name for name, function in kinds.items() if function is not user_path} == set()


def test_matplotlib_says_nothing_where_no_home_can_be_written_to(tmp_path: Path) -> None:
    environment = os.environ | {"HOME": "/dev/null", "MIEN_CACHE": str(tmp_path / "cache")}
    environment.pop("MPLCONFIGDIR", None)
    script = "import sys; from mien.cli import main; sys.argv[1:] = ['studies', '--json']; main()"
    script = f"try:\n  {script}\nexcept SystemExit:\n  pass\nimport matplotlib.font_manager"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "atplotlib" not in done.stderr
    assert (tmp_path / "cache" / "matplotlib").is_dir()
