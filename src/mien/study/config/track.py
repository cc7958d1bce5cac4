"""The study file's table [track], and `--track`: where else a study's curves and results go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from mien.disk import user_path
from mien.errors import UserError, did_you_mean
from mien.study.config.validation import Table

TrackerName = Literal["tensorboard", "mlflow"]

NAMES: tuple[TrackerName, ...] = get_args(TrackerName)


@dataclass(frozen=True)
class TrackerConfig:
    """A tracker that follows a study.

    Attributes:
        name: which; also the extra that brings it.
        place: TensorBoard's folder or MLflow's database file, as a full path, or the address of MLflow's server; "": in
            the study's own folder.
    """

    name: TrackerName
    place: str = ""

    @property
    def is_server(self) -> bool:
        """Whether it is a server, which the user named: what it is given leaves the study's machine."""
        return is_address(self.place)


PLACES: dict[TrackerName, str] = {
    "tensorboard": "a folder for its event files",
    "mlflow": "a file for its database (mlflow.db), or a server (http://HOST:PORT)",
}
"""What may be given as a tracker's place."""


def _entry(name: TrackerName) -> BeforeValidator:
    def check(entry: Any) -> Any:
        if isinstance(entry, bool) or (isinstance(entry, str) and _is_place(name, entry)):
            return entry
        raise ValueError(f"found {entry!r}; true, or {PLACES[name]}")

    return BeforeValidator(check)


class TrackTable(Table):
    """Trackers that follow a study, beside its own folder."""

    tensorboard: Annotated[bool | str, _entry("tensorboard")] = Field(
        default=False, description="true: event files in the study's folder; or another folder for them"
    )
    mlflow: Annotated[bool | str, _entry("mlflow")] = Field(
        default=False, description="true: a database in the study's folder; or another file; or http://HOST:PORT"
    )


def trackers(table: TrackTable, folder: Path) -> tuple[TrackerConfig, ...]:
    """The trackers that the table [track] of a study file in a folder switches on."""
    entries: dict[TrackerName, bool | str] = {"tensorboard": table.tensorboard, "mlflow": table.mlflow}
    return tuple(TrackerConfig(name, _place(entry, folder)) for name, entry in entries.items() if entry)


def parse_tracker(word: str, option: str = "--track") -> TrackerConfig:
    """Read a word such as `tensorboard`, `mlflow` or `mlflow=PLACE`; a path is relative to the working directory.

    Args:
        word: as it was written.
        option: where, for messages.

    Raises:
        UserError: it names no tracker, or its place is none.
    """
    name, equals, place = word.partition("=")
    known = next((one for one in NAMES if one == name), None)
    if known is None:
        raise UserError(f"{option} {word}: {did_you_mean(name, NAMES)}")
    if equals and not _is_place(known, place):
        raise UserError(f"{option} {word}: found {place!r}; give {PLACES[known]}, or {known} alone")
    return TrackerConfig(known, _place(place if equals else True, Path.cwd()))


def merged(first: tuple[TrackerConfig, ...], second: tuple[TrackerConfig, ...]) -> tuple[TrackerConfig, ...]:
    """Both, each tracker once; what `second` says of one goes over the first."""
    return tuple({one.name: one for one in (*first, *second)}.values())


def is_address(place: str) -> bool:
    """Whether a place is a server's address."""
    return place.lower().startswith(("http://", "https://"))


def _is_place(name: TrackerName, entry: str) -> bool:
    """Whether a text is a place for what a tracker writes; that nothing is there yet does not matter."""
    if not entry.strip():
        return False
    if name == "mlflow" and is_address(entry):
        try:
            return bool(urlsplit(entry).hostname) and urlsplit(entry).port != 0
        except ValueError:  # a port that is no number
            return False
    local = entry.removeprefix("sqlite:///") if name == "mlflow" else entry
    return bool(local) and "://" not in local


def absolute(place: str, folder: Path) -> str:
    """A place whose path starts from a folder, as a full path; an address stays, without a slash at its end."""
    path = place.removeprefix("sqlite:///")
    return place.rstrip("/") if "://" in path else str((folder / user_path(path)).resolve())


def _place(entry: bool | str, folder: Path) -> str:
    return "" if isinstance(entry, bool) else absolute(entry, folder)
