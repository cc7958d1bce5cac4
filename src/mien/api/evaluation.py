"""Evaluate: a model on labelled faces or photos, as an object that shows itself."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.api.evaluated_net import EvaluatedNet
from mien.api.net_comparison import NetComparison
from mien.api.prediction_plots import PredictionPlots
from mien.api.progress import counting
from mien.errors import UserError, counted, did_you_mean
from mien.faces.fer2013 import SPLITS
from mien.faces.spec import FacesSpec, Place, open_faces, source_words
from mien.faces.types import Faces
from mien.html_tables import html_lines
from mien.report.evaluation_tables import per_class_table
from mien.report.tables import Column, Table, area, keyed_table, percent, whole, with_spread
from mien.runs.metrics import Accuracy, mcnemar
from mien.runs.predictions import Predictions
from mien.runs.results import SplitScores
from mien.runs.seeds import split_scores_of

if TYPE_CHECKING:
    from mien.evaluation.results import Evaluation
    from mien.predict.classifier import Classifier
    from mien.predict.predictor import Predictor

Model: TypeAlias = "str | PathLike[str] | Classifier | Predictor | EvaluatedNet"
"""The name of a bundled model, a file of `mien export`, a model that is open, or a net or ensemble of a study."""


class ModelEvaluation(PredictionPlots):
    """A model's predictions of one split of labelled faces or photos, from `mien.evaluate`. Legend: `N` faces.

    A photo without a detected face counts as wrong in the accuracy; scores and plots are of the detected ones.

    >>> import mien
    >>> evaluation = mien.evaluate("fast", faces)
    >>> evaluation.evaluated_on, evaluation.accuracy.n, evaluation.scores.per_class["happy"].support
    ('test', 20, 4)
    >>> evaluation.confusion().savefig("confusion.png")

    Attributes:
        evaluation: the predictions themselves.
        source: the name of the faces.
        notes: how the source was understood, one sentence each.
        unread: by path, why photos could not be read; these are left out.
    """

    def __init__(
        self,
        evaluation: "Evaluation",
        split: str,
        source: str,
        notes: Sequence[str] = (),
        unread: Mapping[str, str] | None = None,
    ) -> None:
        self.evaluation, self.source, self.notes, self.unread = evaluation, source, tuple(notes), dict(unread or {})
        self._split = split

    @property
    def name(self) -> str:
        """The model's name."""
        return self.evaluation.model

    @property
    def classes(self) -> Sequence[str]:
        """The names of the model's K emotions."""
        return self.evaluation.classes

    @property
    def evaluated_on(self) -> str:
        """The split: train, validation or test."""
        return self._split

    @cached_property
    def predictions(self) -> Sequence[Predictions]:
        """The predictions of the faces; of photos, of those with a detected face. One, as a model has one seed."""
        return (Predictions(self.evaluation.probabilities, self.evaluation.labels[self.evaluation.detected]),)

    @property
    def images(self) -> NDArray[np.uint8] | None:
        """The faces, uint8 [N, H, W], as the model takes them, in the order of the predictions; None for photos."""
        return self.evaluation.images

    @property
    def accuracy(self) -> Accuracy:
        """The share of all N faces that are predicted correctly, with its 95 % interval."""
        return self.evaluation.accuracy

    @property
    def accuracy_without_leaks(self) -> Accuracy | None:
        """The accuracy on the test faces that are not pixel for pixel in train; None if no face or every face is."""
        return self.evaluation.accuracy_without_leaks

    @cached_property
    def scores(self) -> SplitScores | None:
        """What the predictions are worth, beside their accuracy; None where no photo has a detected face."""
        if not self.evaluation.detected.any():
            return None
        return split_scores_of(self.predictions, self.evaluated_on, self.classes)

    @property
    def summary(self) -> Table:
        """The scores in one row: a table that shows itself; `summary.frame()` gives a data frame."""
        evaluation, scores = self.evaluation, self.scores
        columns = [
            Column("model", "model", lead=True),
            Column("faces", "faces", whole, True),
            Column("accuracy", "accuracy, %", with_spread, True),
            Column("accuracy_without_leaks", f"without the {evaluation.leaked.sum():,} in train, %", with_spread, True),
            Column("not_detected", "no face detected", whole, True),
            Column("balanced_accuracy", "balanced, %", percent, True),
            Column("macro_f1", "macro-F1, %", percent, True),
            Column("ece", "calibration error, %", percent, True),
            Column("roc_auc", "area under ROC", area, True),
        ]
        left_out = set() if evaluation.leaked.any() else {"accuracy_without_leaks"}
        left_out |= set() if evaluation.not_detected else {"not_detected"}
        row = {
            "model": self.name,
            "faces": len(evaluation.labels),
            "accuracy": self.accuracy,
            "accuracy_without_leaks": self.accuracy_without_leaks,
            "not_detected": evaluation.not_detected,
            "balanced_accuracy": scores and scores.balanced_accuracy,
            "macro_f1": scores and scores.macro_f1,
            "ece": scores and scores.ece,
            "roc_auc": scores.macro_areas.roc_auc if scores and scores.macro_areas else None,
        }
        title = f"{self.name} on {self.source}, {self.evaluated_on}"
        return keyed_table("evaluation", title, [one for one in columns if one.key not in left_out], [row])

    @property
    def emotions(self) -> Table:
        """The scores of each emotion: a table that shows itself; `emotions.frame()` gives a data frame.

        Raises:
            UserError: no photo has a detected face.
        """
        if self.scores is None:
            raise UserError(f"{self.name}: no face was detected in the photos of {self.source}, so none was classified")
        return per_class_table(self.name, self.scores)

    def compare(self, other: "ModelEvaluation") -> NetComparison:
        """Test whether this model or another one is better beyond chance: McNemar's exact test on the same faces.

        Args:
            other: the evaluation of the other model, on the same faces.

        Raises:
            UserError: it was evaluated on other faces.
        """
        if not isinstance(other, ModelEvaluation):
            raise UserError(f"compare: found {type(other).__name__}; give the evaluation of the other model")
        both = self.evaluation, other.evaluation
        if not _same_faces(self, other):
            raise UserError(
                f"{self.name} was evaluated on {_amount(self)}, {other.name} on {_amount(other)}: models are compared "
                "on the same faces, so evaluate both on these"
            )
        test = mcnemar(both[0].correct, both[1].correct)
        return NetComparison(self.name, other.name, self.evaluated_on, test.only_a, test.only_b, test.p)

    def __repr__(self) -> str:
        tables = [self.summary, *([self.emotions] if self.scores else [])]
        return "\n".join([*(repr(table) for table in tables), *self._remarks])

    def _repr_html_(self) -> str:
        tables = [self.summary, *([self.emotions] if self.scores else [])]
        return "\n".join([*(table._repr_html_() for table in tables), html_lines(self._remarks)])

    @property
    def _remarks(self) -> list[str]:
        known = [f"note: {note}" for note in self.notes]
        known += [
            f"left out: {count:,} of {emotion}, which {self.name} does not know"
            for emotion, count in self.evaluation.left_out.items()
        ]
        return known + [f"left out: {path}: {reason}" for path, reason in self.unread.items()]


def evaluate(
    model: Model,
    faces: Faces | Place | Sequence[Place],
    split: str = "test",
    *,
    photos: bool = False,
    classes: str | Sequence[str] = (),
    progress: bool = True,
) -> ModelEvaluation:
    """Evaluate a model on labelled faces or photos, as `mien test` does.

    >>> import mien
    >>> evaluation = mien.evaluate("fast", "drawn:200", split="validation")
    >>> evaluation.accuracy.n, evaluation.classes[3]
    (20, 'happy')

    Args:
        model: "best" or "fast", the path of a file of `mien export`, a `Predictor`, a `Classifier`, or a net or
            ensemble of a study's results, which is exported first: that takes some seconds, and fits its temperatures.
        faces: faces, or their source as `open_faces` takes it.
        split: the split that is evaluated: "train", "validation" or "test".
        photos: the source is folders of photos, as "test=my_photos" or my_photos/test/happy/: the largest face of each
            photo is detected and classified, and a photo without one counts as wrong.
        classes: what classes that are numbers mean, as for `open_faces`.
        progress: show a bar while photos are evaluated.

    Returns:
        The evaluation. A notebook shows its tables; `evaluation.confusion()` and others draw it.

    Raises:
        UserError: there is no such model, the source cannot be read, it has no faces of this split, or the model knows
            none of its emotions.
    """
    if split not in SPLITS:
        raise UserError(f"split {split!r}: no such split; {did_you_mean(split, SPLITS)}")
    classifier = _classifier(model)
    if photos:
        return _evaluate_photos(model, classifier, faces, split, classes, progress)
    from mien.evaluation.evaluate import evaluate_faces

    opened = faces if isinstance(faces, Faces) else open_faces(faces, classes=classes)
    return ModelEvaluation(evaluate_faces(classifier, opened, split), split, opened.name, opened.notes)


def _evaluate_photos(
    model: Model,
    classifier: "Classifier",
    source: Faces | Place | Sequence[Place],
    split: str,
    classes: str | Sequence[str],
    progress: bool,
) -> ModelEvaluation:
    from mien.evaluation.evaluate import evaluate_photos, find_photos
    from mien.predict.predictor import Predictor

    if isinstance(source, Faces):
        raise UserError(f"photos=True with {source.name}: these are faces already; give the folder of the photos")
    names = (classes,) if isinstance(classes, str) else tuple(classes)
    labelled = find_photos(FacesSpec(source_words(source), classes=names), split)
    predictor = model if isinstance(model, Predictor) else Predictor(classifier)
    with counting("photos", len(labelled.files), progress) as one_more:
        evaluation, unread = evaluate_photos(predictor, labelled.files, labelled.name, one_more)
    return ModelEvaluation(evaluation, split, labelled.name, labelled.notes, unread)


def _classifier(model: Model) -> "Classifier":
    from mien.predict.classifier import Classifier
    from mien.predict.predictor import Predictor

    if isinstance(model, Classifier):
        return model
    if isinstance(model, Predictor):
        return model.classifier
    if isinstance(model, EvaluatedNet):
        with TemporaryDirectory() as folder:
            return Classifier(model.export(Path(folder) / "net.onnx", name=model.name).file)
    if isinstance(model, str | PathLike):
        return Classifier(Path(model) if isinstance(model, PathLike) else model)
    raise UserError(
        f'model: found {type(model).__name__}; give "best", "fast", a file of mien export, a Predictor, or a net of a '
        "study's results"
    )


def _same_faces(one: ModelEvaluation, other: ModelEvaluation) -> bool:
    a, b = one.evaluation, other.evaluation
    if a.classes != b.classes or one.evaluated_on != other.evaluated_on or not np.array_equal(a.labels, b.labels):
        return False
    if a.images is None or b.images is None or a.images.shape != b.images.shape:  # photos, or models of two sizes
        return one.source == other.source
    return np.array_equal(a.images, b.images)


def _amount(one: ModelEvaluation) -> str:
    return f"{counted(len(one.evaluation.labels), 'face')} of {one.source}, {one.evaluated_on}"
