"""Data: the sets of faces that studies are trained on, or that are named when the server starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from mien.errors import UserError
from mien.faces import SPLITS, VOTES, Faces, FacesSpec, open_faces
from mien.faces.audit import Audit, AuditExample, audit, examples
from mien.serve.label_issues import Doubts, doubts
from mien.serve.run_folders import RunFacts, RunFolder, Said
from mien.serve.studies import Studies

TOLD = {"name", "fingerprint", "size", "classes", "counts", "source"}
"""What a study's faces.json must tell of its faces."""


@dataclass(frozen=True)
class Judge:
    """A finished run that judged the validation faces: STUDY/RUN, its net, its accuracy there (0..1)."""

    run: str
    net: str
    validation_accuracy: float


@dataclass(frozen=True)
class DataFacts:
    """A set of faces.

    Attributes:
        data: what it is asked for by: ten digits of its fingerprint.
        name: of the source.
        fingerprint: SHA-256 of all its pixels, labels, splits and votes.
        size: side of a face in pixels.
        classes: the emotions.
        counts: faces by split and emotion.
        studies: that are trained on it.
        judges: finished runs that judged its validation faces, the best first.
    """

    data: str
    name: str
    fingerprint: str
    size: int
    classes: list[str]
    counts: dict[str, dict[str, int]]
    studies: list[str]
    judges: list[Judge]


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
    """Sets of faces by what they are asked for. Those of studies are opened when they are first looked at.

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
        """The sets by what they are asked for; those named when the server started come first."""
        told: dict[str, Mapping[str, Any]] = {key: _told_of(faces) for key, faces in self._named.items()}
        users: dict[str, list[str]] = {}
        judges: dict[str, list[Judge]] = {}
        for study in self._studies.all().values():
            if study.faces.keys() >= TOLD:
                key = key_of(study.faces["fingerprint"])
                told.setdefault(key, study.faces)
                users.setdefault(key, []).append(study.name)
            for run in (run.facts() for run in study.runs.values()):
                if judge := _judge(run):
                    judges.setdefault(key_of(run.faces), []).append(judge)
        return {key: _facts(key, one, users.get(key, []), judges.get(key, [])) for key, one in told.items()}

    def open(self, key: str) -> Faces | None:
        """The faces of a set; None where there is none of that name.

        Raises:
            UserError: they are not where they were when a study read them.
        """
        if key in self._named:
            return self._named[key]
        told = [study.faces for study in self._studies.all().values() if study.faces.keys() >= TOLD]
        problem = None
        for one in (one for one in told if key_of(one["fingerprint"]) == key):
            try:
                with self._opening:
                    return _opened(FacesSpec.from_dict(one), str(one["fingerprint"]))
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

    def doubts(self, run: RunFolder) -> Doubts | None:
        """The doubtful labels among the validation faces that a run judged; None where it judged none."""
        said = run.said("validation")
        if said is None or not len(said.labels):
            return None
        with self._working:
            return _doubts(said)


def key_of(fingerprint: str) -> str:
    """What a set of faces is asked for by."""
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
def _doubts(said: Said) -> Doubts:
    return doubts(said)


def _told_of(faces: Faces) -> dict[str, Any]:
    facts = {"name": faces.name, "fingerprint": faces.fingerprint, "size": faces.size}
    return facts | {"classes": list(faces.classes), "counts": faces.counts()}


def _judge(run: RunFacts) -> Judge | None:
    if run.state != "finished" or run.validation_accuracy is None:
        return None
    return Judge(f"{run.study}/{run.run}", run.net, run.validation_accuracy)


def _facts(key: str, told: Mapping[str, Any], users: list[str], judges: list[Judge]) -> DataFacts:
    return DataFacts(
        data=key,
        name=str(told["name"]),
        fingerprint=str(told["fingerprint"]),
        size=int(told["size"]),
        classes=list(told["classes"]),
        counts=dict(told["counts"]),
        studies=users,
        judges=sorted(judges, key=lambda judge: -judge.validation_accuracy),
    )
