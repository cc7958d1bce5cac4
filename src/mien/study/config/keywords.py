"""A study's table from Python values: what a study file cannot hold is refused, paths are made absolute."""

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mien.disk import user_path
from mien.faces.spec import FacesSpec
from mien.study.config.data_table import resolved
from mien.study.config.init_from import BUNDLED
from mien.study.config.toml_text import TomlTable, TomlValue
from mien.study.config.track import NAMES, absolute

Entries: TypeAlias = Mapping[str, object]
"""A table of a study from Python: its keys, and what stands under each."""


def table_of(entries: Entries, folder: Path) -> tuple[TomlTable, list[str]]:
    """The table that a study file with these entries has.

    Args:
        entries: tables, lists, texts, numbers, truth values and paths; NumPy's numbers and arrays count as Python's.
            An entry of a table that is None is left out.
        folder: that relative paths start from.

    Returns:
        The table, with absolute paths; and what is wrong with entries that no study file can hold.
    """
    problems: list[str] = []
    table = _plain_table(entries, "", problems)
    _resolve(table, folder)
    return table, problems


def data_entries(spec: FacesSpec) -> TomlTable:
    """The entries of a table [data] that opens these faces; its paths are made absolute from the working directory."""
    entries: dict[str, TomlValue | None] = {
        "source": list(spec.source),
        "size": spec.size,
        "votes": spec.votes,
        "labels": spec.labels if spec.labels != "own" else None,
        "clean": list(spec.clean),
        "classes": list(spec.classes),
        "validation": spec.validation,
    }
    data: dict[str, TomlValue] = {key: value for key, value in entries.items() if value}
    _resolve({"data": data}, Path.cwd())
    return data


def _plain(value: object, place: str, problems: list[str]) -> Any:
    match value:
        case np.ndarray():
            return _plain(value.tolist(), place, problems)
        case np.generic():
            return _plain(value.item(), place, problems)
        case bool() | int() | float():
            return value
        case os.PathLike():
            return _plain(os.fspath(value), place, problems)
        case str() if not any("\ud800" <= letter <= "\udfff" for letter in value):
            return value
        case Mapping():
            problems += [
                f"{place}: found the key {key!r}; a key is a text" for key in value if not isinstance(key, str)
            ]
            return _plain_table(value, f"{place}.", problems)
        case list() | tuple() | range():
            return [_plain(inner, f"{place}[{at}]", problems) for at, inner in enumerate(value)]
    problems.append(f"{place}: found {value!r}; give a number, a text, a truth value, or a list or table of these")
    try:
        return deepcopy(value)
    except Exception:  # the checks copy the table, and a module or a generator cannot be copied
        return repr(value)


def _plain_table(table: Mapping[Any, object], place: str, problems: list[str]) -> dict[str, Any]:
    return {str(key): _plain(value, f"{place}{key}", problems) for key, value in table.items() if value is not None}


def _resolve(table: dict[str, Any], folder: Path) -> None:
    """Make the paths in a table absolute, in place; what is no path is left for the checks."""
    if isinstance(data := table.get("data"), dict):
        match data.get("source"):
            case str(source):
                data["source"] = resolved(source, folder)
            case [*sources]:
                data["source"] = [resolved(one, folder) if isinstance(one, str) else one for one in sources]
        if isinstance(votes := data.get("votes"), str):
            data["votes"] = resolved(votes, folder)
    if isinstance(track := table.get("track"), dict):
        for name in NAMES:
            if isinstance(entry := track.get(name), str) and entry.strip():
                track[name] = absolute(entry, folder)
    nets = table.get("nets")
    nets = nets if isinstance(nets, dict) else {}
    for net in nets.values():
        match net:
            case {"init_from": str(source)} if source not in nets and not source.startswith((BUNDLED, "box:")):
                net["init_from"] = str((folder / user_path(source)).resolve())
            case {"init_from": {"run": str(run)} as entry}:
                entry["run"] = str((folder / user_path(run)).resolve())
