"""Evaluate: a model's predictions of labelled faces and photos, and their scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.evaluation.results import Evaluation
from mien.faces import SPLITS, Faces, FacesSpec
from mien.faces.classes import describe_numbers
from mien.faces.decoding import MAX_PIXELS, SUFFIXES
from mien.faces.duplicates import leaked
from mien.faces.images import Labelled, area_average
from mien.faces.names import emotion_of_word
from mien.predict.classifier import Classifier
from mien.predict.detector import Detection, Detector
from mien.predict.photos import open_photo
from mien.predict.predictor import Predictor


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
        raise UserError(f"{faces.name}: has no {split} faces; it has: {', '.join(faces.counts())}; name another split")
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
        images=images,
    )


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos with their emotions.

    Attributes:
        name: of their source.
        files: one a photo.
        notes: on how the source was read.
    """

    name: str
    files: Sequence[Labelled]
    notes: Sequence[str]


def find_photos(spec: FacesSpec, split: str) -> LabelledPhotos:
    """Find the photos of a split in folders, by their emotions.

    Args:
        spec: its `source` and `classes` are used.
        split: one of `SPLITS`.

    Raises:
        UserError: the source is no folder of photos, or has none of this split.
    """
    spec.check()
    source = spec.find()
    photos, names = source.photos(SUFFIXES, spec.classes)
    files = [file for file in photos if file.split == SPLITS.index(split)]
    if not files:
        raise UserError(f"{source.name}: has no {split} photos; name another split, or say {split}=FOLDER")
    return LabelledPhotos(source.name, files, [*source.notes, *describe_numbers(names)])


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
