"""Comments and texts of a TOML file."""

import textwrap
from collections.abc import Sequence

from mien.errors import UserError
from mien.study.config.toml_text import toml_value

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
    for text in [value] if isinstance(value, str) else value:
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise UserError(f"{text!r}: its name is not Unicode, and study files are; rename it")
    return toml_value(value)
