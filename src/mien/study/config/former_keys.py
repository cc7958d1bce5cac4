"""Keys of study files that have another name now: files that exist are read for one version more, with a note."""

from collections.abc import Iterator, Mapping
from typing import Any

from mien.runs.former_names import FORMER_NAMES

_OF_RECIPES = {former: name for former, name in FORMER_NAMES.items() if former != "start"}
_OF_HYPERPARAMETERS = {f"recipe.{former}": f"recipe.{name}" for former, name in _OF_RECIPES.items()}
_OF_NETS = {"start": "init_from"}
_OF_TUNE = {"start": "enqueue"}
_FORMER_KEYS = {
    name: former for names in (_OF_RECIPES, _OF_HYPERPARAMETERS, _OF_NETS, _OF_TUNE) for former, name in names.items()
}
"""The former name of each key that has another one now."""

_FORMER_BUNDLED, _BUNDLED = "box:", "bundled:"


def rename_former_keys(table: dict[str, Any]) -> list[str]:
    """Give a study file's former keys their present names, in place; a note for each, with its place.

    A former key that stands beside its present name is left, so that the checks refuse it.
    """
    return [note for place, inner, names in _places(table) for note in _rename(inner, names, place)]


def in_former_keys(value: Any) -> Any:
    """A part of a study file under its former keys: a search takes its id from these, so the id stays what it was."""
    if isinstance(value, Mapping):
        return {_FORMER_KEYS.get(key, key): in_former_keys(inner) for key, inner in value.items()}
    return [in_former_keys(inner) for inner in value] if isinstance(value, list) else value


def _places(table: dict[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, str]]]:
    """Every table of a study file that may have former keys: its place, the table, and the present name of each."""
    yield "recipe", table.get("recipe"), _OF_RECIPES
    for name, preview in _tables(table.get("previews")):
        yield f"previews.{name}", preview, _OF_RECIPES
    for name, net in _tables(table.get("nets")):
        place = f"nets.{name}"
        yield place, net, _OF_NETS
        yield f"{place}.recipe", net.get("recipe"), _OF_RECIPES
        if isinstance(tune := net.get("tune"), dict):
            yield f"{place}.tune", tune, _OF_TUNE
            yield f"{place}.tune.space", tune.get("space"), _OF_HYPERPARAMETERS
            enqueued = tune.get("enqueue")
            for index, values in enumerate(enqueued if isinstance(enqueued, list) else ()):
                yield f"{place}.tune.enqueue[{index}]", values, _OF_HYPERPARAMETERS


def _tables(table: Any) -> list[tuple[str, dict[str, Any]]]:
    entries = table.items() if isinstance(table, dict) else ()
    return [(name, inner) for name, inner in entries if isinstance(inner, dict)]


def _rename(table: Any, names: Mapping[str, str], place: str) -> Iterator[str]:
    """Rename a table's keys in place; their order stays."""
    if not isinstance(table, dict):
        return
    former = {key: names[key] for key in table if key in names and names[key] not in table}
    renamed = {former.get(key, key): value for key, value in table.items()}
    table.clear()
    table.update(renamed)
    for key, name in former.items():
        yield f"{place}.{key} is called {name} now; this version still reads the former name"
    source = table.get("init_from")
    if names is _OF_NETS and isinstance(source, str) and source.startswith(_FORMER_BUNDLED):
        table["init_from"] = _BUNDLED + source.removeprefix(_FORMER_BUNDLED)
        yield f"{place}.init_from: {source!r} is {table['init_from']!r} now; this version still reads the former name"
