"""Where a net of a study takes its first weights from, read from `init_from`: another net, a run or a bundled model."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

from mien.disk import user_path
from mien.errors import UserError
from mien.model_files.bundled import bundled_run
from mien.runs.resolve import resolve_run

BUNDLED = "bundled:"
"""How the text of a bundled model begins."""


@dataclass(frozen=True)
class FromNet:
    """Another net of the same study, by its name; each seed takes that net's run of the same seed."""

    name: str

    @property
    def text(self) -> str:
        """As results list it."""
        return self.name

    @property
    def identity(self) -> str:
        """What it adds to the id of a search."""
        return self.name


@dataclass(frozen=True)
class FromRun:
    """A finished run.

    Attributes:
        path: what was named, absolute: a run's folder, a study's for its best net, or STUDY/NET.
        folder: of the run, absolute.
    """

    path: Path
    folder: Path

    @property
    def text(self) -> str:
        """As results list it: the run's folder."""
        return str(self.folder)

    @property
    def identity(self) -> str:
        """What it adds to the id of a search."""
        return str(self.path)


@dataclass(frozen=True)
class FromBundled(FromRun):
    """A model that comes with mien; `path` and `folder` are of the run behind it.

    Attributes:
        model: its name.
    """

    model: str


InitFrom = FromNet | FromRun | FromBundled
"""Where first weights come from."""


@dataclass(frozen=True)
class StudyFile:
    """What the entries of a study file refer to: the names of its nets, and the folder that its paths start from."""

    nets: Set[str]
    folder: Path


def read_init_from(entry: Any, file: StudyFile) -> InitFrom:
    """Read an entry `init_from`.

    Args:
        entry: a text, as `"first"` (a net of the study), `"../out/x/net"` (a run) or `"bundled:best"`; or a table of
            one key: `{ net = "first" }`, `{ run = "../out/x/net" }`, `{ bundled = "best" }`.
        file: what it refers to.

    Raises:
        ValueError: it is neither, or names no finished run or no bundled model.
    """
    match entry:
        case {"net": str(name), **others} if not others:
            return FromNet(name)
        case {"run": str(path), **others} if not others:
            return _from_run((file.folder / user_path(path)).resolve())
        case {"bundled": str(model), **others} if not others:
            return _from_bundled(model)
        case str() if entry.startswith(BUNDLED):
            return _from_bundled(entry.removeprefix(BUNDLED))
        case str() if entry in file.nets:
            return FromNet(entry)
        case str():
            return _from_run((file.folder / user_path(entry)).resolve())
    raise ValueError(
        f"found {entry!r}; give a net of the study, the path of a finished run, or a bundled model, as 'bundled:best'; "
        "or a table with one of the keys net, run and bundled"
    )


def _from_run(path: Path) -> FromRun:
    try:
        return FromRun(path, resolve_run(path).folder.resolve())
    except UserError as error:
        raise ValueError(str(error)) from None


def _from_bundled(model: str) -> FromBundled:
    try:
        folder = bundled_run(model)
    except UserError as error:
        raise ValueError(str(error)) from None
    return FromBundled(folder, folder.resolve(), model)


def _validate(entry: Any, info: ValidationInfo) -> InitFrom:
    assert isinstance(info.context, StudyFile)
    return read_init_from(entry, info.context)


InitFromEntry = Annotated[InitFrom, PlainValidator(_validate)]
"""An entry `init_from` of a table that is validated with a `StudyFile` as its context."""
