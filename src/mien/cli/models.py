"""`mien models`: list, show and check the bundled models."""

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
    rows = [_entries(facts, files[name].stat().st_size) for name, facts in bundled_facts().items()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(rows)


@app.command(epilog="Example: [bold]mien models show best[/bold]")
def show(
    name: str = typer.Argument(..., help="A bundled model.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Print the facts as JSON."),
) -> None:
    """Show a model's facts and its card: data, protocol, scores, limits, what it must not be used for."""
    from mien.model_files.bundled import find_bundled
    from mien.model_files.facts import read_facts

    path = find_bundled(name)
    facts = read_facts(path)
    if as_json:
        import json

        typer.echo(json.dumps(_entries(facts, path.stat().st_size), indent=2, ensure_ascii=False))
        return
    card = path.with_suffix(".md")
    from mien.model_files.card import card_of

    typer.echo(card.read_text(encoding="utf-8") if card.exists() else card_of(facts, path.stat().st_size))


@app.command(epilog="Example: [bold]mien models check best[/bold]")
def check(
    name: str | None = typer.Argument(None, help="A bundled model, or a model file; by default all bundled models."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of lines."),
) -> None:
    """Check that models compute correctly on this machine, on the reference faces that each file holds.

    Exit code 1 if one of them does not.
    """
    import json

    from mien.model_files.bundled import bundled_models
    from mien.predict.classifier import Classifier

    checks = {model: Classifier(model).check_reference() for model in ([name] if name else bundled_models())}
    if as_json:
        rows = [
            {"model": model, "faces": done.faces, "largest": done.largest, "holds": done.holds}
            for model, done in checks.items()
        ]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for model, done in checks.items():
            typer.echo(f"{model}: {_verdict(done)}")
    raise typer.Exit(0 if all(done.holds for done in checks.values()) else 1)


def _verdict(check: "ReferenceCheck") -> str:
    from mien.errors import counted
    from mien.model_files.reference import TOLERANCE

    if not check.faces:
        return "not checked: the file holds no reference faces; export it again to have some"
    differs = (
        f"largest difference of a probability {check.largest:.4f} on {counted(check.faces, 'reference face')} "
        f"({TOLERANCE:g} is allowed)"
    )
    if check.holds:
        return f"correct on this machine; {differs}"
    return (
        f"WRONG on this machine: do not use it here; {differs}; "
        "try another version of onnxruntime, or a file in float32 (mien export without --int8)"
    )


def _entries(facts: "Facts", size: int) -> dict[str, Any]:
    from dataclasses import asdict

    return {"bytes": size, **asdict(facts)}


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        typer.echo("this installation has no bundled model; make one with: mien export RUN FILE.onnx")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("model", "precision", "faces"):
        table.add_column(heading, no_wrap=True)
    for heading in ("size", "parameters", "test %", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for facts in rows:
        accuracy, interval = _accuracy(facts["scores"])
        side = f"{facts['width']}x{facts['height']}"
        numbers = (f"{facts['bytes'] / 1e6:.2f} MB", f"{facts['parameters']:,}", accuracy, interval)
        table.add_row(facts["name"], facts["precision"], side, *numbers)
    console = Console(highlight=False)
    console.print(table)
    console.print("facts and card of one: mien models show NAME", style="dim")


def _accuracy(scores: dict[str, Any]) -> tuple[str, str]:
    if "test_accuracy" not in scores:
        return "", ""
    mean, low, high = (100 * scores[name] for name in ("test_accuracy", "test_low", "test_high"))
    return f"{mean:.1f}", f"{low:.1f} to {high:.1f}"
