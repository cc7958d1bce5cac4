import json
import os
from pathlib import Path

import pytest

from mien.disk import write_json
from mien.errors import UserError
from mien.runs.files import DamagedError, cached_by_stamp, reported_damage, stamp


def aged(path: Path) -> Path:
    """The file as if it had been written a second ago."""
    os.utime(path, ns=(path.stat().st_mtime_ns - 10**9,) * 2)
    return path


def test_a_file_is_read_again_only_after_it_has_changed(tmp_path: Path) -> None:
    reads = []

    @cached_by_stamp(4)
    def content(path: Path) -> str:
        reads.append(path)
        return path.read_text(encoding="utf-8")

    file = tmp_path / "a"
    assert content(file) is None
    file.write_text("one", encoding="utf-8")
    aged(file)
    assert [content(file), content(file)] == ["one", "one"]
    assert len(reads) == 1
    file.write_text("two", encoding="utf-8")
    assert content(file) == "two"
    file.unlink()
    assert content(file) is None


def test_another_file_in_its_place_has_another_stamp(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("one", encoding="utf-8")
    other.write_text("two", encoding="utf-8")
    aged(file)
    os.utime(other, ns=(file.stat().st_mtime_ns,) * 2)
    before = stamp(file)
    other.replace(file)
    after = stamp(file)
    assert before is not None
    assert after is not None
    assert before[:2] == after[:2]
    assert before != after


def test_a_file_that_was_just_written_is_read_each_time(tmp_path: Path) -> None:
    @cached_by_stamp(4)
    def content(path: Path) -> object:
        return json.loads(path.read_text(encoding="utf-8"))

    for number in range(200):
        write_json(tmp_path / "a", number % 10)
        assert content(tmp_path / "a") == number % 10


def test_a_name_that_no_file_can_have_has_no_stamp() -> None:
    assert stamp(Path("a\0b")) is None


def test_errors_are_not_remembered(tmp_path: Path) -> None:
    @cached_by_stamp(4)
    def content(path: Path) -> object:
        with reported_damage(path, "write it again"):
            return json.loads(path.read_text(encoding="utf-8"))

    file = tmp_path / "a.json"
    file.write_text("{", encoding="utf-8")
    aged(file)
    for _ in range(2):
        with pytest.raises(DamagedError, match=r"a\.json: damaged: not JSON in line 1, column 2; write it again$"):
            content(file)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
        (OSError("a torn wire"), "cannot be read: a torn wire"),
        (ValueError("a thing is odd"), "damaged: a thing is odd"),
        (ValueError(), "damaged: ValueError"),
        (KeyError("nets"), "damaged: an entry is missing or of another kind ('nets')"),
        (RecursionError("maximum recursion depth exceeded"), "damaged: nested too deeply"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "damaged: not UTF-8 text"),
    ],
)
def test_whatever_reading_raises_is_one_message(error: Exception, message: str) -> None:
    with pytest.raises(DamagedError) as caught, reported_damage(Path("out/a"), "do this"):
        raise error
    assert str(caught.value) == f"out/a: {message}; do this"


def test_a_message_for_users_stays_as_it_is() -> None:
    with pytest.raises(UserError, match=r"^written by another mien$"), reported_damage(Path("a"), "do this"):
        raise UserError("written by another mien")
