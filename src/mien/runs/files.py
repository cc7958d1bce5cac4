"""Read the files of runs and studies: each again only after it has changed, a damaged one as one clear error."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from time import time_ns
from typing import TypeVar

from pydantic import ValidationError

from mien.errors import UserError

T = TypeVar("T")

Stamp = tuple[int, int, int]
"""When a file was last written (ns since 1970), its size in bytes and its inode: another stamp, another content."""


RECENT = 50_000_000
"""Nanoseconds after it was written in which a file may change again without another stamp: file times are coarse."""

REPEAT = "run the study again, it keeps its runs"
"""What to do about a study's folder that holds a damaged file."""


class DamagedError(UserError):
    """A file of a run or of a study cannot be read, or is not what it should be."""


def stamp(path: Path) -> Stamp | None:
    """The stamp of a file; None where there is none, or where it cannot be looked at."""
    try:
        facts = path.stat()
    except (OSError, ValueError):  # a name with a zero byte is a ValueError
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def cached_by_stamp(entries: int) -> Callable[[Callable[[Path], T]], Callable[[Path], T | None]]:
    """Make a reader of one file remember its result until the file changes. Where there is no file the result is None.

    What it returns is shared by all callers and must not be changed. Errors are not remembered.

    Args:
        entries: results to remember; beyond that the least recently used is dropped.
    """

    def decorate(read: Callable[[Path], T]) -> Callable[[Path], T | None]:
        @lru_cache(maxsize=entries)
        def read_stamped(path: Path, _: Stamp) -> T:
            return read(path)

        def read_current(path: Path) -> T | None:
            current = stamp(path)
            if current is None:
                return None
            if time_ns() - current[0] < RECENT:
                return read(path)
            return read_stamped(path, current)

        return read_current

    return decorate


def retrain(folder: Path) -> str:
    """What to do about a run's folder that holds a damaged file."""
    return f"remove {folder} and run the study again, which trains this run anew"


@contextmanager
def reported_damage(path: Path, remedy: str) -> Iterator[None]:
    """Turn what reading a damaged, cut or foreign file raises into one `DamagedError`.

    Args:
        path: the file that is read.
        remedy: what the user can do, the end of the message.
    """
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read: {error.strerror or error}; {remedy}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(f"{path}: damaged: {_reason(error)}; {remedy}") from None


def _reason(error: Exception) -> str:
    """What is wrong with a file, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON in line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, LookupError | TypeError | AttributeError):
        return f"an entry is missing or of another kind ({error})"
    return str(error) or type(error).__name__
