"""`mien plan`, `study`, `runs`, `compare`, `report`: plan runs, run them, compare them."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
