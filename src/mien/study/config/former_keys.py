"""Keys of study files that have another name now: files that exist are read for one version more, with a note."""

from collections.abc import Iterator, Mapping
from typing import Any

from mien.runs.former_names import FORMER_NAMES

_OF_A_RECIPE = {former: name for former, name in FORMER_NAMES.items() if former != "start"}
_OF_HYPERPARAMETERS = {f"recipe.{former}": f"recipe.{name}" for former, name in _OF_A_RECIPE.items()}
_BUNDLED = ("box:", "bundled:")
_BACK = {name: former for former, name in (FORMER_NAMES | _OF_HYPERPARAMETERS | {"start": "enqueue"}).items()} | {
    "init_from": "start"
}


def rename_former_keys(table: dict[str, Any]) -> list[str]:
    """Give a study file's former keys their names of today, in place; a note for each, with its place."""
    return [note for place, inner, names in _places(table) for note in _rename(inner, names, place)]


def in_former_keys(value: Any) -> Any:
    """A part of a study file as its keys were before, so that the search it asks for keeps the id that it had."""
    if isinstance(value, Mapping):
        return {_BACK.get(key, key): in_former_keys(inner) for key, inner in value.items()}
    return [in_former_keys(inner) for inner in value] if isinstance(value, list) else value


def _places(table: dict[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, str]]]:
    """Every table of a study file that has former keys: its place, itself, and its names."""
    yield "recipe", table.get("recipe"), _OF_A_RECIPE
    for name, preview in _tables(table.get("previews")):
        yield f"previews.{name}", preview, _OF_A_RECIPE
    for name, net in _tables(table.get("nets")):
        place = f"nets.{name}"
        yield place, net, {"start": "init_from"}
        yield f"{place}.recipe", net.get("recipe"), _OF_A_RECIPE
        if isinstance(tune := net.get("tune"), dict):
            yield f"{place}.tune", tune, {"start": "enqueue"}
            yield f"{place}.tune.space", tune.get("space"), _OF_HYPERPARAMETERS
            enqueued = tune.get("enqueue")
            for index, values in enumerate(enqueued if isinstance(enqueued, list) else ()):
                yield f"{place}.tune.enqueue[{index}]", values, _OF_HYPERPARAMETERS


def _tables(table: Any) -> list[tuple[str, dict[str, Any]]]:
    entries = table.items() if isinstance(table, dict) else ()
    return [(name, inner) for name, inner in entries if isinstance(inner, dict)]


def _rename(table: Any, names: Mapping[str, str], place: str) -> Iterator[str]:
    """Rename a table's keys in place, their order kept; a key whose new name stands there too is left, and refused."""
    if not isinstance(table, dict):
        return
    former = {key: names[key] for key in table if key in names and names[key] not in table}
    renamed = {former.get(key, key): value for key, value in table.items()}
    table.clear()
    table.update(renamed)
    for key, name in former.items():
        yield f"{place}.{key} is called {name} now; this version still reads the former name"
    before, after = _BUNDLED
    source = table.get("init_from")
    if isinstance(source, str) and source.startswith(before):
        table["init_from"] = after + source.removeprefix(before)
        yield f"{place}.init_from: {source!r} is {table['init_from']!r} now; this version still reads the former name"
