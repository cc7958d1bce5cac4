"""Checks of a study file's tables: pydantic's errors as plain messages, all of them at once, each with its place."""

import re
from collections.abc import Iterable
from copy import deepcopy
from types import NoneType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from mien.disk import is_forbidden
from mien.errors import did_you_mean

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of studies and nets name folders too."""

NAME_RULE = "letters, digits, '.', '_' and '-' only, the first a letter or a digit"

_PLAIN_WORDS = {
    "valid integer": "whole number",
    "valid dictionary": "table",
    "valid string": "text",
    "valid tuple": "list",
    "valid ": "",
}

_Model = TypeVar("_Model", bound=BaseModel)

RecipeEntries = dict[str, Any]
"""Entries of a recipe as a file has them; they are checked where those of study and net are merged."""

Location = tuple[int | str, ...]
"""Where an entry stands in a table: its keys, and indices of lists, from the outside in."""


def name_problems(place: str, names: Iterable[str]) -> list[str]:
    """What is wrong with the names of folders and files that a study makes, on Windows and on macOS too.

    Args:
        place: where they stand, as "nets".
        names: those that `NAME` does not allow are refused elsewhere.
    """
    problems, lower = [], dict[str, str]()
    for name in names:
        if re.fullmatch(NAME, name) and is_forbidden(name):
            problems.append(f"{place}: {name!r} cannot be a file's name on Windows; take another")
        if (other := lower.setdefault(name.lower(), name)) != name:
            problems.append(f"{place}: {other!r} and {name!r} would be one file on Windows and on macOS; rename one")
    return problems


class Table(BaseModel):
    """A table of a study file: no unknown keys, no value turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def checked(
    model: type[_Model], table: dict[str, Any], problems: list[str], context: Any = None
) -> tuple[_Model, frozenset[Location]]:
    """Validate a table; entries with a mistake are left out, so that the others are checked all the same.

    Args:
        model: of the table; each of its entries has a default.
        table: as the file has it.
        problems: gets a message for each mistake.
        context: for pydantic's validators.

    Returns:
        The table without the entries that have mistakes, and where those stand.
    """
    left_out: frozenset[Location] = frozenset()
    while True:
        try:
            return model.model_validate(table, context=context), left_out
        except ValidationError as error:
            if not left_out:
                problems += [problem(detail, model, "") for detail in error.errors()]
            wrong = {_innermost(table, detail["loc"]) for detail in error.errors()}
            table, left_out = _without(table, wrong), left_out | wrong


def _innermost(table: dict[str, Any], location: Location) -> Location:
    """The innermost entry of a table, reached by keys alone, that a mistake stands in."""
    node: Any = table
    for depth, key in enumerate(location):
        if not isinstance(node, dict) or key not in node:
            return location[:depth]
        node = node[key]
    return location


def _without(table: dict[str, Any], entries: Iterable[Location]) -> dict[str, Any]:
    rest = deepcopy(table)
    for *path, last in sorted(entries, key=len, reverse=True):
        node: Any = rest
        for key in path:
            node = node[key]
        del node[last]
    return rest


def problem(detail: ErrorDetails, model: type[BaseModel], place: str) -> str:
    """One of pydantic's errors as a plain message: the place, what was found there, what is allowed."""
    where, kind, value = _place(place, detail["loc"]), detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {did_you_mean(str(detail['loc'][-1]), _keys(model, detail['loc'][:-1]))}"
    if kind == "missing":
        return f"{where}: missing"
    if kind == "model_type":
        return f"{where}: found {value!r}, should be a table"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        return f"{where}: found {value!r}; {did_you_mean(str(value), known)}"
    if kind == "string_pattern_mismatch":
        return f"{where}: found {value!r}; {NAME_RULE}"
    if kind == "value_error":
        return f"{where}: {detail['ctx']['error']}"
    allowed = re.sub(r"^\w+ should", "should", detail["msg"]).split(" after validation")[0]
    for theirs, plain in _PLAIN_WORDS.items():
        allowed = allowed.replace(theirs, plain)
    return f"{where}: found {value!r}, {allowed}"


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys of the table at a location of a model."""
    annotation: Any = model
    for key in location:
        fields = getattr(annotation, "model_fields", None)
        inner = fields[str(key)].annotation if fields else get_args(annotation)[-1]
        annotation = (
            next((part for part in get_args(inner) if part is not NoneType), inner) if _optional(inner) else inner
        )
    return list(annotation.model_fields)


def _optional(annotation: Any) -> bool:
    return NoneType in get_args(annotation)


def _place(place: str, location: Location) -> str:
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return place
