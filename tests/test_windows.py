"""What mien does where the file system refuses what Windows refuses, and without what only Unix has."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
import typer
from typer.testing import CliRunner
from windows_stand_in import UNIX, forbidden, refuse

import mien.disk
from mien.cli import app, main
from mien.disk import whole_folder, write_text
from mien.errors import UserError
from mien.faces import read_packed, write_packed
from mien.faces.archives import unpacked
from mien.faces.drawn import draw_faces
from mien.study.config.schema import read_study

SOURCE = Path(__file__).parents[1] / "src" / "mien"

STUDY = """
name = "small"
[data]
source = "packed"
[recipe]
epochs = 2
batch = 32
precision = "float32"
[nets.fnn]
layers = ["pool(8)", "flatten", "dense(8)", "relu", "classes"]
[nets.searched]
layers = ["pool(8)", "flatten", "dense(n)", "relu", "classes"]
tune = { trials = 2, space = { n = [4, 8] } }
"""

SPLITS = ("Training", "PublicTest", "PrivateTest")

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sees open files in /proc")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Runs a command in an empty folder and gives its output."""
    refuse(monkeypatch)
    monkeypatch.setattr(mien.disk, "PATIENCE", 0.1)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, words, catch_exceptions=code == 0)
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_one_module_alone_imports_what_only_unix_has() -> None:
    imports = re.compile(rf"^\s*(import|from) ({'|'.join(UNIX)})\b", re.MULTILINE)
    modules = [path for path in SOURCE.rglob("*.py") if imports.search(path.read_text(encoding="utf-8"))]
    assert [path.relative_to(SOURCE).as_posix() for path in modules] == ["cli/keyboard.py"]


def test_files_and_folders_are_written_whole(windows: Callable[..., str], tmp_path: Path) -> None:
    for text in ("old", "new"):
        with whole_folder(tmp_path / "folder") as temporary:
            write_text(temporary / "a.txt", text)
    assert (tmp_path / "folder" / "a.txt").read_text(encoding="utf-8") == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_what_is_open_elsewhere_is_left_as_it_is(windows: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "folder" / "a.txt"
    write_text(file, "old")
    write_text(file.with_name("b.txt"), "old")
    with file.open(encoding="utf-8"):
        with pytest.raises(UserError, match=r"a\.txt: cannot be replaced: access is denied; is it open in another"):
            write_text(file, "new")
        with pytest.raises(UserError, match=r"folder: cannot be replaced: access is denied; is it open in another"):
            write_folder(file.parent)
    assert {one.name: one.read_text(encoding="utf-8") for one in file.parent.iterdir()} == {
        "a.txt": "old",
        "b.txt": "old",
    }
    write_text(file, "new")
    assert file.read_text(encoding="utf-8") == "new"


def write_folder(folder: Path) -> None:
    """Write an empty folder."""
    with whole_folder(folder):
        pass


def test_a_file_that_is_soon_closed_is_waited_for(
    windows: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "a.txt", "old")
    reader = (tmp_path / "a.txt").open(encoding="utf-8")
    monkeypatch.setattr(mien.disk.time, "sleep", lambda seconds: reader.close())
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "new"


def test_faces_that_are_mapped_are_not_replaced_by_halves(windows: Callable[..., str], tmp_path: Path) -> None:
    write_packed(draw_faces(50), tmp_path / "packed")
    faces = read_packed(tmp_path / "packed")
    with pytest.raises(UserError, match="packed: cannot be replaced: access is denied; is it open in another program"):
        write_packed(draw_faces(60), tmp_path / "packed")
    assert read_packed(tmp_path / "packed").fingerprint == faces.fingerprint


def test_an_archive_of_a_mapped_table_is_read(windows: Callable[..., str], tmp_path: Path) -> None:
    rows = "".join(f"{label},{' '.join(['7'] * 2304)},{usage}\n" for label in range(7) for usage in SPLITS)
    with ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("faces.csv", f"emotion,pixels,Usage\n{rows}")
    assert "21 faces" in windows("faces", "import", "faces.zip", "-o", "packed")


@pytest.mark.parametrize("name", [r"C:\faces.csv", "a=b.csv"])
def test_a_source_is_not_split_at_the_colon_of_a_drive(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{label},{' '.join(['7'] * 2304)}\n" for label in range(7))
    Path(name).write_text(f"emotion,pixels\n{rows}", encoding="utf-8")
    Path("s.toml").write_text(f"name = 'a'\nnets.a.zoo = 'cnn_1'\ndata.source = 'train={name}'\n", encoding="utf-8")
    for study in (read_study(Path("s.toml")), read_study(Path("s.toml"), data=[f"train={name}"])):
        assert study.data.source == (f"train={tmp_path / name}",)
        assert study.data.read().counts().keys() == {"train"}
    assert read_study(Path("s.toml"), [f"data.source=test={name}"]).data.source == (f"test={tmp_path / name}",)


def test_an_archive_with_names_that_windows_forbids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("train/anger/a:b.png", b"")
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(UserError, match=r"'train/anger/a:b\.png' has a name that Windows forbids"):
        find_and_unpack(tmp_path / "faces.zip")


def find_and_unpack(archive: Path) -> None:
    """Unpack an archive."""
    with unpacked(archive):
        pass


def test_what_goes_into_a_file_is_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="cp1252", newline=""))
    monkeypatch.setattr("mien.cli.app", lambda: typer.echo("\u0142"))
    main()
    assert written.getvalue() == "\u0142\n".encode()


@pytest.mark.slow
def test_a_study_from_import_to_prediction(windows: Callable[..., str], tmp_path: Path, grace: Path) -> None:
    for _ in range(2):
        windows("faces", "import", "drawn:140", "-o", "packed")
    (tmp_path / "small.toml").write_text(STUDY, encoding="utf-8")
    windows("plan", "small.toml")
    assert "report: " in windows("study", "small.toml")
    assert "ended before" in windows("study", "small.toml")
    windows("report", "out/small")
    for _ in range(2):
        windows("export", "out/small", "small.onnx")
        windows("predict", str(grace), "--model", "small.onnx", "--save", "seen", "--csv", "seen.csv")
        windows("test", "small.onnx", "--data", "packed")
    names = [part for path in tmp_path.rglob("*") for part in forbidden(path.relative_to(tmp_path))]
    assert names == []
    assert (tmp_path / "out" / "small" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_types_hold_with_what_python_has_on_another_system(system: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--platform", system, "--cache-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=SOURCE.parents[1], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
