"""Execute: run what is missing of a plan, select on validation, open test once for the selected, write the results.

study.toml     the study file as it was read, under the command it was run with
faces.json     which faces
runs/          a folder a run, trials of a search included
tuning/        the searches' journals
results.json   every figure
track/         what trackers have written, where they are switched on (mien.track)
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from mien.disk import process_lock, write_text
from mien.errors import UserError
from mien.runs.results import Results, write_results
from mien.runs.run import Run
from mien.runs.study_faces import write_study_faces
from mien.study.collect import collect, study_faces
from mien.study.config.study import StudyNet
from mien.study.engines.callback import StudyCallback
from mien.study.engines.engine import Engine, MakeEngine
from mien.study.engines.local import LocalEngine
from mien.study.net_runs import select
from mien.study.plan import Plan
from mien.training.evaluate import evaluate

LOCK = ".lock"


def execute(
    plan: Plan,
    folder: Path,
    callback: StudyCallback,
    command: str = "",
    engine: MakeEngine = LocalEngine,
) -> Results:
    """Bring a study to its end in `folder` and give its results.

    Runs that have ended are left as they are; a failed run does not stop the others, nor does a net that is skipped
    for want of weights. Nets that are tuned come last.

    >>> from pathlib import Path
    >>> from mien.study.engines.callback import CallbackList
    >>> from mien.study.execute import execute
    >>> from mien.study.plan import make_plan
    >>> data = execute(make_plan(study.config, faces), Path("out/executed"), CallbackList([]))
    >>> [(net.name, net.state) for net in data.nets]
    [('dense', 'finished'), ('cnn', 'finished')]

    Args:
        plan: the study on its faces.
        folder: the study's; made if it is not there.
        callback: called on every step and end.
        command: what was typed, written beside the results.
        engine: makes the place where the runs happen; not called when no run is missing.

    Raises:
        UserError: the folder holds something else, or another process is running a study in it.
        KeyboardInterrupt: stopped by the user; the same call goes on from the last epoch.
    """
    with exclusive(folder):
        head = "".join(f"# {line}\n" for line in command.splitlines())
        text = plan.study.text  # it has its head already, where the study's own copy of the file is run
        write_text(folder / "study.toml", text if text.startswith(head) else head + text)
        write_study_faces(folder, study_faces(plan))
        tuned = [net for net in plan.study.nets if net.tune and not plan.skipped(net, folder)]
        runs = _runs(plan, [net for net in plan.study.nets if not net.tune], folder)
        callback.on_plan(runs)
        if tuned or not all(run.status.ended for run in runs):
            with closing(engine(plan.faces, callback.on_step, plan.study.resources)) as place:
                _train(place, runs, callback)
                if tuned:
                    _search(plan, tuned, folder, place, callback)
                    plan = _bound(plan, folder)
                    runs = _runs(plan, plan.study.nets, folder)
                    callback.on_plan(runs)
                    _train(place, runs, callback)
        plan = _bound(plan, folder)
        _open_test(plan, folder)
        results = collect(plan, folder, command)
        write_results(folder, results)
        return results


def join(plan: Plan, folder: Path, callback: StudyCallback, engine: MakeEngine = LocalEngine) -> None:
    """Help with the searches of a study that another process runs in `folder`, until each has its trials.

    Raises:
        UserError: the folder is no study's, or another's.
        KeyboardInterrupt: stopped by the user; its trials are taken up by another process.
    """
    if not (folder / "study.toml").exists():
        raise UserError(f"{folder}: no study runs here yet; start it without --join, then join it")
    if not (folder / "study.toml").read_text(encoding="utf-8").endswith(plan.study.text):
        raise UserError(f"{folder}: the study that runs here has another file; join it with the same")
    reasons = {net.net.name: plan.skipped(net, folder) for net in plan.study.nets if net.tune}
    if not reasons:
        raise UserError(f"study {plan.study.name}: searches nothing; only trials can be shared by --join")
    if all(reasons.values()):
        lines = "\n  ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise UserError(f"study {plan.study.name}: none of its searches can be made here:\n  {lines}")
    tuned = [net for net in plan.study.nets if net.tune and not reasons[net.net.name]]
    with closing(engine(plan.faces, callback.on_step, plan.study.resources)) as place:
        _search(plan, tuned, folder, place, callback)


def _runs(plan: Plan, nets: Sequence[StudyNet], folder: Path) -> list[Run]:
    return [
        plan.create_run(net, seed, folder)
        for net in nets
        if not net.failed and not plan.skipped(net, folder)
        for seed in plan.study.seeds
    ]


def _train(place: Engine, runs: Sequence[Run], callback: StudyCallback) -> None:
    """Bring to their end the runs that are not there yet, each once those that it learns or starts from have ended."""
    waiting = [run for run in runs if not run.status.ended]
    missing = {run.id for run in waiting}

    def submit_ready() -> None:
        for run in [one for one in waiting if not missing & one.recipe.awaited]:
            waiting.remove(run)
            place.submit(run)

    submit_ready()
    for run, status in place.gather():
        callback.on_run_end(run, status)
        missing.remove(run.id)
        submit_ready()


def _search(plan: Plan, tuned: Sequence[StudyNet], folder: Path, place: Engine, callback: StudyCallback) -> None:
    """Make the trials of each tuned net."""
    from mien.study.search.search import Search

    seed = plan.study.seeds[0]
    for net in tuned:
        state = plan.search(net, folder)
        Search(state, plan.faces, lambda bound: plan.create_run(bound, seed, folder), place, callback).run()


def _bound(plan: Plan, folder: Path) -> Plan:
    """The plan with each net that was searched bound to its best trial, or failed for want of one."""
    nets = tuple(plan.settled(net, folder) for net in plan.study.nets)
    return replace(plan, study=replace(plan.study, nets=nets))


def _open_test(plan: Plan, folder: Path) -> None:
    """Evaluate the selected nets, and them alone, on the test split, unless that was done before."""
    if "test" not in plan.faces.counts():
        return
    for net in select(plan, folder):
        for run in net.runs:
            if run.predictions("test") is None:
                evaluate(run, plan.faces, "test")


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lock a study's folder for this process; the lock ends with the process, however that ends.

    Raises:
        UserError: the folder holds something else, cannot be written, or is locked.
    """
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    if LOCK not in names:  # otherwise another process may be about to write its study.toml
        _refuse_others(folder, names)
    lock = process_lock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except TimeoutError:
        raise UserError(
            f"{folder}: another process is running a study here; wait for it, or give another folder (-o)"
        ) from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    try:
        _refuse_others(folder, {entry.name for entry in folder.iterdir()})
        yield
    finally:
        lock.release()


def _refuse_others(folder: Path, names: set[str]) -> None:
    if names - {LOCK} and "study.toml" not in names:
        raise UserError(f"{folder}: holds something else than a study; give another folder (-o)")
