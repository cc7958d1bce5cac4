"""`mien explain`: draw which pixels a finished run's net looks at."""

from pathlib import Path

import typer

from mien.cli.export import DATA, RUN
from mien.cli.progress import reading_faces
from mien.disk import user_path

METHOD = "grad_cam, saliency or occlusion; by default grad_cam if the net ends in averages, else occlusion."


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("explain", epilog="Example: [bold]mien explain out/quick/cnn_small -o cnn.png[/bold]")(explain)


def explain(
    run: Path = RUN,
    out: Path = typer.Option(
        "explained.png", "--out", "-o", parser=user_path, metavar="FILE", help="The PNG or SVG to draw."
    ),
    method: str = typer.Option("", "--method", help=METHOD, show_default=False),
    each: int = typer.Option(
        3, "-n", min=1, max=10, help="Faces of each emotion that are predicted correctly, and as many that are not."
    ),
    data: list[str] | None = DATA,
    device: str = typer.Option(
        "auto", "--device", metavar="DEVICE", help="What computes: auto, cpu, cuda, cuda:1, mps."
    ),
) -> None:
    """Draw which pixels decide a net's predictions, on the validation faces of which it was surest, correct and wrong.

    Orange is evidence for the emotion that is written below, blue against it.
    """
    from mien.errors import UserError, counted, did_you_mean
    from mien.explain.attribution import METHODS, Explainer
    from mien.explain.sheet import draw, most_confident
    from mien.faces.sheet import picture_format
    from mien.runs.resolve import faces_of, resolve_run
    from mien.training.device import named_device

    picture_format(out)
    computes = named_device(device)
    known = next((one for one in METHODS if one == method), None)
    if method and known is None:
        raise UserError(f"--method {method}: no such method; {did_you_mean(method, list(METHODS))}")
    resolved = resolve_run(run)
    with reading_faces():
        faces = faces_of(resolved, data or []).split("validation")
    explainer, predictions = Explainer(resolved, known, computes), resolved.predictions("validation")
    assert predictions is not None
    layer = f" at {explainer.layer}" if explainer.method == "grad_cam" else ""
    caption = f"{resolved.net.name}, validation, {explainer.method}{layer}: {METHODS[explainer.method]}"
    examples = most_confident(predictions.probabilities, predictions.labels, each)
    correct, wrong = draw(explainer, faces, examples, out, caption)
    typer.echo(f"drawn: {out}: {counted(correct, 'face')} predicted correctly, {wrong} wrongly")
    typer.echo(caption)
