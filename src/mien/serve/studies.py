"""Studies as the service shows them: the list, and one with its runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mien.runs.results import Results
from mien.runs.run import Run
from mien.runs.study_faces import StudyFaces
from mien.runs.study_folder import StudyFolder, StudySummary, is_study, subfolders
from mien.runs.summary import RunSummary


@dataclass(frozen=True)
class Group:
    """A comparison table of a study: its name, title, nets, and the net selected in it."""

    name: str
    title: str
    nets: list[str]
    selected: str | None


@dataclass(frozen=True)
class StudyData:
    """The faces of a study; `leaked_test` counts the test images that are pixel for pixel in train."""

    name: str
    fingerprint: str
    size: int
    classes: list[str]
    counts: Mapping[str, Mapping[str, int]]
    leaked_test: int


@dataclass(frozen=True)
class StudyDetail(StudySummary):
    """How a study stands, with its runs.

    Attributes:
        command: what was typed; "" until the study has ended.
        data: its faces; None where they are not known.
        groups: its tables, once it has ended.
        trials: the ids of runs that a search made; only known once the study has ended.
        run_facts: its runs, in the order of their names.
    """

    command: str
    data: StudyData | None
    groups: list[Group]
    trials: list[str]
    run_facts: list[RunSummary]


def study_detail(study: StudyFolder) -> StudyDetail:
    """How a study stands, with its runs."""
    runs, results, faces = study.run_summaries(), study.results, study.faces
    return StudyDetail(
        **vars(study.summarise(runs)),
        command=results.command if results else "",
        data=_data(faces) if faces else None,
        groups=[
            Group(group.name, group.title, list(group.nets), group.selected)
            for group in (results.groups if results else ())
        ],
        trials=_trials(results) if results else [],
        run_facts=runs,
    )


class Studies:
    """The studies in a folder; or the one that the folder itself is.

    Names that a caller gives are only ever looked up among those that are there.

    Args:
        folder: of studies; it may be created later.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def all(self) -> dict[str, StudyFolder]:
        """The studies by their names."""
        folders = [self.folder] if is_study(self.folder) else filter(is_study, subfolders(self.folder))
        return {folder.name: StudyFolder(folder) for folder in sorted(folders)}

    def find(self, name: str) -> StudyFolder | None:
        """The study of a name; None where there is none."""
        return self.all().get(name)

    def find_run(self, name: str) -> Run | None:
        """The run with the name STUDY/RUN; None where there is none."""
        study, _, run = name.partition("/")
        folder = self.find(study)
        return folder.runs.get(run) if folder else None


def _data(faces: StudyFaces) -> StudyData:
    return StudyData(faces.name, faces.fingerprint, faces.size, list(faces.classes), faces.counts, faces.leaked_test)


def _trials(results: Results) -> list[str]:
    """The runs of searches that are not the runs of a net."""
    selected = {run for net in results.nets for run in net.runs}
    runs = [trial.run for search in results.tuning.values() for trial in search.trials]
    return [run for run in runs if run and run not in selected]
