"""Names that a first study takes from the source: its own, and the paths in it."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mien.disk import is_forbidden, user_path
from mien.study.config.validation import NAME


def source_from(source: Sequence[str], folder: Path) -> list[str]:
    """A source as a study file in `folder` has to name it; relative paths in it are from the working directory."""
    return [_from(word, folder) for word in source]


def _from(word: str, folder: Path) -> str:
    if re.fullmatch(r"drawn(:\d+)?", word):
        return word
    split, equals, path = word.partition("=") if re.match(r"(train|validation|test)=", word) else ("", "", word)
    place = Path.cwd() / user_path(path)
    if not user_path(path).is_absolute():
        with suppress(ValueError):  # on another drive of Windows
            place = Path(os.path.relpath(place, folder.resolve()))
    if str(place).startswith("~"):
        place = (folder / place).resolve()
    text = place.as_posix()
    # What would be read as something else than a path begins with ./
    dot = "./" if not equals and re.match(r"drawn(:\d+)?$|(train|validation|test)=", text) else ""
    return f"{split}{equals}{dot}{text}"


def study_name(name: str) -> str:
    """A source's name as a study's: with its letters, digits, `.`, `_` and `-` alone."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("._-")
    return plain if re.fullmatch(NAME, plain) and not is_forbidden(plain) else "faces"
