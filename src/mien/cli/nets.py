"""`mien nets`: the nets at hand and their layers."""

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
