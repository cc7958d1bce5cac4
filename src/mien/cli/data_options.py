"""Options on how a source of faces is read, shared by the verbs that take one."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from mien.disk import user_path

CLASSES = typer.Option(
    "",
    "--classes",
    metavar="NAMES",
    help="What classes that are numbers mean: rafdb, affectnet7, affectnet8, fer2013, ferplus or ckplus; or a name for "
    "each number, in their order, with commas.",
    show_default=False,
)
VALIDATION = typer.Option(
    0.0,
    "--validation",
    metavar="SHARE",
    help="Take this share of train for validation, as 0.1, where the source has no validation split.",
    show_default=False,
)


def listed(text: str) -> tuple[str, ...]:
    """Split the value of an option that takes several words, separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def as_settings(classes: str, validation: float) -> list[str]:
    """The same as values of a study's `--set`."""
    names = [f"data.classes={json.dumps(listed(classes), ensure_ascii=False)}"] if listed(classes) else []
    return names + ([f"data.validation={validation:g}"] if validation else [])


def study_file(word: str) -> Path:
    """The study file that a user names: by its path, or a bundled one by its name."""
    from mien.studies import find_study

    return find_study(word) or user_path(word)
