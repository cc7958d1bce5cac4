"""What a model says of labelled faces, and what that is worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.decoding import MAX_PIXELS
from mien.faces.duplicates import leaked
from mien.faces.images import Labelled, area_average
from mien.faces.names import emotion_of_word
from mien.model_files.scores import accuracy_entries, leak_entries, share_entries
from mien.predict.classifier import Classifier
from mien.predict.detector import Detection, Detector
from mien.predict.photos import open_photo
from mien.predict.predictor import Predictor
from mien.runs.metrics import mcnemar


@dataclass(frozen=True, eq=False)
class Tested:
    """A model's answers about N labelled faces. Legend: `M` of them it was asked about, `K` classes.

    Attributes:
        model: its name.
        classes: its K emotions.
        labels: uint8 [N], the truth, indices into `classes`.
        asked: bool [N]: false where no face was found in a photo, which counts as wrong.
        probabilities: float32 [M, K], of those asked.
        leaked: bool [N]: which are pixel for pixel in the train split of the same source.
        strange: how many faces were left out because the model has no word for their emotion, by the emotion.
    """

    model: str
    classes: tuple[str, ...]
    labels: NDArray[np.uint8]
    asked: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    leaked: NDArray[np.bool_]
    strange: dict[str, int]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Bool [N]: which faces it is right about."""
        right = np.zeros(len(self.labels), np.bool_)
        right[self.asked] = self.probabilities.argmax(axis=1) == self.labels[self.asked]
        return right

    def as_json(self) -> dict[str, Any]:
        """Its scores, shares 0..1; all but the accuracies are over the faces that it was asked about."""
        told: dict[str, Any] = {
            "model": self.model,
            "classes": list(self.classes),
            "faces": len(self.labels),
            "not_found": int((~self.asked).sum()),
            "left_out": self.strange,
            "leaked": int(self.leaked.sum()),
            **accuracy_entries(self.right),
            **leak_entries(self.right, self.leaked),
        }
        if self.asked.any():
            labels = self.labels[self.asked]
            told |= share_entries(self.probabilities, labels, self.classes)
            told["confusion"] = self.confusion.tolist()
        return told

    @property
    def confusion(self) -> NDArray[np.int64]:
        """int64 [K, K]: how many faces of an emotion, the row, are judged another, the column."""
        table = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(table, (self.labels[self.asked], self.probabilities.argmax(axis=1)), 1)
        return table


def judge_faces(classifier: Classifier, faces: Faces, split: str) -> Tested:
    """Ask a model about ready faces.

    Args:
        classifier: the model.
        faces: all splits, so that leaks from train are known; scaled down where the model takes smaller ones.
        split: the one that is judged.

    Raises:
        UserError: the split is empty, the faces are smaller than the model takes, or share no emotion with it.
    """
    facts, rows = classifier.facts, faces.rows(split)
    if rows.stop == rows.start:
        raise UserError(f"{faces.name}: has no {split} faces; it has: {', '.join(faces.counts())}")
    if faces.size < facts.height:
        raise UserError(
            f"{faces.name}: its faces are {faces.size} pixels wide; {facts.name} takes {facts.height}, and faces are "
            "only ever made smaller"
        )
    index = _index(faces.classes, facts.classes, facts.name, faces.name)
    labels = index[faces.labels[rows]]
    known = labels >= 0
    copies = leaked(faces) if split == "test" else np.zeros(len(labels), np.bool_)
    images = area_average(faces.images[rows][known], facts.height)
    return Tested(
        model=facts.name,
        classes=facts.classes,
        labels=labels[known].astype(np.uint8),
        asked=np.ones(len(images), np.bool_),
        probabilities=classifier.probabilities(images),
        leaked=copies[known],
        strange=_counts(faces.classes, faces.labels[rows][~known]),
    )


class RememberingDetector(Detector):
    """Looks for the faces of a photo once, however many models are asked about it."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[bytes, list[Detection]] = {}

    def find(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See Detector."""
        photo = sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        if photo not in self._found:
            self._found[photo] = super().find(pixels)
        return self._found[photo]


def judge_photos(
    predictor: Predictor, files: Sequence[Labelled], name: str, seen: Callable[[], None], limit: int = MAX_PIXELS
) -> tuple[Tested, dict[str, str]]:
    """Ask a model about photos, the whole way: the largest face of each is found, framed and classified.

    Args:
        predictor: with the model.
        files: photos with their emotions; those that the model has no word for are left out.
        name: what to call the photos in a message.
        seen: called after each.
        limit: pixels that a photo may have at most.

    Returns:
        what it said, and why which files could not be read: those are left out too.

    Raises:
        UserError: the photos share no emotion with the model, or none of them can be read.
    """
    facts = predictor.classifier.facts
    emotions = tuple(sorted({file.emotion for file in files}))
    index = _index(emotions, facts.classes, facts.name, name)
    numbers = np.array([emotions.index(file.emotion) for file in files])
    labels: list[int] = []
    said: list[list[float] | None] = []
    unread: dict[str, str] = {}
    for file, label in zip(files, index[numbers].tolist(), strict=True):
        if label >= 0:
            try:
                found = predictor.predict(open_photo(file.path, limit))
                said.append(list(found[0].probabilities.values()) if len(found) else None)
                labels.append(label)
            except UserError as error:
                unread[str(file.path)] = str(error).removeprefix(f"{file.path}: ")
        seen()
    if not labels:
        raise UserError(f"{name}: none of its {len(files):,} photos can be read, as {next(iter(unread))}")
    tested = Tested(
        model=facts.name,
        classes=facts.classes,
        labels=np.array(labels, np.uint8),
        asked=np.array([shares is not None for shares in said]),
        probabilities=np.array([s for s in said if s is not None], np.float32).reshape(-1, len(facts.classes)),
        leaked=np.zeros(len(labels), np.bool_),
        strange=_counts(emotions, numbers[index[numbers] < 0]),
    )
    return tested, unread


def pairs(tested: Sequence[Tested]) -> list[dict[str, Any]]:
    """Each two models side by side, face by face, by McNemar's exact test; those that judged other faces are left out.

    `only_a` counts the faces that only the first has right.
    """
    told = []
    for a, b in combinations(tested, 2):
        if a.classes == b.classes and np.array_equal(a.labels, b.labels):
            found = mcnemar(a.right, b.right)
            told.append({"a": a.model, "b": b.model, "only_a": found.only_a, "only_b": found.only_b, "p": found.p})
    return told


def _index(theirs: Sequence[str], ours: Sequence[str], model: str, source: str) -> NDArray[np.int64]:
    """The place of each of their emotions among ours, -1 where it has none; synonyms such as "joy" are known."""
    places = {emotion_of_word(name) or name.lower(): place for place, name in enumerate(ours)}
    index = np.array([places.get(emotion_of_word(name) or name.lower(), -1) for name in theirs], np.int64)
    if (index < 0).all():
        raise UserError(f"{source}: its emotions are {', '.join(theirs)}; {model} tells {', '.join(ours)}")
    return index


def _counts(names: Sequence[str], numbers: NDArray[np.integer]) -> dict[str, int]:
    """How often each name is among the numbers; names that are not are left out."""
    often = np.bincount(numbers, minlength=len(names))
    return {name: int(count) for name, count in zip(names, often, strict=True) if count}
