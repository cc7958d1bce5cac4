"""Studies as their folders tell them: which there are, how they stand, what their runs have come to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

from mien.serve.run_folders import RunFacts, RunFolder, Stamp, content, stamp

GRACE = 30.0
"""For so many seconds after its last sign of life a study runs still: between two runs none of them does."""

ENDED = {"finished", "pruned", "failed", "damaged"}


@dataclass(frozen=True)
class Best:
    """The net that a study found best on validation; of a study that has not ended, its best run so far.

    Attributes:
        net: its name.
        run: the id of its first run.
        validation_accuracy: mean over seeds, 0..1.
        validation_interval: 95 % bootstrap interval; None before the study has ended.
        test_accuracy, test_interval: the same on test, None where it was not opened.
        test_accuracy_without_leaks: of the test images that are not pixel for pixel in train.
    """

    net: str
    run: str
    validation_accuracy: float
    validation_interval: list[float] | None = None
    test_accuracy: float | None = None
    test_interval: list[float] | None = None
    test_accuracy_without_leaks: float | None = None


@dataclass(frozen=True)
class StudyFacts:
    """How a study stands.

    Attributes:
        study: its folder's name.
        state: empty, running, stopped or finished.
        faces: the name of those it is trained on; "" where unknown.
        nets, runs: how many there are so far.
        states: how many runs are in each state.
        epochs, epochs_asked: of all runs together; those of ended runs count as asked.
        best: the best net; None where none was trained yet.
        report: whether its report is there to be read.
        changed: when one of its files was last written (ISO time, UTC).
    """

    study: str
    state: str
    faces: str
    nets: int
    runs: int
    states: dict[str, int]
    epochs: int
    epochs_asked: int
    best: Best | None
    report: bool
    changed: str


@dataclass(frozen=True)
class Group:
    """A comparison table of a study: its name, title, nets, and the net selected in it."""

    name: str
    title: str
    nets: list[str]
    selected: str | None


@dataclass(frozen=True)
class StudyDetail(StudyFacts):
    """How a study stands, with its runs.

    Attributes:
        command: what was typed; "" until the study has ended.
        data: of its faces `name`, `fingerprint`, `size`, `classes`, `counts` and `leaked_test`, as faces.json has them.
        groups: its tables, once it has ended.
        trials: the ids of runs that a search made; only known once the study has ended.
        run_facts: its runs, in the order of their names.
    """

    command: str
    data: dict[str, Any]
    groups: list[Group]
    trials: list[str]
    run_facts: list[RunFacts]


class Study:
    """A study's folder.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @property
    def report(self) -> Path:
        """Where its report is, if there is one."""
        return self.path / "report.html"

    @property
    def faces(self) -> dict[str, Any]:
        """The content of its faces.json; {} where there is none."""
        return _table(self.path / "faces.json")

    @property
    def runs(self) -> dict[str, RunFolder]:
        """Its runs by their ids."""
        found = sorted(place for place in _folders(_runs(self.path)) if (place / "run.json").exists())
        return {place.name: RunFolder(place, self.name) for place in found}

    def stamps(self) -> tuple[Stamp | None, ...]:
        """What changes whenever the study's own files do."""
        return tuple(stamp(self.path / name) for name in ("faces.json", "results.json", "report.html"))

    def facts(self) -> StudyFacts:
        """How it stands."""
        return self._facts(self._run_facts(), self._results())

    def detail(self) -> StudyDetail:
        """How it stands, with its runs."""
        runs, results = self._run_facts(), self._results()
        facts = asdict(self._facts(runs, results)) | {"best": _best(runs, results)}
        shown = ("name", "fingerprint", "size", "classes", "counts", "leaked_test")
        trials = [trial["run"] for search in results.get("tuning", {}).values() for trial in search["trials"]]
        kept = {run for net in results.get("nets", []) for run in net["runs"]}
        return StudyDetail(
            **facts,
            command=str(results.get("command", "")),
            data={key: self.faces[key] for key in shown if key in self.faces},
            groups=[
                Group(group["name"], group["title"], list(group["nets"]), group["selected"])
                for group in results.get("groups", [])
            ],
            trials=[run for run in trials if run and run not in kept],
            run_facts=runs,
        )

    def _run_facts(self) -> list[RunFacts]:
        return [run.facts() for run in self.runs.values()]

    def _results(self) -> dict[str, Any]:
        found = _table(self.path / "results.json")
        return found if found.get("format") == 2 else {}

    def _facts(self, runs: Sequence[RunFacts], results: dict[str, Any]) -> StudyFacts:
        changed = self._changed(runs)
        done = [run.epochs_asked if run.state in ENDED else run.epochs for run in runs]
        return StudyFacts(
            study=self.name,
            state=_state(runs, bool(results) or _runs(self.path) == self.path, time() - changed),
            faces=str(self.faces.get("name", "")),
            nets=len({run.net for run in runs}),
            runs=len(runs),
            states=dict(Counter(run.state for run in runs)),
            epochs=sum(done),
            epochs_asked=sum(run.epochs_asked for run in runs),
            best=_best(runs, results),
            report=self.report.exists(),
            changed=datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds"),
        )

    def _changed(self, runs: Sequence[RunFacts]) -> float:
        files = [self.path / name for name in ("study.toml", "results.json")]
        files += [_runs(self.path) / run.run / name for run in runs for name in ("state.json", "history.jsonl")]
        return max((found[0] / 1e9 for found in map(stamp, files) if found), default=self.path.stat().st_mtime)


class Studies:
    """The studies in a folder; or the one that the folder itself is.

    Names that a caller gives are only ever looked up among those that are there.

    Args:
        folder: of studies; it may come to be later.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def all(self) -> dict[str, Study]:
        """The studies by their names."""
        places = [self.folder] if _is_study(self.folder) else filter(_is_study, _folders(self.folder))
        return {place.name: Study(place) for place in sorted(places)}

    def find(self, name: str) -> Study | None:
        """The study of a name; None where there is none."""
        return self.all().get(name)

    def find_run(self, name: str) -> RunFolder | None:
        """The run that is called STUDY/RUN; None where there is none."""
        study, _, run = name.partition("/")
        found = self.find(study)
        return found.runs.get(run) if found else None


def _is_study(place: Path) -> bool:
    if (place / "study.toml").exists() or (place / "runs").is_dir():
        return True
    return any((inner / "run.json").exists() for inner in _folders(place))


def _runs(study: Path) -> Path:
    """Where a study's runs lie; runs that were made without a study lie in a folder by themselves."""
    return study / "runs" if (study / "study.toml").exists() or (study / "runs").is_dir() else study


def _folders(place: Path) -> list[Path]:
    try:
        return [inner for inner in place.iterdir() if inner.is_dir() and not inner.name.startswith(".")]
    except OSError:
        return []


def _table(path: Path) -> dict[str, Any]:
    """A JSON file's content, {} where there is none or it cannot be read."""
    try:
        found = content(path, {})
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _state(runs: Sequence[RunFacts], told: bool, silent: float) -> str:
    """A study's state.

    Args:
        runs: its runs.
        told: its results are written, or it is no more than its runs.
        silent: seconds since its last sign of life.
    """
    if not runs:
        return "empty"
    states = {run.state for run in runs}
    if "running" in states:
        return "running"
    if told and states <= ENDED:
        return "finished"
    between_two_runs = silent < GRACE and "stopped" not in states and not told
    return "running" if between_two_runs else "stopped"


def _best(runs: Sequence[RunFacts], results: dict[str, Any]) -> Best | None:
    named = {net["name"]: net for net in results.get("nets", [])}
    if net := named.get(results.get("best")):
        return Best(
            net["name"],
            net["runs"][0],
            net["validation_accuracy"],
            list(net["validation_accuracy_interval"]),
            net.get("test_accuracy"),
            list(net["test_accuracy_interval"]) if "test_accuracy_interval" in net else None,
            net.get("test_accuracy_without_leaks"),
        )
    judged = [(run.validation_accuracy, run) for run in runs if run.validation_accuracy is not None]
    best = max(judged, key=lambda one: one[0], default=None)
    return Best(best[1].net, best[1].run, best[0]) if best else None
