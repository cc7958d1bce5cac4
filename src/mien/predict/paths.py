"""What a user named on the command line: photos, folders of them, patterns, videos."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import escape, glob, has_magic
from pathlib import Path
from unicodedata import category

from mien.errors import UserError
from mien.faces.decoding import SUFFIXES

VIDEOS = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".flv", ".ogv"}
    | {".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".mjpeg"}
)
"""How the names of videos end, in small letters."""

OURS = re.compile(r".+\.(faces\.jpg|face-\d+\.png)")
"""How the pictures are called that `mien predict --save` leaves: no photos, where they lie in a folder of photos."""


@dataclass(frozen=True)
class Named:
    """A file to predict.

    Attributes:
        path: where it is.
        place: what its pictures are called: its name without the ending, behind its way through the folder that was
            named; a number tells two of a name apart.
    """

    path: Path
    place: Path

    @property
    def is_video(self) -> bool:
        """Whether its name ends as a video's."""
        return self.path.suffix.lower() in VIDEOS


def named(words: Iterable[str]) -> list[Named]:
    """The files that words mean: a file is itself, whatever its name; a folder all photos in it, and in its folders.

    A pattern that the shell left, such as `photos/**/*.jpg` in quotes, is what it matches. What is not there, and a
    folder without a photo, is given as it was named: opening it will tell. A folder's hidden files, its videos and
    the pictures that mien drew are passed over, and links to other folders are not followed.

    Raises:
        UserError: a word is empty, as a variable of the shell's that was never set: that is no name for this folder.
    """
    files: list[Named] = []
    places: set[Path] = set()
    for path, within in (photo for word in words for photo in _meant(word).items()):
        place, number = within.with_suffix(""), 1
        while place in places:
            number += 1
            place = within.with_name(f"{within.stem}-{number}")
        places.add(place)
        files.append(Named(path, place))
    return files


def shown(path: Path) -> str:
    """A path for people to read, in one line: breaks, control characters and what is no text are escaped."""
    return "".join(
        repr(letter)[1:-1] if category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in str(path)
    )


def _meant(word: str) -> dict[Path, Path]:
    """The files that a word means, each once, with their names or ways through a folder."""
    if not word:
        raise UserError("one of the names is empty; name photos, folders of them or videos, this folder as a dot")
    return {file: within for match in _matching(word) for file, within in _inside(match)}


def _matching(word: str) -> list[Path]:
    path = Path(os.path.expanduser(word))  # noqa: PTH111 - pathlib's raises where there is no such user
    if os.path.exists(path) or not has_magic(word):  # noqa: PTH110 - pathlib's raises where a name is too long
        return [path]
    return sorted(_matches(path)) or [path]


def _matches(pattern: Path) -> set[Path]:
    """What matches a pattern; its `**` goes through folders, but not through links, which may lead in circles."""
    parts = pattern.parts
    if parts[-1:] == ("**",):  # all that is in a folder is what the folder itself means
        return _matches(Path(*parts[:-1]))
    if "**" not in parts:
        return {Path(match) for match in glob(str(pattern))}  # noqa: PTH207 - pathlib's takes no absolute pattern
    before, after = Path(*parts[: parts.index("**")]), parts[parts.index("**") + 1 :]
    tops = glob(str(before))  # noqa: PTH207
    return {found for top in tops for folder in _folders(top) for found in _matches(Path(escape(folder), *after))}


def _folders(top: str) -> Iterator[str]:
    """A folder and all that are in it and not hidden."""
    for folder, inner, _ in os.walk(top):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield folder


def _inside(path: Path) -> list[tuple[Path, Path]]:
    """A file and its name; or a folder's photos, each with its way through the folder."""
    is_folder = os.path.isdir(path)  # noqa: PTH112 - pathlib's raises where a name is too long
    found = [(file, file.relative_to(path)) for file in sorted(path.rglob("*"))] if is_folder else []
    photos = [(file, within) for file, within in found if file.suffix.lower() in SUFFIXES and file.is_file()]
    visible = [(file, within) for file, within in photos if not any(part.startswith(".") for part in within.parts)]
    seen = [(file, within) for file, within in visible if not OURS.fullmatch(file.name)]
    return seen or [(path, Path(path.name or "folder"))]
