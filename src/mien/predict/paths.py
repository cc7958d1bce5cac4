"""What a user named on the command line: photos, folders of them, patterns, videos."""

from collections.abc import Iterable
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from mien.predict.images import SUFFIXES

VIDEOS = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".flv", ".ogv"}
    | {".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".mjpeg"}
)
"""How the names of videos end, in small letters."""


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
    folder without a photo, is given as it was named: opening it will tell. A folder's hidden files and videos are
    passed over.
    """
    files: list[Named] = []
    places: set[Path] = set()
    for path, within in (photo for word in words for match in _matching(word) for photo in _inside(match)):
        place, number = within.with_suffix(""), 1
        while place in places:
            number += 1
            place = within.with_name(f"{within.stem}-{number}")
        places.add(place)
        files.append(Named(path, place))
    return files


def _matching(word: str) -> list[Path]:
    path = Path(word).expanduser()
    if path.exists() or not has_magic(word):
        return [path]
    matched = sorted(glob(str(path), recursive=True))  # noqa: PTH207 - pathlib's takes no absolute pattern
    return [Path(match) for match in matched] or [path]


def _inside(path: Path) -> list[tuple[Path, Path]]:
    """A file and its name; or a folder's photos, each with its way through the folder."""
    found = [(file, file.relative_to(path)) for file in sorted(path.rglob("*"))] if path.is_dir() else []
    photos = [(file, within) for file, within in found if file.suffix.lower() in SUFFIXES and file.is_file()]
    seen = [(file, within) for file, within in photos if not any(part.startswith(".") for part in within.parts)]
    return seen or [(path, Path(path.name))]
