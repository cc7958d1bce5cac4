"""`--set key=value` and `--device`: change entries of a study's table from the command line."""

import re
import tomllib
from typing import Any

from mien.errors import UserError
from mien.study.config.former_keys import rename_former_keys

_PART = r"""[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'"""
_SETTING = re.compile(rf"\s*((?:{_PART})(?:\s*\.\s*(?:{_PART}))*)\s*=(.*)", re.DOTALL)


def parse_setting(text: str) -> tuple[tuple[str, ...], Any]:
    """Read `recipe.epochs=2` as `(("recipe", "epochs"), 2)`.

    The key is dotted as in TOML; a part with other characters than letters, digits, _ and - is quoted. The value is
    TOML; what is none, such as `sgd` or `faces/train.csv`, is taken as the text it is.

    Raises:
        UserError: no `=`, or no dotted key before it.
    """
    match = _SETTING.fullmatch(text)
    if match is None:
        raise UserError(f"--set {text}: not of the form key=value, with a dotted key such as recipe.epochs=2")
    key, value = match[1], match[2].strip()
    return tuple(part.strip("\"'") for part in re.findall(_PART, key)), _value(value)


def apply_setting(table: dict[str, Any], text: str) -> list[str]:
    """Change `table` as one `--set` says; tables on the way are made where missing.

    Returns:
        A note for each former key in it, which was renamed; see `former_keys`.

    Raises:
        UserError: the text cannot be read, or its key leads through something that is no table.
    """
    keys, value, notes = _renamed(*parse_setting(text))
    for depth, key in enumerate(keys[:-1], start=1):
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise UserError(f"--set {text}: {'.'.join(keys[:depth])} is {table!r}, not a table with keys of its own")
    table[keys[-1]] = value
    return [f"--set {text}: {note}" for note in notes]


def apply_device(table: dict[str, Any], name: str) -> None:
    """Set the device of every net's recipe in `table`, over what the file has; one that is no name is found later."""
    nets = table.get("nets")
    for owner in [table, *(nets.values() if isinstance(nets, dict) else ())]:
        # A net without a recipe is left without one: a search is known by what stands in its net's table.
        if isinstance(owner, dict) and isinstance(recipe := owner.get("recipe"), dict):
            owner["recipe"] = {key: value for key, value in recipe.items() if key != "device"}
    if isinstance(recipe := table.setdefault("recipe", {}), dict):
        recipe["device"] = name


def _renamed(keys: tuple[str, ...], value: Any) -> tuple[tuple[str, ...], Any, list[str]]:
    """A setting with its former keys under their present names, and a note for each."""
    table = value
    for key in reversed(keys):
        table = {key: table}
    notes, present = rename_former_keys(table), []
    for _ in keys:
        [(key, table)] = table.items()
        present.append(key)
    return tuple(present), table, notes


def _value(text: str) -> Any:
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # A line break in the text could start a second entry: then it is no TOML value.
    return read["value"] if len(read) == 1 else text
