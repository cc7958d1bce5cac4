"""The verbs on writing study files: `mien init`, which writes one for the faces at hand, and `mien schema`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.cli.data_options import CLASSES, VALIDATION, listed
from mien.cli.progress import reading_faces
from mien.disk import user_path

if TYPE_CHECKING:
    from mien.faces import Faces

SCHEMA = "study.schema.json"
"""The file that `mien init --schema` writes beside the study."""

STDOUT = Path("-")

EPILOG = (
    "Examples: [bold]mien init faces/ -o study.toml[/]\n\n"
    "[bold]mien init DATASET --classes rafdb[/]\n\n"
    "[bold]mien init train=train.csv test=test.csv --validation 0.2 -o -[/]\n\n"
    "[bold]mien init drawn:2000 --schema[/]"
)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command(epilog=EPILOG)(init)
    app.command(epilog="Example: [bold]mien schema -o study.schema.json[/bold]")(schema)


def init(
    source: list[str] | None = typer.Argument(
        None,
        metavar="[SOURCE]...",
        help="The faces: a file, several, a folder, an archive, or drawn:2000; by default drawn.",
        show_default=False,
    ),
    out: Path = typer.Option(
        "study.toml", "-o", "--out", parser=user_path, metavar="FILE", help="The file to write; - prints it."
    ),
    classes: str = CLASSES,
    validation: float = VALIDATION,
    force: bool = typer.Option(False, "--force", help="Replace a file that is there."),
    with_schema: bool = typer.Option(
        False, "--schema", help=f"Write {SCHEMA} beside it, by which editors check and complete the file."
    ),
) -> None:
    """Write a study file for your faces: nets and settings that fit their number, with the reasons as comments."""
    from mien.disk import write_text
    from mien.errors import UserError
    from mien.faces import open_faces
    from mien.process import command_line
    from mien.study.starter.names import source_from
    from mien.study.starter.write import starter_study

    words = source or ["drawn"]
    if with_schema and out == STDOUT:
        raise UserError("--schema: is written beside a study file; name one by -o")
    if out != STDOUT and out.exists() and not force:
        raise UserError(f"{out}: is there already; name another file by -o, or replace it by --force")
    folder = Path() if out == STDOUT else out.parent
    with reading_faces():
        faces = open_faces(words, classes=listed(classes), validation=validation)
        file = "study.toml" if out == STDOUT else command_line([str(out)])
        beside = with_schema or (out != STDOUT and (folder / SCHEMA).is_file())
        text = starter_study(
            faces, source_from(words, folder), listed(classes), validation, file, f"./{SCHEMA}" if beside else ""
        )
    for note in faces.notes:
        typer.echo(f"note: {note}", err=True)
    if out == STDOUT:
        typer.echo(text, nl=False)
        return
    if with_schema:
        _write_schema(folder / SCHEMA)
    write_text(out, text)
    typer.echo(f"{_described(faces)}\nstudy: {out}\nnext:\n  mien plan {file}\n  mien study {file}")


def _described(faces: Faces) -> str:
    splits = ", ".join(f"{split} {sum(numbers.values()):,}" for split, numbers in faces.counts().items())
    return f"{faces.name}: {splits}; {len(faces.classes)} classes, {faces.size}x{faces.size}"


def schema(
    out: Path | None = typer.Option(
        None, "-o", "--out", parser=user_path, metavar="FILE", help="The file to write; by default it is printed."
    ),
) -> None:
    """Print the JSON schema of study files, by which editors check a file and complete and explain its keys."""
    if out is None:
        from mien.study.config.json_schema import study_schema

        typer.echo(study_schema(), nl=False)
    else:
        _write_schema(out)


def _write_schema(file: Path) -> None:
    from mien.disk import write_text
    from mien.extras import require

    require("train", "the schema of study files")
    from mien.study.config.json_schema import study_schema

    write_text(file, study_schema())
    typer.echo(f"schema: {file}")
