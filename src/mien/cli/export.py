"""`mien export`: write a finished run as one ONNX file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli.progress import reading_faces
from mien.disk import user_path

if TYPE_CHECKING:
    from mien.export.agreement import Precision
    from mien.export.write import Exported

RUN = typer.Argument(
    ...,
    parser=user_path,
    metavar="RUN",
    help="A run's folder; a study's folder, for its best net; or STUDY/NAME, for that net or ensemble.",
    show_default=False,
)
OUT = typer.Argument(..., parser=user_path, metavar="FILE.onnx", help="The file to write.", show_default=False)
DATA = typer.Option(
    None, "--data", metavar="SOURCE", help="The faces, if they have moved since the study; again for each file."
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("export", epilog="Example: [bold]mien export out/quick quick.onnx --int8[/bold]")(export)


def export(
    run: Path = RUN,
    out: Path = OUT,
    int8: bool = typer.Option(False, "--int8", help="Compute in int8: a quarter of the size."),
    fp16: bool = typer.Option(False, "--fp16", help="Store weights as float16: half the size."),
    name: str | None = typer.Option(None, "--name", help="The model's name; by default the file's."),
    data: list[str] | None = DATA,
    temperature: bool = typer.Option(
        True, "--temperature/--no-temperature", help="Calibrate the probabilities: fit temperatures on validation."
    ),
    logit_adjustment: float = typer.Option(
        0.0,
        "--logit-adjustment",
        metavar="SHARE",
        help="Strength of logit adjustment, 0 to 1; higher favours rare emotions.",
    ),
    card: bool = typer.Option(False, "--card", help="Write the model card beside it, as FILE.md."),
    with_weights: bool = typer.Option(
        False, "--with-weights", help="Also write its weights, in float16, for the init_from of nets in other studies."
    ),
    former_start: bool = typer.Option(False, "--start", hidden=True),
    licence: str = typer.Option("", "--licence", metavar="TEXT", help="The licence of the model."),
    note: str = typer.Option("", "--note", metavar="TEXT", help="A sentence for the model's facts and its card."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Write a finished run or an ensemble as one ONNX file, from gray pixels to probabilities, compared with torch.

    A file that differs is not written: by more than 0.0001 in a probability, or, with --int8 and --fp16, by more than
    0.3 points of validation accuracy lost.
    """
    from mien.errors import UserError

    if int8 and fp16:
        raise UserError("--int8 with --fp16: a file has one precision; choose one")
    if not 0 <= logit_adjustment <= 1:
        raise UserError(f"--logit-adjustment {logit_adjustment:g}: give a number from 0 to 1")
    if out.suffix.lower() != ".onnx":
        raise UserError(f"{out}: the file to write must end in .onnx")
    for file in (out, out.with_suffix(".md")) if card else (out,):
        if file.is_dir():
            raise UserError(f"{file}: is a folder; name a file")
    from mien.export import write
    from mien.runs.resolve import faces_of, resolve_runs

    resolved = resolve_runs(run)
    with_weights = with_weights or former_start
    if with_weights and len(resolved.runs) > 1:
        raise UserError(
            f"--with-weights: {resolved.name} is an ensemble, and init_from takes one net; export one of its nets"
        )
    with reading_faces():
        faces = faces_of(resolved.runs[0], data or [])
    precision: Precision = "int8" if int8 else "float16" if fp16 else "float32"
    exported = write.export(
        resolved.runs,
        faces,
        out,
        precision,
        temperature,
        logit_adjustment,
        name=name or "",
        licence=licence,
        note=note,
        net=resolved.name,
        weights=resolved.weights,
    )
    if card:
        write.write_card(exported)
    weights = None
    if with_weights:
        from mien.export.pretrained import save_pretrained

        weights = save_pretrained(resolved.runs[0], out)
    _print(exported, weights, as_json)


def _print(exported: "Exported", weights: Path | None, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        entries: dict[str, Any] = asdict(exported) | {"file": str(exported.file)}
        entries["weights"] = str(weights) if weights else None
        typer.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    file, *others = exported.lines
    typer.echo(file)
    if weights:
        typer.echo(f"{weights}: initial weights for another study's net: init_from = {json.dumps(str(weights))}")
    for line in others:
        typer.echo(line)
