"""Paths as users name them, and writing so that a crash leaves either the old content or the new, never half of one."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.errors import UserError

DRAFT = ".draft"
"""How the names of what is being written end."""


def user_path(word: "str | os.PathLike[str]") -> Path:
    """A path that a user named, in which `~` and `~name` stand for home folders.

    Raises:
        UserError: such a home folder is not known, and no file is called so.
    """
    path = Path(word)
    if not str(path).startswith("~"):
        return path
    try:
        found = Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises where there is no such user
    except ValueError:  # a name with a zero byte
        found = path
    if found != path or os.path.lexists(path):
        return found
    name = path.parts[0][1:]
    why = f"there is no user {name} here" if name else "HOME is not set, and this system does not know its user"
    raise UserError(f"{path}: the home folder is not known: {why}; write the path in full, or as ./{path}")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, what was written there becomes `path`.

    If the block raises, nothing is left behind and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=DRAFT)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        _flush(draft)
        draft.chmod(0o644)
        draft.replace(path)
        _flush(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Like `whole_file`, for a folder: it appears under its name only when all of its files are written.

    A folder that already stands at `path` is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=DRAFT))
    try:
        yield draft
        for file in draft.rglob("*"):
            _flush(file)
        draft.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        draft.replace(path)
        _flush(path.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def clear_drafts(folder: Path) -> None:
    """Remove the files that a kill in the middle of `whole_file` left in a folder; nobody else may be writing there."""
    for draft in folder.glob(f".*{DRAFT}"):
        if draft.is_file():
            draft.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, atomically."""
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a whole JSON file, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line and make it durable. A torn line that a crash left at the end is cut off first."""
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size and not _ends_with_newline(path, size):
            whole = path.read_bytes().rfind(b"\n") + 1
            file.truncate(whole)
        file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the JSON lines of a file, [] if there is none; a torn last line is left out."""
    if not path.exists():
        return []
    whole = path.read_bytes()
    return [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]


def _ends_with_newline(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
