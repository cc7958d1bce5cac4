"""`mien serve`: start the web page and the REST service."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.disk import user_path

if TYPE_CHECKING:
    from mien.serve.server_config import ServerConfig

EXAMPLE = "Example: [bold]mien serve --runs out --port 8000[/]"


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("serve", epilog=EXAMPLE)(serve)


def serve(
    runs: Path = typer.Option(
        Path("out"), "--runs", parser=user_path, metavar="DIR", help="The folder of the studies to show."
    ),
    data: list[str] | None = typer.Option(
        None, "--data", metavar="SOURCE", help="Faces to show besides those of the studies; again for each."
    ),
    model: str | None = typer.Option(
        None, "--model", metavar="MODEL", help="A bundled model (mien models), or a model file. [default: best]"
    ),
    host: str = typer.Option(
        "127.0.0.1", "--host", help="The address to listen on; any but this machine's own needs --token."
    ),
    port: int = typer.Option(8000, "--port", min=0, max=65535, help="The port; 0 takes a free one."),
    token: str = typer.Option(
        "", "--token", envvar="MIEN_TOKEN", metavar="TEXT", help="The token that requests must carry.", show_envvar=True
    ),
    limit: list[str] | None = typer.Option(
        None, "--limit", metavar="NAME=NUMBER", help="Change a limit, such as queue=128; again for each."
    ),
    browser: bool | None = typer.Option(
        None, "--open/--no-open", help="Open the page in a browser; by default only if there is a screen."
    ),
) -> None:
    """Serve a web page that classifies photos and the webcam and follows studies, and the same as a REST service.

    Ctrl-C or SIGTERM stops it after it has answered the requests that it accepted.
    """
    config = _config(runs, data or [], model, host, port, token, limit or [])
    from mien.serve.app import make_app
    from mien.serve.server import listen, run

    listening = listen(config)
    with listening:
        app = make_app(config)
        if app.models.current and not app.models.current.check.holds:
            typer.echo(
                f"mien: warning: the model {app.models.in_use!r} computes wrongly on this machine; "
                f"see: mien models check {model or app.models.in_use}",
                err=True,
            )
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}"

        def ready() -> None:
            typer.echo(f"mien serves at {address} (Ctrl-C stops it)")
            if browser if browser is not None else _has_screen():
                import webbrowser

                webbrowser.open(address)

        run(app, listening, config, ready)


def _config(
    runs: Path, data: list[str], model: str | None, host: str, port: int, token: str, limit: list[str]
) -> "ServerConfig":
    from mien.extras import require

    require("serve", "mien serve")
    from mien.serve.limits import Limits
    from mien.serve.server_config import ServerConfig

    return ServerConfig(runs, tuple(data), model, token, host, port, Limits.of(limit))


def _has_screen() -> bool:
    """Whether a browser can be opened for the user who started this."""
    import os
    import sys

    shown = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stdout.isatty() and bool(shown) and "SSH_CONNECTION" not in os.environ
