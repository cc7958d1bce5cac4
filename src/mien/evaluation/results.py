"""The results of an evaluation: each model's predictions and scores, and the models compared in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.runs.metrics import Accuracy, McNemar, Scores, accuracy, mcnemar, scores
from mien.runs.ranking import Areas, areas


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
        images: uint8 [N, H, W], as the model takes them; None for photos.
    """

    model: str
    classes: tuple[str, ...]
    labels: NDArray[np.uint8]
    detected: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    leaked: NDArray[np.bool_]
    left_out: dict[str, int]
    images: NDArray[np.uint8] | None = None

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Bool [N]: which predictions are correct."""
        correct = np.zeros(len(self.labels), np.bool_)
        correct[self.detected] = self.probabilities.argmax(axis=1) == self.labels[self.detected]
        return correct

    @cached_property
    def accuracy(self) -> Accuracy:
        """The accuracy on all N faces."""
        return accuracy(self.correct[None])

    @cached_property
    def accuracy_without_leaks(self) -> Accuracy | None:
        """The accuracy on the faces that are not leaked; None if no face or every face is."""
        if not self.leaked.any() or self.leaked.all():
            return None
        return accuracy(self.correct[None, ~self.leaked])

    @cached_property
    def scores(self) -> Scores | None:
        """The other metrics, on the M detected faces; None if there are none."""
        return scores([self.probabilities], self.labels[self.detected]) if self.detected.any() else None

    @cached_property
    def areas(self) -> Areas | None:
        """The areas under the ROC and precision-recall curves, on the M detected faces; None if there are none."""
        return areas([self.probabilities], self.labels[self.detected]) if self.detected.any() else None

    @property
    def not_detected(self) -> int:
        """How many photos have no detected face."""
        return int((~self.detected).sum())

    @property
    def confusion(self) -> NDArray[np.int64]:
        """int64 [K, K]: detected faces by label, the row, and predicted emotion, the column."""
        table = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(table, (self.labels[self.detected], self.probabilities.argmax(axis=1)), 1)
        return table

    def to_dict(self) -> dict[str, Any]:
        """The scores for JSON, shares 0..1."""
        entries: dict[str, Any] = {
            "model": self.model,
            "classes": list(self.classes),
            "faces": len(self.labels),
            "not_found": self.not_detected,
            "left_out": self.left_out,
            "leaked": int(self.leaked.sum()),
            "accuracy": self.accuracy.mean,
            "low": self.accuracy.interval[0],
            "high": self.accuracy.interval[1],
        }
        if clean := self.accuracy_without_leaks:
            low, high = clean.interval
            entries |= {"accuracy_without_leaks": clean.mean, "without_leaks_low": low, "without_leaks_high": high}
        if self.scores:
            names = ("macro_f1", "balanced_accuracy", "nll", "ece")
            entries |= {name: getattr(self.scores, name) for name in names}
            per_class = zip(self.classes, self.scores.per_class, strict=True)
            entries["per_class"] = {name: asdict(score) for name, score in per_class}
            entries["confusion"] = self.confusion.tolist()
        if self.areas:
            ranked = zip(self.classes, self.areas.per_class, strict=True)
            entries["areas"] = {name: one and asdict(one) for name, one in ranked}
            entries["macro_areas"] = self.areas.macro and asdict(self.areas.macro)
        return entries


@dataclass(frozen=True)
class ModelPair:
    """Two models compared face by face.

    Attributes:
        a, b: their names.
        mcnemar: McNemar's exact test of their correct predictions.
    """

    a: str
    b: str
    mcnemar: McNemar


@dataclass(frozen=True)
class EvaluationReport:
    """The evaluation of several models on the same faces or photos.

    Attributes:
        source: the name of the faces.
        split: the split that was evaluated.
        models: an evaluation for each model.
        notes: on how the source was read.
        fingerprint: of the faces; "" for photos.
        labels: whose labels they are, see `mien.faces.spec.LABELS`; "" for photos.
        unread: by path, why photos could not be read; None for faces.
        corruptions: by corruption, the accuracy of each model on the faces with it.
    """

    source: str
    split: str
    models: Sequence[Evaluation]
    notes: Sequence[str]
    fingerprint: str = ""
    labels: str = ""
    unread: Mapping[str, str] | None = None
    corruptions: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def pairs(self) -> list[ModelPair]:
        """Each two of the models compared."""
        return compare_pairs(self.models)

    def to_dict(self) -> dict[str, Any]:
        """What `mien test --json` prints."""
        entries: dict[str, Any] = {"source": self.source}
        entries |= {"fingerprint": self.fingerprint} if self.fingerprint else {}
        entries |= {"split": self.split} | ({"labels": self.labels} if self.labels else {})
        entries["notes"] = list(self.notes)
        entries |= {} if self.unread is None else {"unread": dict(self.unread)}
        entries["models"] = [model.to_dict() for model in self.models]
        entries["comparisons"] = [{"a": pair.a, "b": pair.b, **asdict(pair.mcnemar)} for pair in self.pairs]
        if self.corruptions:
            names = [model.model for model in self.models]
            entries["corruptions"] = [
                {"corruption": name, **dict(zip(names, accuracies, strict=True))}
                for name, accuracies in self.corruptions.items()
            ]
        return entries


def compare_pairs(evaluations: Sequence[Evaluation]) -> list[ModelPair]:
    """Compare each two models by McNemar's exact test; pairs that were evaluated on other faces are left out."""
    return [
        ModelPair(a.model, b.model, mcnemar(a.correct, b.correct))
        for a, b in combinations(evaluations, 2)
        if a.classes == b.classes and np.array_equal(a.labels, b.labels)
    ]
