"""The command `mien`: a function for each verb, which imports what is heavy only when it runs."""

import gc
import os
import sys
from io import TextIOWrapper

import typer

from mien import __version__
from mien.cli import augment, backbones, explain, export, faces, init, models, nets, predict, serve, study, test
from mien.errors import UserError

app = typer.Typer(
    name="mien",
    help="A workbench for facial expression recognition: import faces, compare nets, read the report.",
    epilog="Example: [bold]mien study quick[/]",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(faces.app, name="faces")
app.add_typer(backbones.app, name="backbones")
app.add_typer(augment.app, name="augment")
nets.register(app)
init.register(app)
study.register(app)
predict.register(app)
export.register(app)
test.register(app)
explain.register(app)
app.add_typer(models.app, name="models")
serve.register(app)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"mien {__version__}")
        raise typer.Exit


NEEDS_TRAIN = ("backbones", "explain", "export", "nets", "plan", "report", "schema", "study", "trials")
"""The verbs that do nothing without the extra `train`."""


@app.callback()
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    verb = context.invoked_subcommand
    if verb in NEEDS_TRAIN and not {"-h", "--help"} & set(sys.argv):
        from mien.extras import require

        require("train", f"mien {verb}")


def main() -> None:
    """Run the command. A user's mistake or a missing extra is one message, exit code 2; a bug keeps its traceback."""
    # torch's threads wait for each other by spinning. Where another program uses a core too, that made a step tens of
    # times slower; a short spin costs next to nothing on idle cores. torch reads it when it is first imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    _set_matplotlib_folder()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A file name may have letters that the terminal's encoding lacks. Files and pipes get UTF-8 on Windows too.
            encoding = None if stream.isatty() or sys.platform != "win32" else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        app()
    except ModuleNotFoundError as error:
        from mien.extras import explained

        missing = explained(error)
        if missing is None:
            raise
        sys.stderr.write(f"mien: {missing}\n")
        sys.exit(2)
    except UserError as error:
        sys.stderr.write(f"mien: {error}\n")
        sys.exit(2)
    except (KeyboardInterrupt, SystemExit) as end:
        # typer turns Ctrl-C into exit code 130, without a message.
        if isinstance(end, SystemExit) and end.code != 130:
            raise
        sys.stderr.write("mien: stopped\n")
        sys.exit(1)
    finally:
        gc.freeze()  # a last garbage collection over all imported modules would delay the exit by some 20 ms


def _set_matplotlib_folder() -> None:
    """Let matplotlib use our cache where the home folder is not writable: else it warns, and lists all fonts."""
    cache, home = os.environ.get("MIEN_CACHE", ""), os.path.expanduser("~")  # noqa: PTH111 - pathlib's may raise
    if cache and not cache.startswith("~") and not os.access(home, os.W_OK | os.X_OK):
        os.environ.setdefault("MPLCONFIGDIR", os.path.join(cache, "matplotlib"))  # noqa: PTH118
