"""Data: the sets of faces that studies are trained on, or that are named when the server starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from mien.errors import UserError
from mien.faces import SPLITS, VOTES, Faces, FacesSpec, open_faces
from mien.faces.audit import Audit, AuditExample, audit, examples
from mien.runs.config import FacesRecord
from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.runs.study_faces import StudyFaces
from mien.runs.summary import RunSummary
from mien.serve.label_issues import Doubts, doubts
from mien.serve.studies import Studies


@dataclass(frozen=True)
class EvaluatedRun:
    """A finished run that was evaluated on validation faces: STUDY/RUN, its net, its accuracy there (0..1)."""

    run: str
    net: str
    validation_accuracy: float


@dataclass(frozen=True)
class DataFacts:
    """A set of faces.

    Attributes:
        data: its key: ten digits of its fingerprint.
        name: of the source.
        fingerprint: SHA-256 of all its pixels, labels, splits and votes.
        size: side of a face in pixels.
        classes: the emotions.
        counts: faces by split and emotion.
        studies: that are trained on it.
        evaluated: finished runs that were evaluated on its validation faces, the best first.
    """

    data: str
    name: str
    fingerprint: str
    size: int
    classes: list[str]
    counts: Mapping[str, Mapping[str, int]]
    studies: list[str]
    evaluated: list[EvaluatedRun]


@dataclass(frozen=True)
class FaceFacts:
    """A face of a set.

    Attributes:
        row: among all faces.
        split: train, validation or test.
        place: within its split, 0 for the first.
        label: its emotion.
        votes: of FER+'s annotators, those that got any, the most first; {} where nobody voted.
    """

    row: int
    split: str
    place: int
    label: str
    votes: dict[str, int]


class Data:
    """Sets of faces by their keys. Those of studies are opened when they are first looked at.

    Args:
        studies: whose faces these are.
        sources: more of them, as `mien.faces.open_faces` takes them; opened at once.

    Raises:
        UserError: a source cannot be read.
    """

    def __init__(self, studies: Studies, sources: Sequence[str] = ()) -> None:
        self._studies = studies
        self._named = {key_of(faces.fingerprint): faces for faces in map(open_faces, sources)}
        self._opening = Lock()
        self._working = Lock()

    def all(self) -> dict[str, DataFacts]:
        """The sets by their keys; those named when the server started come first."""
        records: dict[str, FacesRecord | StudyFaces] = {
            key: FacesRecord.of(faces) for key, faces in self._named.items()
        }
        users: dict[str, list[str]] = {}
        evaluated: dict[str, list[EvaluatedRun]] = {}
        for study in self._studies.all().values():
            if faces := study.faces:
                key = key_of(faces.fingerprint)
                records.setdefault(key, faces)
                users.setdefault(key, []).append(study.name)
            for run in study.run_summaries():
                if entry := _evaluated(run):
                    evaluated.setdefault(key_of(run.faces), []).append(entry)
        return {key: _facts(key, record, users.get(key, []), evaluated.get(key, [])) for key, record in records.items()}

    def open(self, key: str) -> Faces | None:
        """The faces of a set; None where no set has this key.

        Raises:
            UserError: they are not where they were when a study read them.
        """
        if key in self._named:
            return self._named[key]
        recorded = [faces for study in self._studies.all().values() if (faces := study.faces)]
        problem = None
        for faces in (faces for faces in recorded if key_of(faces.fingerprint) == key):
            try:
                with self._opening:
                    return _opened(faces.spec, faces.fingerprint)
            except UserError as error:
                problem = error
        if problem:
            raise problem
        return None

    def audit(self, faces: Faces) -> tuple[Audit, list[AuditExample]]:
        """What is wrong with a set of faces, and examples to look at."""
        # One at a time, as each keeps a core busy for seconds.
        with self._working:
            return _audited(faces)

    def doubts(self, run: Run) -> tuple[Predictions, Doubts] | None:
        """A run's predictions for validation and the labels there that they contradict; None where it has none.

        Raises:
            UserError: the predictions are damaged.
        """
        predictions = run.predictions("validation")
        if predictions is None or not len(predictions.labels):
            return None
        with self._working:
            return predictions, _doubts(predictions)


def key_of(fingerprint: str) -> str:
    """The key of a set of faces."""
    return fingerprint[:10]


def face_facts(faces: Faces, row: int) -> FaceFacts:
    """A face of a set by its row."""
    split = SPLITS[faces.splits[row]]
    votes = {} if faces.votes is None else dict(zip(VOTES, faces.votes[row].tolist(), strict=True))
    ranked = sorted(((name, count) for name, count in votes.items() if count), key=lambda vote: -vote[1])
    label = faces.classes[faces.labels[row]]
    return FaceFacts(row, split, row - faces.rows(split).start, label, dict(ranked))


@lru_cache(maxsize=8)
def _opened(spec: FacesSpec, fingerprint: str) -> Faces:
    return spec.reopen(fingerprint)


@lru_cache(maxsize=8)
def _audited(faces: Faces) -> tuple[Audit, list[AuditExample]]:
    return audit(faces), examples(faces)


@lru_cache(maxsize=32)
def _doubts(predictions: Predictions) -> Doubts:
    return doubts(predictions)


def _evaluated(run: RunSummary) -> EvaluatedRun | None:
    if run.state != "finished" or run.validation_accuracy is None:
        return None
    return EvaluatedRun(f"{run.study}/{run.run}", run.net, run.validation_accuracy)


def _facts(key: str, record: FacesRecord | StudyFaces, users: list[str], evaluated: list[EvaluatedRun]) -> DataFacts:
    return DataFacts(
        data=key,
        name=record.name,
        fingerprint=record.fingerprint,
        size=record.size,
        classes=list(record.classes),
        counts=record.counts,
        studies=users,
        evaluated=sorted(evaluated, key=lambda run: -run.validation_accuracy),
    )
