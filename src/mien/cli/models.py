"""`mien models`: the models that come with mien."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from mien.model_files.facts import Facts
    from mien.model_files.reference import ReferenceCheck

app = typer.Typer(
    help="List the models that come with mien; show one's facts and card.",
    epilog="Example: [bold]mien models --json[/bold]",
    invoke_without_command=True,
)


@app.callback()
def models(
    context: typer.Context,
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
) -> None:
    """List the models that come with mien: size, parameters, accuracy on test, the faces they take."""
    if context.invoked_subcommand:
        return
    import json

    from mien.model_files.bundled import bundled_facts, bundled_models

    files = bundled_models()
    told = [_told(facts, files[name].stat().st_size) for name, facts in bundled_facts().items()]
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(told)


@app.command(epilog="Example: [bold]mien models show best[/bold]")
def show(
    name: str = typer.Argument(..., help="A model of the box.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Print the facts as JSON."),
) -> None:
    """Show a model's facts and its card: data, protocol, scores, limits, what it must not be used for."""
    from mien.model_files.bundled import find_bundled
    from mien.model_files.facts import read_facts

    path = find_bundled(name)
    facts = read_facts(path)
    if as_json:
        import json

        typer.echo(json.dumps(_told(facts, path.stat().st_size), indent=2, ensure_ascii=False))
        return
    card = path.with_suffix(".md")
    from mien.model_files.card import card_of

    typer.echo(card.read_text(encoding="utf-8") if card.exists() else card_of(facts, path.stat().st_size))


@app.command(epilog="Example: [bold]mien models check best[/bold]")
def check(
    name: str | None = typer.Argument(None, help="A model of the box, or a model file; all of the box unless given."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of lines."),
) -> None:
    """Check that this machine gives a model's answers: those in its file, about the faces that the file carries.

    Exit code 1 if it does not for any of them.
    """
    import json

    from mien.model_files.bundled import bundled_models
    from mien.predict.classifier import Classifier

    checks = {model: Classifier(model).check_reference() for model in ([name] if name else bundled_models())}
    if as_json:
        rows = [
            {"model": model, "faces": found.faces, "largest": found.largest, "holds": found.holds}
            for model, found in checks.items()
        ]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for model, found in checks.items():
            typer.echo(f"{model}: {_verdict(found)}")
    raise typer.Exit(0 if all(found.holds for found in checks.values()) else 1)


def _verdict(found: "ReferenceCheck") -> str:
    from mien.model_files.reference import TOLERANCE

    if not found.faces:
        return "not checked: the file is older than these checks; export it anew to check it"
    differs = f"on {found.faces} faces a probability differs by {found.largest:.4f} at most ({TOLERANCE:g} is allowed)"
    if found.holds:
        return f"this machine gives its answers; {differs}"
    return (
        f"WRONG on this machine, so do not trust its answers here; {differs}; "
        "try another version of onnxruntime, or a file in float32 (mien export without --int8)"
    )


def _told(facts: "Facts", size: int) -> dict[str, Any]:
    from dataclasses import asdict

    return {"bytes": size, **asdict(facts)}


def _print(told: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not told:
        typer.echo("no model comes with this mien; make one with: mien export RUN FILE.onnx")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("model", "precision", "faces"):
        table.add_column(heading, no_wrap=True)
    for heading in ("size", "parameters", "test %", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for facts in told:
        accuracy, interval = _accuracy(facts["scores"])
        side = f"{facts['width']}x{facts['height']}"
        numbers = (f"{facts['bytes'] / 1e6:.2f} MB", f"{facts['parameters']:,}", accuracy, interval)
        table.add_row(facts["name"], facts["precision"], side, *numbers)
    console = Console(highlight=False)
    console.print(table)
    console.print("more of one: mien models show NAME", style="dim")


def _accuracy(scores: dict[str, Any]) -> tuple[str, str]:
    if "test_accuracy" not in scores:
        return "", ""
    mean, low, high = (100 * scores[name] for name in ("test_accuracy", "test_low", "test_high"))
    return f"{mean:.1f}", f"{low:.1f} to {high:.1f}"
