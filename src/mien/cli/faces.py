"""`mien faces`: import, show and audit faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli import faces_import
from mien.cli.data_options import CLASSES, listed
from mien.cli.progress import reading_faces
from mien.disk import user_path

if TYPE_CHECKING:
    from mien.faces.audit import Audit
    from mien.faces.types import Faces

app = typer.Typer(
    help="Import, show and audit faces.",
    epilog="Example: [bold]mien faces show drawn --grid faces.png -n 3[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
faces_import.register(app)

SOURCE = typer.Argument(
    help="A packed folder, csv file(s), a folder of csv files or of images, npz, parquet, or the word 'drawn'."
)
AS_JSON = typer.Option(False, "--json", help="Print JSON for scripts instead of a table.")


@app.command(epilog="Example: [bold]mien faces show drawn --grid faces.png -n 3[/]")
def show(
    source: list[str] = SOURCE,
    classes: str = CLASSES,
    as_json: bool = AS_JSON,
    picture: Path | None = typer.Option(
        None, "--grid", parser=user_path, metavar="FILE", help="Draw random faces of each emotion into this PNG or SVG."
    ),
    n: int = typer.Option(2, "-n", min=1, max=20, help="How many of each emotion to draw."),
    standardise: bool = typer.Option(False, help="Draw each image as (x - its mean) / its standard deviation."),
    seed: int = typer.Option(0, min=0, help="The seed of the choice of faces."),
    split: str = typer.Option("train", help="The split that they are drawn from: train, validation or test."),
) -> None:
    """Count the faces per split and emotion; with --grid, draw some."""
    from mien.faces import open_faces

    if picture is not None:
        _check_picture(picture)
    with reading_faces():
        faces = open_faces(source, classes=listed(classes))
    if picture is not None:
        _draw_grid(faces, picture, n, standardise, seed, split)
    if as_json:
        _echo_json(
            {
                "name": faces.name,
                "fingerprint": faces.fingerprint,
                "size": faces.size,
                "classes": faces.classes,
                "counts": faces.counts(),
                "left_out": faces.left_out,
                "notes": faces.notes,
            }
        )
        return
    _print_counts(faces)
    _say(f"drawn: {picture}" if picture is not None else "to see some of them, add --grid faces.png")


@app.command(epilog="Example: [bold]mien faces audit drawn --sheet audit.png[/]")
def audit(
    source: list[str] = SOURCE,
    classes: str = CLASSES,
    as_json: bool = AS_JSON,
    sheet: Path | None = typer.Option(
        None, "--sheet", parser=user_path, metavar="FILE", help="Draw examples of the faults into this PNG or SVG."
    ),
    votes: str | None = typer.Option(None, help="FER+'s file of votes, fer2013new.csv, if the source has no votes."),
    distance: int = typer.Option(
        0, min=0, max=16, help="How many of the 64 bits of near duplicates' hashes may differ."
    ),
) -> None:
    """Look for constant images, copies, leaks between splits, contradicting labels."""
    from mien.faces import open_faces
    from mien.faces.audit import audit as look_for_faults
    from mien.faces.audit import examples
    from mien.faces.contact_sheets import draw_examples

    if sheet is not None:
        _check_picture(sheet)
    with reading_faces():
        faces = open_faces(source, votes=votes, classes=listed(classes))
    report = look_for_faults(faces, distance)
    if sheet is not None:
        draw_examples(faces, examples(faces), sheet)
    if as_json:
        _echo_json(report.to_dict())
        return
    _print_audit(report)
    _print_notes(faces)
    _say(f"drawn: {sheet}" if sheet is not None else "to see examples, add --sheet audit.png")


def _check_picture(path: Path) -> None:
    from mien.faces.sheet import picture_format

    picture_format(path)


def _draw_grid(faces: Faces, path: Path, n: int, standardise: bool, seed: int, split: str) -> None:
    from mien.errors import UserError, did_you_mean
    from mien.faces.contact_sheets import draw_grid, grid, grid_caption
    from mien.faces.fer2013 import SPLITS

    if split not in SPLITS:
        raise UserError(f"--split {split}: no such split; {did_you_mean(split, SPLITS)}")
    if split not in faces.counts():
        raise UserError(f"--split {split}: {faces.name} has no face in it; there are: {', '.join(faces.counts())}")
    images, titles = grid(faces, n, seed, standardise, split)
    draw_grid(images, titles, path, grid_caption(faces, seed, standardise, split), standardise)


def _print_counts(faces: Faces) -> None:
    from mien.faces.clean import describe_left_out

    counts = faces.counts()
    title = f"{faces.name}: {len(faces):,} faces, {faces.size}x{faces.size}"
    table = _table(title, ["emotion", *(name for split in counts for name in (split, "%"))])
    totals = {split: sum(numbers.values()) for split, numbers in counts.items()}
    for emotion in faces.classes:
        cells = [(f"{row[emotion]:,}", f"{100 * row[emotion] / totals[split]:.1f}") for split, row in counts.items()]
        table.add_row(emotion, *(cell for pair in cells for cell in pair))
    table.add_section()
    table.add_row("all", *(cell for total in totals.values() for cell in (f"{total:,}", "100.0")))
    _say(table)
    _print_notes(faces)
    for line in describe_left_out(faces.left_out):
        _say(f"left out: {line}")
    _say(f"fingerprint {faces.fingerprint[:16]}")


def _print_notes(faces: Faces) -> None:
    from rich.markup import escape

    for note in faces.notes:
        _say(f"note: {escape(note)}")


def _print_audit(audit: Audit) -> None:
    table = _table(f"{audit.name}: {audit.images:,} faces audited", ["", "train", "validation", "test"])
    splits = list(audit.duplicates)
    table.add_row("constant images", *(f"{audit.constant[split]:,}" for split in splits))
    table.add_row("groups of copies within the split", *(f"{audit.duplicates[split].groups:,}" for split in splits))
    table.add_row("  images in them", *(f"{audit.duplicates[split].images:,}" for split in splits))
    table.add_row(
        "  groups with different labels", *(f"{audit.duplicates[split].conflicting_groups:,}" for split in splits)
    )
    for title, leaks in (("copies", audit.leaks), ("near duplicates", audit.near_duplicates)):
        table.add_row(f"{title} of train's images", "", *(f"{leaks[f'{split}_in_train']:,}" for split in splits[1:]))
        table.add_row(f"{title} of validation's images", "", "", f"{leaks['test_in_validation']:,}")
    _say(table)
    if audit.votes is not None:
        _print_votes(audit)
    for line in audit.advice():
        _say(f"- {line}")


def _print_votes(audit: Audit) -> None:
    assert audit.votes is not None
    table = _table("labels and FER+'s votes", ["label", "clear votes", "agree", "%"])
    for emotion, one in audit.votes.by_emotion.items():
        table.add_row(emotion, f"{one.clear:,}", f"{one.agree:,}", f"{100 * one.agreement:.1f}")
    table.add_section()
    table.add_row("all", f"{audit.votes.clear:,}", f"{audit.votes.agree:,}", f"{100 * audit.votes.agreement:.1f}")
    _say(table)


def _table(title: str, columns: list[str]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left")
    return table


def _say(what: Any) -> None:
    from rich.console import Console

    Console(highlight=False).print(what, soft_wrap=isinstance(what, str))


def _echo_json(value: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(value, indent=2))
