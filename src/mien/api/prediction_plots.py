"""Plots of predictions: what a trained net and an evaluated model both draw."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.runs.metrics import Scores, scores
from mien.runs.predictions import Predictions
from mien.runs.ranking import ClassAreas, areas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.report.plot import Plot


class PredictionPlots(ABC):
    """Predictions of one split that can be drawn. Legend: `S` seeds, `N` faces, `K` classes.

    Each method draws into `axes`, matplotlib axes of your own in your own style, or without them into a new figure in
    the style of the report, which a notebook shows. It returns the figure, whose `savefig` writes it to a file. Where a
    net has several seeds, their predictions are pooled, as in the report.

    >>> from matplotlib.figure import Figure
    >>> figure = Figure(layout="constrained")
    >>> left, right = figure.subplots(1, 2)
    >>> drawn = results.net("dense").per_class(left), results.net("cnn").per_class(right)
    >>> figure.savefig("both.png")
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What predicted: the name of the net or model."""

    @property
    @abstractmethod
    def classes(self) -> Sequence[str]:
        """The names of the K emotions."""

    @property
    @abstractmethod
    def predictions(self) -> Sequence[Predictions]:
        """The predictions of each of the S seeds; all have the same N faces."""

    @property
    @abstractmethod
    def evaluated_on(self) -> str:
        """The split of the predictions: train, validation or test."""

    @property
    @abstractmethod
    def images(self) -> NDArray[np.uint8] | None:
        """The faces, uint8 [N, H, W], in the order of the predictions; None where they are not at hand."""

    def confusion(self, axes: "Axes | None" = None) -> "Figure":
        """Draw the confusion matrix: each row the faces of an emotion, with their share and count by what is predicted.

        Args:
            axes: where to draw; a new figure unless given.
        """
        from mien.report.evaluation_figures import confusion_plot

        return self._show(confusion_plot(self._pooled().confusion, self.classes), axes)

    def per_class(self, axes: "Axes | None" = None) -> "Figure":
        """Draw the recall of each emotion as a bar, and its precision as a mark.

        Args:
            axes: where to draw; a new figure unless given.
        """
        from mien.report.evaluation_figures import per_class_plot

        return self._show(per_class_plot(dict(zip(self.classes, self._pooled().per_class, strict=True))), axes)

    def reliability(self, axes: "Axes | None" = None) -> "Figure":
        """Draw the reliability diagram: how many answers of each confidence are correct (Guo et al. 2017).

        Args:
            axes: where to draw; a new figure unless given, with a second part: how often each confidence is.
        """
        from mien.report.evaluation_figures import reliability_plot

        return self._show(reliability_plot(self._pooled().reliability), axes)

    def roc(self, axes: "Axes | None" = None) -> "Figure":
        """Draw the ROC curve of each emotion against the rest, with the area under it (Fawcett 2006).

        Args:
            axes: where to draw; a new figure unless given.
        """
        from mien.report.ranking_figures import roc_plot

        return self._show(roc_plot(self.predictions, self.classes, self._areas), axes)

    def precision_recall(self, axes: "Axes | None" = None) -> "Figure":
        """Draw the precision-recall curve of each emotion against the rest, with its average precision.

        Args:
            axes: where to draw; a new figure unless given.
        """
        from mien.report.ranking_figures import precision_recall_plot

        return self._show(precision_recall_plot(self.predictions, self.classes, self._areas), axes)

    def mistakes(self, axes: "Axes | None" = None, n: int = 14) -> "Figure":
        """Draw the most confident wrong answers: the faces, each with its truth and what was predicted instead.

        With several seeds these are of the first.

        Args:
            axes: where to draw; a new figure unless given.
            n: how many faces at most, 1 or more.

        Raises:
            UserError: the faces are not at hand, or no answer is wrong.
        """
        from mien.report.face_images import mistakes_plot, most_confident_mistakes

        if n < 1:
            raise UserError(f"n={n}: mistakes are drawn of at least 1 face")
        images = self.images
        if images is None:
            raise UserError(
                f"{self.name}: the faces of {self.evaluated_on} are not at hand, so its mistakes cannot be drawn"
            )
        mistakes = most_confident_mistakes(self._first(), self.classes, n)
        if not mistakes:
            raise UserError(f"{self.name}: every prediction of {self.evaluated_on} is correct, so no mistake is drawn")
        return self._show(mistakes_plot(images, mistakes), axes)

    def _show(self, plot: "Plot", axes: "Axes | None") -> "Figure":
        return plot.show(axes, title=f"{self.name} on {self.evaluated_on}")

    def _first(self) -> Predictions:
        """The predictions of the first seed."""
        if not self.predictions or not len(self.predictions[0].labels):
            raise UserError(f"{self.name}: there are no predictions of {self.evaluated_on} to draw")
        return self.predictions[0]

    def _pooled(self) -> Scores:
        return scores([one.probabilities for one in self.predictions], self._first().labels)

    @cached_property
    def _areas(self) -> dict[str, ClassAreas | None]:
        """By emotion, the areas under its curves."""
        ranked = areas([one.probabilities for one in self.predictions], self._first().labels)
        if ranked.macro is None:
            raise UserError(f"{self.name}: the faces of {self.evaluated_on} have one emotion alone, so none is ranked")
        return dict(zip(self.classes, ranked.per_class, strict=True))
