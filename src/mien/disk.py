"""Files: paths as users write them, atomic writing, JSON and JSON lines.

A crash leaves either the old content of a file or the new one, never a part of it.
"""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PATIENCE = 2.0
"""Seconds in which renaming a file is tried again: Windows refuses it while another program has the file open."""

TMP_SUFFIX = ".tmp"
"""Suffix of temporary files and folders, which `whole_file` and `whole_folder` write before they rename them."""


_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE | re.ASCII)


def is_forbidden(name: str) -> bool:
    """Whether Windows takes no file of this name: it holds a colon, ends in a dot, or is a device's."""
    return bool(_FORBIDDEN.search(name))


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by their names, capitals first, on every system: Windows' own order knows no capitals."""
    return sorted(paths, key=lambda path: path.parts)


def user_path(word: "str | os.PathLike[str]") -> Path:
    """Make a path of what a user wrote: `~` and `~name` stand for home folders.

    Raises:
        UserError: the home folder is not known, and no file of that name exists.
    """
    path = Path(word)
    if not str(path).startswith("~"):
        return path
    try:
        expanded = Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises where there is no such user
    except ValueError:  # a name with a zero byte
        expanded = path
    if expanded != path or os.path.lexists(path):
        return expanded
    name = path.parts[0][1:]
    why = f"there is no user {name} here" if name else "HOME is not set, and this system does not know its user"
    raise UserError(f"{path}: the home folder is not known: {why}; write the path in full, or as ./{path}")


def cache_folder() -> Path:
    """The folder for everything that can be made again: MIEN_CACHE, or the user's cache folder.

    Raises:
        UserError: MIEN_CACHE is not set, and there is no home folder.
    """
    if place := os.environ.get("MIEN_CACHE"):
        return user_path(place)
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("mien")
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():
        raise UserError(
            "there is no place for the cache: HOME is not set, and this system does not know its user; "
            "name a folder that can be written to: MIEN_CACHE=DIR"
        )
    return folder


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file atomically: give a temporary path beside `path`, and rename it to `path` when the block ends.

    If the block raises, the temporary file is removed and `path` stays as it was.

    Raises:
        UserError: `path` cannot be replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TMP_SUFFIX)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o644)
        move(temporary, path)
        _flush(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Write a folder atomically, as `whole_file` writes a file: it appears when all of its files are written.

    A folder that exists at `path` is replaced.

    Raises:
        UserError: `path` cannot be replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=TMP_SUFFIX))
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _flush(file)
        temporary.chmod(0o755)
        if path.exists():
            # Moved away whole, or not at all: where a file in it is open, Windows would remove only the others.
            former = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=TMP_SUFFIX))
            former.rmdir()
            move(path, former)
            move(temporary, path)
            shutil.rmtree(former, ignore_errors=True)
        else:
            move(temporary, path)
        _flush(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def move(path: Path, target: Path) -> None:
    """Rename a file, in place of one that is there, or a folder, to a name that is free.

    Raises:
        UserError: that is not allowed, or, on Windows, a file is open elsewhere and stays so.
        OSError: the disk is full, or has another fault.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            path.replace(target)
            return
        except PermissionError as error:
            if time.monotonic() > deadline:
                reason = (error.strerror or str(error)).lower()
                name = path if path.is_dir() else target
                raise UserError(f"{name}: cannot be replaced: {reason}; is it open in another program?") from None
        time.sleep(0.02)


def remove_temporary(folder: Path) -> None:
    """Remove the temporary files that a killed process left in a folder; no other process may be writing there."""
    for file in folder.glob(f".*{TMP_SUFFIX}"):
        if file.is_file():
            file.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, atomically: UTF-8, and the same bytes on every system."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a whole JSON file, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def process_lock(file: Path) -> "BaseFileLock":
    """A lock between processes, which ends with its process, however that ends; `file` may stay when it is released.

    Two such objects lock each other out in one process too; one object can be locked again by the thread that holds it.

    Raises:
        TimeoutError: by `acquire(blocking=False)`: it is held elsewhere.
        OSError: by `acquire`: the file cannot be written, or its file system has no locks.
    """
    from filelock import FileLock

    # Without locks of the system, filelock would make a file that a killed process leaves behind: locked for ever.
    return FileLock(file, fallback_to_soft=False, poll_interval=0.01)


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Append one JSON line and flush it to disk. An incomplete last line, left by a crash, is removed first."""
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size and not _ends_with_newline(path, size):
            file.truncate(path.read_bytes().rfind(b"\n") + 1)
        file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the JSON lines of a file, [] if there is no file. An incomplete last line is ignored."""
    if not path.exists():
        return []
    content = path.read_bytes()
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def _ends_with_newline(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) == b"\n"


def _flush(path: Path) -> None:
    """Flush a file to disk, or the names in a folder: Windows, which opens no folders, flushes those by itself."""
    try:
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows flushes what can be written
    except PermissionError:
        if path.is_dir():
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
