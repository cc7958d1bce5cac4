"""Paths as users name them, atomic writing, and JSON lines."""

from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.disk import (
    TMP_SUFFIX,
    append_line,
    in_order,
    is_forbidden,
    read_json,
    read_lines,
    remove_temporary,
    user_path,
    whole_file,
    whole_folder,
    write_json,
    write_text,
)
from mien.errors import UserError


def test_a_file_appears_when_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.txt"
    with whole_file(file) as temporary:
        temporary.write_text("half", encoding="utf-8")
        assert not file.exists()
        assert temporary.parent == file.parent
    assert file.read_text(encoding="utf-8") == "half"
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fail() -> None:
        with whole_file(file) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fail()
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_replaces_the_old_one_when_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "old").touch()
    with whole_folder(folder) as temporary:
        (temporary / "new").write_text("1", encoding="utf-8")
        assert (folder / "old").exists()
    assert [file.name for file in folder.iterdir()] == ["new"]


def test_an_error_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "old").touch()

    def fail() -> None:
        with whole_folder(folder) as temporary:
            (temporary / "new").touch()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert [file.name for file in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_temporary_files_that_a_kill_left_are_removed_and_no_others(tmp_path: Path) -> None:
    (tmp_path / f".a.x{TMP_SUFFIX}").touch()
    (tmp_path / f".folder{TMP_SUFFIX}").mkdir()
    for name in ("a", f"a{TMP_SUFFIX}", ".a"):
        (tmp_path / name).touch()
    remove_temporary(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a", f"a{TMP_SUFFIX}", ".a", f".folder{TMP_SUFFIX}"}


def test_json_keeps_letters_as_they_are(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Zoë"})
    assert "Zoë" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"name": "Zoë"}


def test_an_incomplete_last_line_is_ignored_and_then_removed(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    assert read_lines(file) == []
    append_line(file, {"n": 1})
    with file.open("a", encoding="utf-8") as open_file:
        open_file.write('{"n": 2')
    assert read_lines(file) == [{"n": 1}]
    append_line(file, {"n": 3})
    assert read_lines(file) == [{"n": 1}, {"n": 3}]


def test_a_path_without_a_tilde_in_front_is_itself(tmp_path: Path) -> None:
    for word in ("a", "a/~b", ".", "/a", tmp_path):
        assert user_path(word) == Path(word)


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~") == tmp_path
    assert user_path("~/a/b.csv") == tmp_path / "a" / "b.csv"


def test_a_user_whom_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"^~nouser7/x: the home folder is not known: there is no user nouser7 here"):
        user_path("~nouser7/x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~nouser7.csv").touch()
    assert user_path("~nouser7.csv") == Path("~nouser7.csv")  # a file may be called so


@given(st.text(st.characters(codec="utf-8"), max_size=8))
def test_any_path_is_a_path_or_a_message(rest: str) -> None:
    try:
        assert isinstance(user_path(f"~nouser7{rest}"), Path)
    except UserError as error:
        assert "home folder is not known" in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["a:b", "what?", "con", "Con.txt", "lpt1.a.b", "a.", "a ", "a\tb", "a/b", "a\\b"])
def test_what_windows_does_not_take_as_a_name(name: str) -> None:
    assert is_forbidden(name)
    assert not is_forbidden(f"x{name.strip('. ').replace(':', '-')}x") or set(name) & {"?", "\t", "/", "\\"}


def test_names_have_one_order_on_every_system() -> None:
    names = ["b.png", "A.png", "a.png", "B/c.png", "_.png"]
    assert [path.as_posix() for path in in_order(map(PureWindowsPath, names))] == sorted(names)
