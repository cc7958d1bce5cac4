"""Comments and texts of a TOML file."""

import json
import textwrap
from collections.abc import Sequence

from mien.errors import UserError

WIDTH = 118
"""Columns of a comment."""


def off(lines: str) -> str:
    """Settings as comments without a space; comments stay as they are."""
    return "\n".join(line if line.startswith("#") else f"#{line.lstrip()}" for line in lines.splitlines())


def comment(text: str) -> str:
    """A text as comments of TOML, wrapped."""
    return "\n".join(f"# {line}" for line in textwrap.wrap(plain(text), WIDTH - 2, break_on_hyphens=False))


def plain(text: str) -> str:
    """A text on one line, without characters that a comment of TOML may not have."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def toml(value: str | Sequence[str]) -> str:
    """A text or a list of texts as TOML has it."""
    if not isinstance(value, str):
        return f"[{', '.join(map(toml, value))}]"
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UserError(f"{value!r}: its name is not Unicode, and study files are; rename it")
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
