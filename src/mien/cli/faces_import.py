"""`mien faces import`: read faces from any source into a packed folder."""

from pathlib import Path

import typer

EPILOG = (
    "Examples: [bold]mien faces import train=train.csv validation=val.csv test=test.csv -o fer2013[/]\n\n"
    "[bold]mien faces import drawn:2000 -o faces[/]"
)


def register(app: typer.Typer) -> None:
    """Add the verb to `mien faces`."""
    app.command("import", epilog=EPILOG)(import_faces)


def import_faces(
    source: list[str] = typer.Argument(
        help="A csv (also .gz, .bz2, .xz, .zst), npz or parquet file; several, told apart by their names or as "
        "train=PATH; a folder of such files, or of images as split/emotion/*.png; packed faces; or drawn:2000."
    ),
    out: Path = typer.Option(..., "-o", "--out", help="The folder to write; packed faces there are replaced."),
    votes: str | None = typer.Option(None, help="FER+'s file of votes, fer2013new.csv, to join."),
    size: int | None = typer.Option(
        None, help="A smaller side of the images in pixels, as 24: scaled by area-averaging."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Read faces into a packed folder, which opens in milliseconds."""
    from rich.console import Console

    from mien.faces.packed import check_replaceable, write_packed
    from mien.faces.source import file_records, find_source, read_source

    check_replaceable(out)
    found = find_source(source, votes)
    with Console(stderr=True).status(f"reading {', '.join(source)}"):
        faces = read_source(found, size)
        write_packed(faces, out, file_records(found))
    if as_json:
        import json

        head = {"folder": str(out), "faces": len(faces), "size": faces.size, "classes": faces.classes}
        typer.echo(json.dumps(head | {"counts": faces.counts(), "fingerprint": faces.fingerprint}, indent=2))
        return
    from rich.table import Table

    counts = faces.counts()
    table = Table("emotion", title=f"{len(faces):,} faces in {out}")
    for split in counts:
        table.add_column(split, justify="right")
    for emotion in faces.classes:
        table.add_row(emotion, *(f"{counts[split][emotion]:,}" for split in counts))
    table.add_section()
    table.add_row("all", *(f"{sum(counts[split].values()):,}" for split in counts))
    console = Console()
    console.print(table)
    console.print(f"fingerprint {faces.fingerprint}", soft_wrap=True, highlight=False)
