"""Predictions: what a run, or several, predict for the faces of a split."""

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.disk import whole_file
from mien.runs.files import cached_by_stamp, reported_damage, retrain


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is predicted for the faces of a split.

    >>> predictions = run.predictions("validation")
    >>> mistakes = predictions.most_confident(among=~predictions.correct)
    >>> predictions.probabilities.shape, faces["validation"].images[mistakes].shape[1:]
    ((20, 7), (48, 48))

    Attributes:
        probabilities: float32 [N, K], rows sum to 1.
        labels: uint8 [N], the truth.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """The most probable class of each face, [N]."""
        predicted: NDArray[np.intp] = np.argmax(self.probabilities, axis=1)
        return predicted

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the most probable class is the label, [N]."""
        correct: NDArray[np.bool_] = self.predicted == self.labels
        return correct

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """The highest probability of each face, 0..1, [N]."""
        confidence: NDArray[np.float32] = self.probabilities.max(axis=1)
        return confidence

    def most_confident(self, among: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The places of the faces where `among`, bool [N], is true, the most confident prediction first."""
        places = np.flatnonzero(among)
        return places[np.argsort(-self.confidence[places], kind="stable")]

    @property
    def accuracy(self) -> float:
        """Share of faces predicted correctly, 0..1; N must be at least 1."""
        return float(np.mean(self.correct))


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a file of predictions, an npz of their two arrays."""
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, probabilities=predictions.probabilities, labels=predictions.labels)


@cached_by_stamp(64)  # of FER2013's train split one takes 830 kB
def read_predictions(path: Path) -> Predictions:
    """Read a file of predictions, as `write_predictions` writes it.

    Raises:
        UserError: it is damaged.
    """
    with reported_damage(path, retrain(path.parent)):
        return _checked(*_arrays(path))


def _arrays(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    content = BytesIO(path.read_bytes())
    try:
        with np.load(content, allow_pickle=False) as arrays:
            return arrays["probabilities"], arrays["labels"]
    except Exception:  # foreign bytes make numpy raise nearly anything, and speak of pickles
        raise ValueError("not a whole npz file of the arrays probabilities and labels") from None


def _checked(probabilities: NDArray[Any], labels: NDArray[Any]) -> Predictions:
    if probabilities.dtype != np.float32 or probabilities.ndim != 2 or not probabilities.shape[1]:
        raise ValueError(f"probabilities are {probabilities.dtype} {list(probabilities.shape)}, not float32 [N, K]")
    if labels.dtype != np.uint8 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"labels are {labels.dtype} {list(labels.shape)}, not uint8 [N] for probabilities "
            f"{list(probabilities.shape)}"
        )
    if not np.isfinite(probabilities).all():
        raise ValueError("a probability is not a finite number")
    if len(labels) and labels.max() >= probabilities.shape[1]:
        raise ValueError(f"label {labels.max()} has no column of probabilities")
    for array in (probabilities, labels):
        array.flags.writeable = False
    return Predictions(probabilities, labels)
