"""The verbs on writing study files: `mien init`, which writes one for the faces at hand, and `mien schema`."""

from __future__ import annotations

from pathlib import Path

import typer

from mien.disk import user_path


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command(epilog="Example: [bold]mien schema -o study.schema.json[/bold]")(schema)


def schema(
    out: Path | None = typer.Option(
        None, "-o", "--out", parser=user_path, metavar="FILE", help="The file to write; by default stdout."
    ),
) -> None:
    """Print the JSON schema of study files, by which editors check a file and complete and explain its keys."""
    from mien.disk import write_text
    from mien.study.config.json_schema import study_schema

    if out is None:
        typer.echo(study_schema(), nl=False)
    else:
        write_text(out, study_schema())
        typer.echo(f"schema: {out}")
