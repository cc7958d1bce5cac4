"""`mien faces ...`: import, show and audit faces."""

import typer

app = typer.Typer(help="Import, show and audit faces.", no_args_is_help=True)
