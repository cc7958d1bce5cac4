"""`mien export`: a finished run as one ONNX file."""

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
    help="A run's folder; a study's, for its best net; or STUDY/NAME, for that net, or those nets together.",
    show_default=False,
)
OUT = typer.Argument(..., parser=user_path, metavar="FILE.onnx", help="The file to write.", show_default=False)
DATA = typer.Option(
    None, "--data", metavar="SOURCE", help="The faces, if not where the study found them; again for each file."
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("export", epilog="Example: [bold]mien export out/quick quick.onnx --int8[/bold]")(export)


def export(
    run: Path = RUN,
    out: Path = OUT,
    int8: bool = typer.Option(False, "--int8", help="Compute in int8: a quarter of the size."),
    fp16: bool = typer.Option(False, "--fp16", help="Keep weights as float16: half the size."),
    name: str | None = typer.Option(None, "--name", help="What to call the model; the file's name unless given."),
    data: list[str] | None = DATA,
    temperature: bool = typer.Option(
        True, "--temperature/--no-temperature", help="Fit them on validation, so that probabilities mean what they say."
    ),
    logit_adjustment: float = typer.Option(
        0.0,
        "--logit-adjustment",
        metavar="SHARE",
        help="How much of what it learnt of how common each emotion is to take back, 0 to 1: rare ones gain.",
    ),
    card: bool = typer.Option(False, "--card", help="Write the model card beside it, as FILE.md."),
    start: bool = typer.Option(
        False, "--start", help="Leave what other studies' nets can start from beside it: its weights, in float16."
    ),
    licence: str = typer.Option("", "--licence", metavar="TEXT", help="That the model may be used under."),
    note: str = typer.Option("", "--note", metavar="TEXT", help="A sentence for its facts and its card."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Write a finished run, or nets together, as one ONNX file, from gray pixels to probabilities, compared with torch.

    No file is kept that differs: probabilities by more than 0.0001, or with --int8 and --fp16 accuracy by more than
    0.3 points lost on validation.
    """
    from mien.errors import UserError

    if int8 and fp16:
        raise UserError("--int8 with --fp16: a file has one precision; choose one of them")
    if not 0 <= logit_adjustment <= 1:
        raise UserError(f"--logit-adjustment {logit_adjustment:g}: give a share from 0, nothing, to 1, all of it")
    if out.suffix.lower() != ".onnx":
        raise UserError(f"{out}: the file to write must end in .onnx")
    for file in (out, out.with_suffix(".md")) if card else (out,):
        if file.is_dir():
            raise UserError(f"{file}: is a folder; a file of that name is to be written")
    from mien.export import write
    from mien.runs.resolve import faces_of, resolve_runs

    found = resolve_runs(run)
    if start and len(found.runs) > 1:
        raise UserError(
            f"--start: {found.name} is several nets together, and a net starts from one; export one of them with it"
        )
    with reading_faces():
        faces = faces_of(found.runs[0], data or [])
    precision: Precision = "int8" if int8 else "float16" if fp16 else "float32"
    done = write.export(
        found.runs,
        faces,
        out,
        precision,
        temperature,
        logit_adjustment,
        name=name or "",
        licence=licence,
        note=note,
        net=found.name,
        weights=found.weights,
    )
    if card:
        from mien.disk import write_text
        from mien.model_files.card import card_of

        write_text(out.with_suffix(".md"), card_of(done.facts, done.bytes))
    left = None
    if start:
        from mien.export.pretrained import leave_start

        left = leave_start(found.runs[0], out)
    _tell(done, left, as_json)


def _tell(done: "Exported", start: Path | None, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    if as_json:
        told: dict[str, Any] = asdict(done) | {"file": str(done.file), "start": str(start) if start else None}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    facts, found = done.facts, done.agreement
    typer.echo(f"{done.file}: {facts.name}, {facts.precision}, {done.bytes:,} bytes, {facts.parameters:,} parameters")
    if start:
        typer.echo(f"{start}: to start from, in another study's file: start = {json.dumps(str(start))}")
    classes = ", ".join(facts.classes)
    typer.echo(f"takes faces uint8 [N, {facts.height}, {facts.width}]; gives the probabilities of {classes}")
    typer.echo(
        f"beside torch in float32 on {found.faces:,} validation faces: the same answer on {found.same:.2%}, "
        f"probabilities within {found.largest:.2g}"
    )
    who = "the runs themselves" if facts.members else "the run itself"
    trained = f"; {who} judged {done.trained_accuracy:.2%}"
    typer.echo(f"validation accuracy: {found.accuracy:.2%}, torch {found.torch_accuracy:.2%}{trained}")
    for split in ("validation", "test"):
        if f"{split}_accuracy" in facts.scores:
            _tell_split(split, facts.scores, facts.temperature)


def _tell_split(split: str, scores: Any, temperature: float) -> None:
    mean, low, high, balanced, ece, before = (
        100 * scores[f"{split}_{name}"]
        for name in ("accuracy", "low", "high", "balanced_accuracy", "ece", "ece_before")
    )
    softened = f"calibration error {ece:.2f} %"
    if temperature != 1:
        softened += f" at temperatures around {temperature:.3f}, {before:.2f} % without"
    typer.echo(f"{split}: {mean:.1f} % right ({low:.1f} to {high:.1f}); balanced accuracy {balanced:.1f} %; {softened}")
