"""Paths: the photos and videos that a user names on the command line, directly, by folder or by pattern."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import escape, glob, has_magic
from pathlib import Path
from unicodedata import category

from mien.disk import in_order
from mien.errors import UserError
from mien.faces.decoding import SUFFIXES

VIDEOS = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".flv", ".ogv"}
    | {".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".mjpeg"}
)
"""Suffixes of videos, in lower case."""

OURS = re.compile(r".+\.(faces\.jpg|face-\d+\.png)")
"""Names of the pictures that `mien predict --save` writes; in a folder of photos they are ignored."""


@dataclass(frozen=True)
class InputFile:
    """A file to predict.

    Attributes:
        path: of the file.
        place: the relative path of its pictures: its own within the named folder, without the suffix; a number is
            appended where two would be the same.
    """

    path: Path
    place: Path

    @property
    def is_video(self) -> bool:
        """Whether it has a video's suffix."""
        return self.path.suffix.lower() in VIDEOS


def input_files(arguments: Iterable[str]) -> list[InputFile]:
    """Resolve the arguments of a command line: files by any name, folders with all photos in them at any depth.

    A pattern that the shell did not expand, such as `photos/**/*.jpg` in quotes, is expanded here. A path that does not
    exist, and a folder without photos, are returned as they are: opening them gives the error. A folder's hidden files,
    its videos and the pictures that mien drew are ignored, and links to other folders are not followed.

    Raises:
        UserError: an argument is empty, as an unset variable of the shell: it does not mean the current folder.
    """
    files: list[InputFile] = []
    places: set[Path] = set()
    for path, within in (file for argument in arguments for file in _resolve(argument).items()):
        place, number = within.with_suffix(""), 1
        while place in places:
            number += 1
            place = within.with_name(f"{within.stem}-{number}")
        places.add(place)
        files.append(InputFile(path, place))
    return files


def shown(path: Path) -> str:
    """A path as one line of text: line breaks, control characters and undecodable bytes are escaped."""
    return "".join(
        repr(letter)[1:-1] if category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in str(path)
    )


def _resolve(argument: str) -> dict[Path, Path]:
    """The files of an argument, each once, with their names or their paths within the folder."""
    if not argument:
        raise UserError("one of the names is empty; name photos, folders of them or videos, this folder as a dot")
    return {file: within for match in _matching(argument) for file, within in _inside(match)}


def _matching(argument: str) -> list[Path]:
    path = Path(os.path.expanduser(argument))  # noqa: PTH111 - pathlib's raises where there is no such user
    if os.path.exists(path) or not has_magic(argument):  # noqa: PTH110 - pathlib's raises where a name is too long
        return [path]
    return sorted(_matches(path)) or [path]


def _matches(pattern: Path) -> set[Path]:
    """The paths that match a pattern; `**` does not follow links, which may lead in circles."""
    parts = pattern.parts
    if parts[-1:] == ("**",):  # the same as the folder itself
        return _matches(Path(*parts[:-1]))
    if "**" not in parts:
        return {Path(match) for match in glob(str(pattern))}  # noqa: PTH207 - pathlib's takes no absolute pattern
    before, after = Path(*parts[: parts.index("**")]), parts[parts.index("**") + 1 :]
    tops = glob(str(before))  # noqa: PTH207
    return {match for top in tops for folder in _folders(top) for match in _matches(Path(escape(folder), *after))}


def _folders(top: str) -> Iterator[str]:
    """A folder and all folders below it that are not hidden."""
    for folder, inner, _ in os.walk(top):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield folder


def _inside(path: Path) -> list[tuple[Path, Path]]:
    """A file and its name; or a folder's photos, each with its path within the folder."""
    is_folder = os.path.isdir(path)  # noqa: PTH112 - pathlib's raises where a name is too long
    files = [(file, file.relative_to(path)) for file in in_order(path.rglob("*"))] if is_folder else []
    photos = [(file, within) for file, within in files if file.suffix.lower() in SUFFIXES and file.is_file()]
    visible = [(file, within) for file, within in photos if not any(part.startswith(".") for part in within.parts)]
    selected = [(file, within) for file, within in visible if not OURS.fullmatch(file.name)]
    return selected or [(path, Path(path.name or "folder"))]
