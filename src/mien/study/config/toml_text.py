"""A study's table as TOML text, which reads back as the same table in the same order; Python itself only reads TOML."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TypeAlias

TomlValue: TypeAlias = "str | int | float | bool | Sequence[TomlValue] | Mapping[str, TomlValue]"
"""What a study's table may hold."""

TomlTable: TypeAlias = Mapping[str, TomlValue]
"""A study's table, or one in it."""

WIDTH = 100
"""Columns beyond which a list is written with a line for each of its entries."""


def toml_text(table: TomlTable) -> str:
    """Write a table as TOML.

    Args:
        table: of texts, whole and other numbers, truth values, and lists and tables of these; keys are texts.

    Returns:
        Text that `tomllib.loads` reads as an equal table, its keys in the same order.
    """
    return "".join(_lines(table, ())).lstrip("\n")


def toml_value(value: TomlValue) -> str:
    """One value as TOML on one line; a table as an inline one: `{ epochs = 2, augment = ["flip"] }`."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if isfinite(value) else str(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            inner = ", ".join(f"{_key(key)} = {toml_value(one)}" for key, one in value.items())
            return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(map(toml_value, value))}]"


def _lines(table: TomlTable, path: tuple[str, ...]) -> Iterator[str]:
    """The entries of a table; then, each under a heading, the tables that no other entry follows."""
    entries = list(table.items())
    plain = max((place for place, (_, value) in enumerate(entries, 1) if not isinstance(value, Mapping)), default=0)
    if path and (plain or not entries):
        yield f"\n[{'.'.join(map(_key, path))}]\n"
    for key, value in entries[:plain]:
        yield f"{_key(key)} = {_broken(value)}\n"
    for key, value in entries[plain:]:
        if isinstance(value, Mapping):
            yield from _lines(value, (*path, key))


def _broken(value: TomlValue) -> str:
    line = toml_value(value)
    if len(line) <= WIDTH or isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        return line
    return "".join(["[\n", *(f"  {toml_value(one)},\n" for one in value), "]"])


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
