"""Execution: run a study from Python, with its progress shown."""

from contextlib import closing
from typing import TYPE_CHECKING

from mien.api.placed_study import PlacedStudy
from mien.api.results import StudyResults
from mien.study.execute import execute
from mien.study.plan import Plan, skipped_lines

if TYPE_CHECKING:
    from mien.study.engines.callback import StudyCallback


def execute_shown(placed: PlacedStudy, progress: "bool | StudyCallback") -> StudyResults:
    """Run what is missing of a study; see `mien.api.study.Study.run`."""
    from mien.api.progress import ProgressBars, Silence

    plan = placed.make_plan()
    notes = _notes(plan, placed)
    placed.write_faces()
    if not isinstance(progress, bool):
        return StudyResults(placed.folder, execute(plan, placed.folder, progress, placed.command))
    if not progress:
        return StudyResults(placed.folder, execute(plan, placed.folder, Silence(), placed.command))
    with closing(ProgressBars()) as bars:
        for note in notes:
            bars.note(note)
        try:
            return StudyResults(placed.folder, execute(plan, placed.folder, bars, placed.command))
        except KeyboardInterrupt:
            bars.close()
            bars.note(f"stopped; to go on from the last epoch, run this again, or in a shell: {placed.command}")
            raise


def _notes(plan: Plan, placed: PlacedStudy) -> list[str]:
    """What there is to say before the study runs."""
    skipped = skipped_lines({net.net.name: plan.skipped(net, placed.folder) for net in plan.study.nets})
    notes = (*plan.study.notes, *plan.faces.notes, *plan.device_notes(placed.folder))
    return [*skipped, *(f"note: {note}" for note in notes)]
