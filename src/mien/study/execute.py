"""Execute: run what is missing of a plan, select on validation, open test once for the selected, write the results.

study.toml     the study file as it was read, under the command it was run with
faces.json     which faces
runs/          a folder a run
results.json   every figure
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from mien.disk import write_json, write_text
from mien.errors import UserError
from mien.study.engine import LocalEngine, MakeEngine
from mien.study.plan import Plan
from mien.study.results import faces_facts, results, select
from mien.training.loop import Progress, evaluate
from mien.training.run import Run, Status

LOCK = ".lock"


class Watcher(Protocol):
    """Sees a study happen."""

    def planned(self, runs: Sequence[Run]) -> None:
        """All runs of the study, those that have ended already too."""

    def progress(self, progress: Progress) -> None:
        """A training step was made."""

    def ended(self, run: Run, status: Status) -> None:
        """A run was trained to its end, or failed."""


def execute(
    plan: Plan,
    folder: Path,
    watcher: Watcher,
    command: str = "",
    engine: MakeEngine = LocalEngine,
) -> dict[str, Any]:
    """Bring a study to its end in `folder` and give the content of its results.json.

    Runs that are finished or failed are left as they are; a failed run does not stop the others.

    Args:
        plan: the study on its faces.
        folder: the study's; made if it is not there.
        watcher: told of every step and end.
        command: what was typed, kept beside the results.
        engine: makes the place where the runs happen; not asked when none is missing.

    Raises:
        UserError: the folder holds something else, or another process is running a study in it.
        KeyboardInterrupt: stopped by the user; the same call goes on from the last epoch.
    """
    with only_here(folder):
        head = "".join(f"# {line}\n" for line in command.splitlines())
        write_text(folder / "study.toml", head + plan.study.text)
        write_json(folder / "faces.json", faces_facts(plan))
        runs = [
            Run.create(folder / "runs", net.net, net.recipe, seed, plan.faces)
            for net in plan.study.nets
            for seed in plan.study.seeds
        ]
        watcher.planned(runs)
        missing = [run for run in runs if not run.status.ended]
        if missing:
            with closing(engine(plan.faces, watcher.progress, plan.study.resources)) as place:
                for run in missing:
                    place.submit(run)
                for run, status in place.gather():
                    watcher.ended(run, status)
        _open_test(plan, folder)
        found = results(plan, folder, command)
        write_json(folder / "results.json", found)
        return found


def _open_test(plan: Plan, folder: Path) -> None:
    """Evaluate the selected nets, and them alone, on the test split, unless that was done before."""
    if "test" not in plan.faces.counts():
        return
    for net in select(plan, folder):
        for run in net.runs:
            if run.predictions("test") is None:
                evaluate(run, plan.faces, "test")


@contextmanager
def only_here(folder: Path) -> Iterator[None]:
    """Hold a study's folder for this process alone; the lock goes with the process, however that ends."""
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    if names - {LOCK} and "study.toml" not in names:
        raise UserError(f"{folder}: holds something else than a study; give another folder with -o")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder}: another process is running a study here; wait for it, or give -o") from None
        yield
