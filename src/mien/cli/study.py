"""The verbs on studies: `mien studies`, `plan`, `study`, `runs`, `trials`, `compare`, `report`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli.data_options import CLASSES, VALIDATION, as_settings, study_file
from mien.cli.progress import reading_faces
from mien.disk import user_path
from mien.errors import UserError

if TYPE_CHECKING:
    from mien.runs.summary import RunSummary

FILE = typer.Argument(
    ...,
    parser=study_file,
    metavar="FILE",
    help="A study file (TOML), or the name of one that comes with mien (mien studies).",
    show_default=False,
)
DATA = typer.Option(
    None, "--data", metavar="SOURCE", help="The faces, in place of the file's; again for each file of them."
)
SET = typer.Option(
    None, "--set", metavar="KEY=VALUE", help="Change an entry of the file, as recipe.epochs=2; repeatable."
)
OUT = typer.Option(
    None,
    "-o",
    "--out",
    parser=user_path,
    metavar="DIR",
    help="The study's folder; by default out/NAME.",
    show_default=False,
)
DEVICE = typer.Option(
    "", "--device", metavar="DEVICE", help="What trains: auto, cpu, cuda, cuda:1 or mps; by default the recipes' own."
)
ENGINE = typer.Option("local", "--engine", metavar="ENGINE", help="Where runs happen: local (this machine) or ray.")
ADDRESS = typer.Option(
    None, "--address", metavar="HOST:PORT", help="The head of a Ray cluster; by default Ray on this machine."
)
JSON = typer.Option(False, "--json", help="Print JSON instead of tables.")
JOIN = typer.Option(False, "--join", help="Help with the trials of a study that another process runs in DIR.")
TRACK = typer.Option(
    None,
    "--track",
    metavar="TRACKER",
    help="Follow it in tensorboard or mlflow too, in its folder; mlflow=http://HOST:PORT: a server; repeatable.",
)
NET = typer.Argument(None, metavar="[NET]", help="One tuned net; by default all of them.", show_default=False)
FOLDER = typer.Argument(..., parser=user_path, metavar="DIR", help="A study's folder.", show_default=False)
FOLDERS = typer.Argument(
    ..., parser=user_path, metavar="DIR...", help="Folders of studies or single runs.", show_default=False
)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command(epilog="Example: [bold]mien studies --json[/bold]")(studies)
    app.command(epilog="Example: [bold]mien plan quick --set recipe.epochs=2[/bold]")(plan)
    app.command(epilog="Example: [bold]mien study quick -o out/first[/bold]")(study)
    app.command(epilog="Example: [bold]mien runs out/quick[/bold]")(runs)
    app.command(epilog="Example: [bold]mien trials out/quick[/bold]")(trials)
    app.command(epilog="Example: [bold]mien compare out/quick --json[/bold]")(compare)
    app.command(epilog="Example: [bold]mien report out/quick[/bold]")(report)


def studies(as_json: bool = JSON) -> None:
    """List the study files that come with mien: what each is for, its nets, the faces and the time that it needs."""
    from mien.cli import tables
    from mien.runs.json_objects import to_json
    from mien.studies import bundled_studies

    bundled = list(bundled_studies().values())
    if as_json:
        _print_json([to_json(one) for one in bundled])
    else:
        tables.show_studies(bundled)


def plan(
    file: Path = FILE,
    data: list[str] | None = DATA,
    classes: str = CLASSES,
    validation: float = VALIDATION,
    settings: list[str] | None = SET,
    out: Path | None = OUT,
    device: str = DEVICE,
    as_json: bool = JSON,
) -> None:
    """Check a whole study file, and list what it will run and how long that takes on this machine."""
    from mien.cli import tables
    from mien.runs.json_objects import to_json
    from mien.study.config.schema import read_study
    from mien.study.outline import outline
    from mien.study.plan import make_plan

    changes = [*as_settings(classes, validation), *(settings or [])]
    with reading_faces():
        made = make_plan(read_study(file, changes, data or [], device))
    folder = out or _default(made.study.name)
    for note in made.device_notes(folder):
        typer.echo(f"note: {note}", err=True)
    planned = outline(made, folder)
    if as_json:
        _print_json(to_json(planned))
    else:
        tables.show_plan(planned)


def study(
    file: Path = FILE,
    data: list[str] | None = DATA,
    classes: str = CLASSES,
    validation: float = VALIDATION,
    settings: list[str] | None = SET,
    out: Path | None = OUT,
    device: str = DEVICE,
    engine: str = ENGINE,
    address: str | None = ADDRESS,
    join: bool = JOIN,
    track: list[str] | None = TRACK,
) -> None:
    """Run what is missing of a study, select nets on validation, evaluate those on test, write the report."""
    from rich.console import Console

    from mien.cli import tables
    from mien.cli.study_progress import show_progress
    from mien.report import write_report
    from mien.study.command import study_command
    from mien.study.config.schema import read_study
    from mien.study.config.track import merged, parse_tracker
    from mien.study.engines.callback import CallbackList
    from mien.study.engines.choice import choose_engine
    from mien.study.execute import execute
    from mien.study.execute import join as join_search
    from mien.study.plan import make_plan, skipped_lines
    from mien.track.tracking import Tracking

    changes = [*as_settings(classes, validation), *(settings or [])]
    command = study_command(file, data or [], changes, out, device, engine, address, track or [])
    place = choose_engine(engine, address)
    if join and track:
        raise UserError("--track: belongs to the process that runs the study; leave it out with --join")
    trackers = tuple(parse_tracker(word) for word in track or ())
    with reading_faces():
        made = make_plan(read_study(file, changes, data or [], device))
    folder = out or _default(made.study.name)
    moved = made.device_notes(folder) if engine == "local" else []
    console = Console(stderr=True)

    def show(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    trackers = () if join else merged(made.study.track, trackers)
    tracking = Tracking(trackers, made.study, folder, lambda line: show(f"note: {line}"))
    show(f"study {made.study.name} in {folder}")
    for line in skipped_lines({net.net.name: made.skipped(net, folder) for net in made.study.nets}):
        show(line)
    for note in (*made.study.notes, *made.faces.notes, *moved, *tracking.notes):
        show(f"note: {note}")
    with tracking:
        try:
            with show_progress(console) as progress:
                if join:
                    join_search(made, folder, progress, place)
                else:
                    results = execute(made, folder, CallbackList([progress, tracking]), command, place)
        except KeyboardInterrupt:
            show(f"stopped; to go on from the last epoch: {command}")
            raise typer.Exit(1) from None
        if join:
            typer.echo(f"the searches in {folder} have their trials; the process that runs the study goes on with them")
            return
        tables.show_results(results)
        report = write_report(folder, results)
        typer.echo(f"report: {report}")
        tracking.finish(results, report)


def runs(folder: Path = FOLDER, as_json: bool = JSON) -> None:
    """List the runs in a study's folder: state, epochs, validation accuracy, time."""
    from mien.cli import tables
    from mien.runs.study_folder import runs_in
    from mien.runs.summary import summarise

    summaries = [summarise(run) for run in runs_in(folder)]
    if as_json:
        typer.echo(json.dumps([_row(summary) for summary in summaries], indent=2, ensure_ascii=False))
    else:
        tables.show_runs(summaries)


def _row(run: "RunSummary") -> dict[str, object]:
    """A run as `mien runs --json` prints it."""
    names = ("run", "net", "seed", "state", "reason", "epochs", "epochs_planned", "validation_accuracy", "seconds")
    own = {name: getattr(run, name) for name in names}
    return own | {"devices": run.devices, "test_opened": run.test_opened or None}


def trials(folder: Path = FOLDER, net: str | None = NET, as_json: bool = JSON) -> None:
    """List the trials of a study's tuned nets: values, state, score."""
    from mien.cli import tables
    from mien.runs.json_objects import to_json
    from mien.study.search.trials import list_searches

    searches = list_searches(folder, net)
    if as_json:
        heads = [({"net": one.net, "search": one.id, "objectives": one.objectives}, one.trials) for one in searches]
        _print_json([head | to_json(trial) for head, of_search in heads for trial in of_search])
    else:
        tables.show_trials(searches)


def compare(folders: list[Path] = FOLDERS, as_json: bool = JSON) -> None:
    """Compare the finished nets of studies and runs, each pair by McNemar's test on validation faces they share."""
    from mien.cli import tables
    from mien.runs.compare import compare as compared
    from mien.runs.json_objects import to_json

    nets = compared(folders)
    if as_json:
        _print_json(to_json(nets))
    else:
        tables.show_comparison(nets)


def report(folder: Path = FOLDER) -> None:
    """Write a study's report again from its folder."""
    from mien.report import write_report
    from mien.runs.results import read_results

    typer.echo(f"report: {write_report(folder, read_results(folder))}")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _default(name: str) -> Path:
    return Path("out") / name
