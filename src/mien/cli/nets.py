"""`mien nets`: list the built-in nets, or the layers of one."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from mien.nets import Net


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("nets", epilog="Example: [bold]mien nets cnn_1 --size 24[/]")(nets)


def nets(
    name: str | None = typer.Argument(None, help="A built-in net, to list its layers; by default all nets."),
    size: int = typer.Option(48, min=1, max=1024, help="The side of the faces in pixels."),
    classes: int = typer.Option(7, min=2, max=1000, help="The number of emotions."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
) -> None:
    """List the nets that come with mien, or the layers of one: shapes (channels first) and parameters."""
    import json

    from mien.errors import UserError, did_you_mean
    from mien.nets import ZOO

    if name is not None and name not in ZOO:
        raise UserError(f"no net is called {name!r}; {did_you_mean(name, list(ZOO))}")
    if as_json:
        entries = [_entries(net, size, classes) for net in ZOO.values()]
        typer.echo(json.dumps(entries if name is None else _entries(ZOO[name], size, classes), indent=2))
    elif name is None:
        _print_all(size, classes)
    else:
        _print_layers(ZOO[name], size, classes)


def _entries(net: "Net", size: int, classes: int) -> dict[str, Any]:
    from dataclasses import asdict

    from mien.nets import summary

    rows = summary(net, size, classes)
    return {
        "name": net.name,
        "kind": net.kind,
        "parameters": sum(row.parameters for row in rows),
        "trainable": sum(row.trainable for row in rows),
        "layers": [asdict(row) for row in rows],
    }


def _print_all(size: int, classes: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from mien.nets import ZOO

    table = Table("net", "kind", "layers", title=f"Nets, for faces of {size}x{size} and {classes} classes")
    table.add_column("parameters", justify="right")
    table.add_column("trainable", justify="right")
    for net in ZOO.values():
        entries = _entries(net, size, classes)
        table.add_row(
            net.name, net.kind, " ".join(net.layers), f"{entries['parameters']:,}", f"{entries['trainable']:,}"
        )
    Console().print(table)


def _print_layers(net: "Net", size: int, classes: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from mien.nets import summary

    rows = summary(net, size, classes)
    trainable = sum(row.trainable for row in rows)
    table = Table(title=f"{net.name}, for faces of {size}x{size} and {classes} classes", show_footer=True)
    table.add_column("layer", footer="all")
    table.add_column("word")
    table.add_column("output shape", justify="right")
    table.add_column("parameters", justify="right", footer=f"{sum(row.parameters for row in rows):,}")
    table.add_column("trainable", justify="right", footer=f"{trainable:,}")
    for row in rows:
        shape = " x ".join(map(str, row.output_shape))
        table.add_row(row.name, row.word, shape, f"{row.parameters:,}", f"{row.trainable:,}")
    Console().print(table)
