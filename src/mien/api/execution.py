"""Execution: run a study from Python, with its progress shown."""

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mien.api.placed_study import PlacedStudy
from mien.api.progress import Silence, print_line, study_progress
from mien.api.results import StudyResults
from mien.errors import UserError
from mien.report import write_report
from mien.study.config.track import merged, parse_tracker
from mien.study.engines.callback import CallbackList
from mien.study.engines.choice import choose_engine
from mien.study.execute import execute
from mien.study.plan import skipped_lines
from mien.track.tracking import Tracking

if TYPE_CHECKING:
    from mien.study.engines.callback import StudyCallback


def execute_shown(
    placed: PlacedStudy,
    progress: "bool | StudyCallback" = True,
    track: Sequence[str] = (),
    engine: str = "local",
    address: str | None = None,
) -> StudyResults:
    """Run what is missing of a study; the arguments are those of `mien.api.study.Study.run`."""
    if not isinstance(progress, bool) and not hasattr(progress, "on_step"):
        raise UserError(f"progress: found {progress!r}; give True, False, or a StudyCallback")
    place, trackers = choose_engine(engine, address, ""), tuple(parse_tracker(word, "track") for word in track)
    plan, command = placed.make_plan(), placed.command(engine, address, track)
    moved = plan.device_notes(placed.folder) if engine == "local" else []
    followed = merged(plan.study.track, trackers)
    placed.write_faces()

    def run(callback: "StudyCallback", show: Callable[[str], None], warn: Callable[[str], None]) -> StudyResults:
        with Tracking(followed, plan.study, placed.folder, warn) as tracking:
            for line in skipped_lines({net.net.name: plan.skipped(net, placed.folder) for net in plan.study.nets}):
                show(line)
            for note in (*placed.notes, *plan.study.notes, *plan.faces.notes, *moved, *tracking.notes):
                show(f"note: {note}")
            results = execute(plan, placed.folder, CallbackList([callback, tracking]), command, place)
            tracking.finish(results, write_report(placed.folder, results) if followed else None)
            return StudyResults(placed.folder, results)

    if progress is not True:
        return run(Silence() if progress is False else progress, _unseen, _warn)
    try:
        with study_progress() as (callback, show):
            return run(callback, show, show)
    except KeyboardInterrupt:
        print_line(f"stopped; to go on from the last epoch, run this again, or in a shell: {command}")
        raise


def _unseen(_: str) -> None:
    """Show nothing."""


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=2)
