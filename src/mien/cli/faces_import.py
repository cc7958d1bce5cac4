"""`mien faces import`: read faces from any source into a packed folder."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.cli.data_options import CLASSES, VALIDATION, listed
from mien.disk import user_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.faces.images import FaceReader
    from mien.faces.source import Source

EPILOG = (
    "Examples: [bold]mien faces import train=train.csv validation=val.csv test=test.csv -o fer2013[/]\n\n"
    "[bold]mien faces import fer2013 --votes fer2013new.csv --labels majority -o ferplus[/]\n\n"
    "[bold]mien faces import photos/ --photos -o faces[/]\n\n"
    "[bold]mien faces import DATASET --classes rafdb --validation 0.1 -o rafdb[/]\n\n"
    "[bold]mien faces import drawn:2000 -o faces[/]"
)


def register(app: typer.Typer) -> None:
    """Add the verb to `mien faces`."""
    app.command("import", epilog=EPILOG)(import_faces)


def import_faces(
    source: list[str] = typer.Argument(
        help="A csv (also .gz, .bz2, .xz, .zst), npz or parquet file; several, whose splits their names say, or "
        "train=PATH; a folder of such files, of npy files, or of images as split/emotion/*.png; a zip or tar file of "
        "any of these; packed faces; or drawn:2000."
    ),
    out: Path = typer.Option(
        ...,
        "-o",
        "--out",
        parser=user_path,
        metavar="DIR",
        help="The folder to write; packed faces there are replaced.",
    ),
    votes: str | None = typer.Option(None, help="FER+'s file of votes, fer2013new.csv, to add."),
    size: int | None = typer.Option(
        None, help="Scale the images down to this side in pixels, as 24, by averaging areas."
    ),
    labels: str = typer.Option(
        "own",
        help="own: the source's labels. majority: those of FER+'s votes, eight classes; unclear faces are left out. "
        "agreed: the source's labels; faces on which FER+'s majority differs are left out.",
    ),
    clean: str = typer.Option(
        "", help="What to leave out of train, with commas: constant, no_face, conflicts, leaks, copies."
    ),
    classes: str = CLASSES,
    validation: float = VALIDATION,
    photos: bool = typer.Option(
        False, "--photos", help="The images are photos, not ready faces: find each one's largest face, and cut it out."
    ),
    max_pixels: int | None = typer.Option(
        None, "--max-pixels", min=1, help="Most pixels that an image may have; 128000000 by default."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Read faces into a packed folder, which opens in milliseconds.

    With --photos faces are turned upright and cut out as FER2013's are; photos in which none is found are left out.
    """
    from dataclasses import asdict

    from rich.console import Console

    from mien.errors import UserError, did_you_mean
    from mien.faces.clean import describe_left_out
    from mien.faces.packed import check_replaceable, write_packed
    from mien.faces.source import source_files
    from mien.faces.spec import LABELS, FacesSpec

    if labels not in LABELS:
        raise UserError(f"--labels {labels}: {did_you_mean(labels, LABELS)}")
    spec = FacesSpec(tuple(source), size, votes, labels, listed(clean), listed(classes), validation)
    spec.check()
    check_replaceable(out)
    origin = spec.find()
    with _reader(origin, photos, spec.classes, max_pixels) as reader:
        faces = spec.read(reader)
        write_packed(faces, out, source_files(origin))
    skipped = origin.passed_over()
    if as_json:
        import json

        head = {"folder": str(out), "faces": len(faces), "size": faces.size, "classes": faces.classes}
        head |= {"counts": faces.counts(), "left_out": faces.left_out, "notes": faces.notes}
        head["passed_over"] = [{"folder": str(folder), **asdict(left)} for folder, left in skipped]
        typer.echo(json.dumps(head | {"fingerprint": faces.fingerprint}, indent=2))
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
    for note in faces.notes:
        console.print(f"note: {note}", soft_wrap=True, highlight=False, markup=False)
    for line in describe_left_out(faces.left_out):
        console.print(f"left out: {line}", soft_wrap=True, highlight=False)
    for folder, left in skipped:
        console.print(f"passed over in {folder}: {left}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"fingerprint {faces.fingerprint}", soft_wrap=True, highlight=False)
    if "train" in counts and "validation" not in counts:
        console.print("no validation split, which a study needs: --validation 0.1 takes one from train", soft_wrap=True)


@contextmanager
def _reader(source: Source, photos: bool, classes: tuple[str, ...], max_pixels: int | None) -> Iterator[FaceReader]:
    """Give the function that turns image files into faces, and show progress while it is used."""
    from mien.faces.decoding import MAX_PIXELS, SUFFIXES

    limit = max_pixels or MAX_PIXELS
    if photos:
        from mien.cli.progress import counting
        from mien.predict.photos import photo_reader

        with counting("photos", len(source.photos(SUFFIXES, classes)[0])) as seen:
            yield photo_reader(seen, limit)
        return
    from rich.console import Console

    from mien.faces.images import ready_reader

    with Console(stderr=True).status(f"reading {source.name}"):
        yield ready_reader(limit)
