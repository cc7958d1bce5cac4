"""Studies: the study files that come with mien, by name, with what their heads say of them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from mien.errors import UserError, did_you_mean

INSTALLED, CHECKOUT = Path(__file__).parent, Path(__file__).parents[3] / "studies"
"""Where the files lie: beside this module, where a wheel puts them; or in a checkout's folder `studies`."""


@dataclass(frozen=True)
class BundledStudy:
    """A study file that comes with mien.

    Attributes:
        name: by which `mien study` takes it.
        about: what it is for: the first paragraph of the file's head.
        nets: the names of its nets.
        data: the faces that it needs; "drawn" are built in.
        time: how long it takes, and on what.
        file: where it lies.
    """

    name: str
    about: str
    nets: tuple[str, ...]
    data: str
    time: str
    file: Path


def bundled_studies() -> dict[str, BundledStudy]:
    """The study files that come with mien, by name."""
    folder = INSTALLED if any(INSTALLED.glob("*.toml")) else CHECKOUT
    return {file.stem: _read(file) for file in sorted(folder.glob("*.toml"))}


def find_study(word: str) -> Path | None:
    """The file of a bundled study; None if the word is no name but a path, as one with a folder or a suffix is.

    Raises:
        UserError: no study of that name comes with mien.
    """
    if not re.fullmatch(r"[\w-]+", word) or Path(word).is_file():
        return None
    studies = bundled_studies()
    if word not in studies:
        raise UserError(
            f"{word}: no such file, and no study of this name comes with mien; {did_you_mean(word, list(studies))}"
        )
    return studies[word].file


def bundled_name(file: Path) -> str | None:
    """The name of a bundled study's file; None for any other file."""
    return file.stem if file.parent in (INSTALLED, CHECKOUT) and file.stem in bundled_studies() else None


def _read(file: Path) -> BundledStudy:
    """Read a file and its head: a paragraph on what it is for, and lines that begin with `Data:` and `Time:`."""
    text = file.read_text(encoding="utf-8")
    lines = [line.removeprefix("#").strip() for line in text.partition("\n\n")[0].splitlines()]
    paragraphs = [" ".join(paragraph.split("\n")) for paragraph in "\n".join(lines).split("\n\n")]
    facts = dict(line.split(": ", 1) for line in lines if line.startswith(("Data: ", "Time: ")))
    nets = tuple(tomllib.loads(text)["nets"])
    return BundledStudy(file.stem, paragraphs[0], nets, facts["Data"], facts["Time"], file)
