"""`mien explain`: what a finished run's net looks at."""

from pathlib import Path

import typer

from mien.cli.export import DATA, RUN
from mien.cli.progress import reading_faces
from mien.disk import user_path

METHOD = "grad_cam, saliency or occlusion; unless given, grad_cam where the net ends in averages, else occlusion."


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("explain", epilog="Example: [bold]mien explain out/quick/cnn_small -o cnn.png[/bold]")(explain)


def explain(
    run: Path = RUN,
    out: Path = typer.Option(
        "explained.png", "--out", "-o", parser=user_path, metavar="FILE", help="The PNG or SVG to draw."
    ),
    method: str = typer.Option("", "--method", help=METHOD, show_default=False),
    each: int = typer.Option(3, "-n", min=1, max=10, help="Faces of each emotion judged right, and as many wrong."),
    data: list[str] | None = DATA,
) -> None:
    """Draw which pixels a net's answers hang on: validation faces on which it was surest, rightly and wrongly.

    Orange speaks for the emotion that is written below, blue against it.
    """
    from mien.errors import UserError, did_you_mean
    from mien.explain.attribution import METHODS, Explainer
    from mien.explain.examples import surest
    from mien.explain.sheet import draw
    from mien.faces.contact_sheets import picture_format
    from mien.runs.resolve import faces_of, resolve_run

    picture_format(out)
    chosen = next((one for one in METHODS if one == method), None)
    if method and chosen is None:
        raise UserError(f"--method {method}: no such method; {did_you_mean(method, list(METHODS))}")
    found = resolve_run(run)
    with reading_faces():
        faces = faces_of(found, data or []).split("validation")
    explainer, said = Explainer(found, chosen), found.predictions("validation")
    assert said is not None
    looked = f" at {explainer.layer}" if explainer.method == "grad_cam" else ""
    caption = f"{found.net.name}, validation, {explainer.method}{looked}: {METHODS[explainer.method]}"
    right, wrong = draw(explainer, faces, surest(said.probabilities, said.labels, each), out, caption)
    typer.echo(f"drawn: {out}: {right} faces judged right, {wrong} judged wrong")
    typer.echo(caption)
