"""A file system that refuses what Windows refuses, on top of this one; and, for mien, no modules that only Unix has.

- A file that is open or mapped, in this process, is not renamed, replaced or removed, nor is a folder that holds one.
- Folders are not opened. What is open for reading alone is not flushed.
- Names have none of `<>:"|?*` or control characters, do not end in a dot or a space, and are no device's, as con.txt.
- os.kill would end the process, and is not called.

Libraries in C get past the functions of Python that are replaced here: what they have open is seen, not what they do.
"""

import builtins
import errno
import io
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

UNIX = ("fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
"""Modules that only Unix has."""

FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$', re.IGNORECASE)


def forbidden(path: "str | os.PathLike[str]") -> list[str]:
    """The parts of a path that Windows would not take as names."""
    return [part for part in Path(path).parts if part not in ("/", ".", "..") and FORBIDDEN.search(part)]


def in_use() -> set[str]:
    """The files that this process has open or mapped, where /proc shows them."""
    if not Path("/proc/self/maps").exists():
        return set()
    files = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            files.add(str(link.readlink()))
        except OSError:  # the one of iterdir itself
            continue
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return files | {line.split(maxsplit=5)[5] for line in mapped if line.count("/")}


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the functions by which Python opens, renames and removes."""
    monkeypatch.setattr(builtins, "__import__", _import_for_windows(builtins.__import__))
    monkeypatch.setattr(os, "kill", lambda *given: pytest.fail("os.kill ends a process on Windows"))
    monkeypatch.setattr(shutil, "_use_fd_functions", False)
    for name, paths in (("replace", 2), ("rename", 2), ("unlink", 1), ("remove", 1), ("mkdir", 1), ("symlink", 2)):
        monkeypatch.setattr(os, name, _checked(getattr(os, name), paths, closed=name not in ("mkdir", "symlink")))
    monkeypatch.setattr(os, "open", _checked(os.open, 1, closed=False, no_folder=True))
    for module in (io, builtins):
        monkeypatch.setattr(module, "open", _checked(open, 1, closed=False, no_folder=True))
    monkeypatch.setattr(os, "fsync", _checked_flush(os.fsync))


def _import_for_windows(load: Callable[..., Any]) -> Callable[..., Any]:
    def checked(name: str, context: Any = None, *given: Any, **options: Any) -> Any:
        if name in UNIX and (context or {}).get("__name__", "").startswith("mien"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return load(name, context, *given, **options)

    return checked


def _checked(do: Callable[..., Any], paths: int, *, closed: bool, no_folder: bool = False) -> Callable[..., Any]:
    def checked(*given: Any, **options: Any) -> Any:
        for path in given[:paths]:
            if isinstance(path, int):
                continue
            place = Path(os.fsdecode(path)).resolve()
            if forbidden(os.fsdecode(path)):
                raise OSError(errno.EINVAL, "Invalid argument", path)
            if no_folder and place.is_dir():
                raise PermissionError(errno.EACCES, "Permission denied", path)
            if closed and _is_open(str(place), in_use()):
                raise PermissionError(errno.EACCES, "Access is denied", path)
        return do(*given, **options)

    return checked


def _is_open(place: str, files: Iterable[str]) -> bool:
    return any(file == place or file.startswith(f"{place}/") for file in files)


def _checked_flush(flush: Callable[[int], None]) -> Callable[[int], None]:
    def checked(handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        flags = Path(f"/proc/self/fdinfo/{number}").read_text(encoding="utf-8").split("flags:")[1].split()[0]
        if int(flags, 8) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flush(number)

    return checked
