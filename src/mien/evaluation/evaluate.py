"""Evaluate: a model's predictions of labelled faces and photos, and their scores."""

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
class Evaluation:
    """A model's predictions of N labelled faces. Legend: `M` of them were detected, `K` classes.

    Attributes:
        model: its name.
        classes: its K emotions.
        labels: uint8 [N], indices into `classes`.
        detected: bool [N]: false for a photo without a detected face, which counts as wrong.
        probabilities: float32 [M, K], of the detected faces.
        leaked: bool [N]: which are pixel for pixel in the train split of the same source.
        left_out: faces of emotions that the model does not know, counted by emotion; they are not evaluated.
    """

    model: str
    classes: tuple[str, ...]
    labels: NDArray[np.uint8]
    detected: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    leaked: NDArray[np.bool_]
    left_out: dict[str, int]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Bool [N]: which predictions are correct."""
        correct = np.zeros(len(self.labels), np.bool_)
        correct[self.detected] = self.probabilities.argmax(axis=1) == self.labels[self.detected]
        return correct

    def as_json(self) -> dict[str, Any]:
        """The scores as JSON, shares 0..1; all except the accuracies are over the detected faces only."""
        entries: dict[str, Any] = {
            "model": self.model,
            "classes": list(self.classes),
            "faces": len(self.labels),
            "not_found": int((~self.detected).sum()),
            "left_out": self.left_out,
            "leaked": int(self.leaked.sum()),
            **accuracy_entries(self.correct),
            **leak_entries(self.correct, self.leaked),
        }
        if self.detected.any():
            labels = self.labels[self.detected]
            entries |= share_entries(self.probabilities, labels, self.classes)
            entries["confusion"] = self.confusion.tolist()
        return entries

    @property
    def confusion(self) -> NDArray[np.int64]:
        """int64 [K, K]: detected faces by label, the row, and predicted emotion, the column."""
        table = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(table, (self.labels[self.detected], self.probabilities.argmax(axis=1)), 1)
        return table


def evaluate_faces(classifier: Classifier, faces: Faces, split: str) -> Evaluation:
    """Evaluate a model on face crops.

    Args:
        classifier: the model.
        faces: all splits, so that leaks from train are known; scaled down where the model's input is smaller.
        split: the one that is evaluated.

    Raises:
        UserError: the split is empty, its faces are smaller than the model's input, or no emotion is known to both.
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
    return Evaluation(
        model=facts.name,
        classes=facts.classes,
        labels=labels[known].astype(np.uint8),
        detected=np.ones(len(images), np.bool_),
        probabilities=classifier.probabilities(images),
        leaked=copies[known],
        left_out=_counts(faces.classes, faces.labels[rows][~known]),
    )


class CachingDetector(Detector):
    """Searches each photo once, however many models are evaluated on it."""

    def __init__(self) -> None:
        super().__init__()
        self._cache: dict[bytes, list[Detection]] = {}

    def find(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """See Detector."""
        photo = sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
        if photo not in self._cache:
            self._cache[photo] = super().find(pixels)
        return self._cache[photo]


def evaluate_photos(
    predictor: Predictor, files: Sequence[Labelled], name: str, on_photo: Callable[[], None], limit: int = MAX_PIXELS
) -> tuple[Evaluation, dict[str, str]]:
    """Evaluate a model on photos: the largest face of each is detected, aligned and classified.

    Args:
        predictor: with the model.
        files: photos with their emotions; those of emotions that the model does not know are left out.
        name: of the photos, for messages.
        on_photo: called after each.
        limit: the most pixels that a photo may have.

    Returns:
        The evaluation, and the reason for each file that could not be read, by its path; those are left out, too.

    Raises:
        UserError: no emotion of the photos is known to the model, or none of the photos can be read.
    """
    facts = predictor.classifier.facts
    emotions = tuple(sorted({file.emotion for file in files}))
    index = _index(emotions, facts.classes, facts.name, name)
    numbers = np.array([emotions.index(file.emotion) for file in files])
    labels: list[int] = []
    rows: list[list[float] | None] = []
    unread: dict[str, str] = {}
    for file, label in zip(files, index[numbers].tolist(), strict=True):
        if label >= 0:
            try:
                faces = predictor.predict(open_photo(file.path, limit)).faces
                rows.append(list(faces[0].probabilities.values()) if faces else None)
                labels.append(label)
            except UserError as error:
                unread[str(file.path)] = str(error).removeprefix(f"{file.path}: ")
        on_photo()
    if not labels:
        raise UserError(f"{name}: none of its {len(files):,} photos can be read, as {next(iter(unread))}")
    evaluation = Evaluation(
        model=facts.name,
        classes=facts.classes,
        labels=np.array(labels, np.uint8),
        detected=np.array([row is not None for row in rows]),
        probabilities=np.array([row for row in rows if row is not None], np.float32).reshape(-1, len(facts.classes)),
        leaked=np.zeros(len(labels), np.bool_),
        left_out=_counts(emotions, numbers[index[numbers] < 0]),
    )
    return evaluation, unread


def compare_pairs(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Compare each two models face by face, by McNemar's exact test; pairs with other faces are left out.

    `only_a` counts the faces that only the first model predicts correctly.
    """
    comparisons = []
    for a, b in combinations(evaluations, 2):
        if a.classes == b.classes and np.array_equal(a.labels, b.labels):
            test = mcnemar(a.correct, b.correct)
            comparisons.append({"a": a.model, "b": b.model, "only_a": test.only_a, "only_b": test.only_b, "p": test.p})
    return comparisons


def _index(theirs: Sequence[str], ours: Sequence[str], model: str, source: str) -> NDArray[np.int64]:
    """The index of each of their emotions among ours, -1 where there is none; synonyms such as "joy" are known."""
    places = {emotion_of_word(name) or name.lower(): place for place, name in enumerate(ours)}
    index = np.array([places.get(emotion_of_word(name) or name.lower(), -1) for name in theirs], np.int64)
    if (index < 0).all():
        raise UserError(f"{source}: its emotions are {', '.join(theirs)}; {model} predicts {', '.join(ours)}")
    return index


def _counts(names: Sequence[str], numbers: NDArray[np.integer]) -> dict[str, int]:
    """The count of each name's number; names without any are left out."""
    often = np.bincount(numbers, minlength=len(names))
    return {name: int(count) for name, count in zip(names, often, strict=True) if count}
