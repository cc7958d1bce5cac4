"""Checking a table of a study file: pydantic's findings in our words, every mistake at once, each with its place."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from mien.errors import did_you_mean

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of studies and nets name folders too."""

NAME_RULE = "letters, digits, '.', '_' and '-' only, the first a letter or a digit"

_OUR_WORDS = {
    "valid integer": "whole number",
    "valid dictionary": "table",
    "valid string": "text",
    "valid tuple": "list",
    "valid ": "",
}

_Model = TypeVar("_Model", bound=BaseModel)


class Table(BaseModel):
    """A table of a study file: no unknown keys, no value turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def section(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The table under a key; {} where there is none."""
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def checked(model: type[_Model], table: dict[str, Any], place: str, problems: list[str]) -> _Model:
    """The table as its model; entries with a mistake are told and left out, so that the others are checked too."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems += [problem(detail, model, place) for detail in error.errors()]
        wrong = {detail["loc"][0] for detail in error.errors()}
        return model.model_construct(**{key: value for key, value in table.items() if key not in wrong})


def problem(detail: ErrorDetails, model: type[BaseModel], place: str) -> str:
    """One mistake as pydantic found it, in our words: place, what was found, what is allowed."""
    where, kind, found = _place(place, detail["loc"]), detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {did_you_mean(str(detail['loc'][-1]), list(model.model_fields))}"
    if kind == "missing":
        return f"{where}: missing"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        return f"{where}: found {found!r}; {did_you_mean(str(found), known)}"
    if kind == "string_pattern_mismatch":
        return f"{where}: found {found!r}; {NAME_RULE}"
    if kind == "value_error":
        return f"{where}: {detail['ctx']['error']}"
    allowed = re.sub(r"^\w+ should", "should", detail["msg"]).split(" after validation")[0]
    for theirs, ours in _OUR_WORDS.items():
        allowed = allowed.replace(theirs, ours)
    return f"{where}: found {found!r}, {allowed}"


def _place(place: str, loc: tuple[int | str, ...]) -> str:
    for part in loc:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return place
