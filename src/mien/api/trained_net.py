"""TrainedNet: a net of a study with its runs, as an object that shows itself."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.api.html_tables import html_of, text_of
from mien.api.prediction_plots import PredictionPlots
from mien.errors import UserError
from mien.report.study_data import ReportedNet, ReportedStudy
from mien.report.study_tables import comparison_table, layers_table
from mien.report.tables import Table
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.resolve import faces_of
from mien.runs.results import SplitAccuracies, SplitScores
from mien.runs.run import Run
from mien.runs.seeds import predictions_of


class TrainedNet(PredictionPlots):
    """A net of a study that has ended, from `StudyResults`.

    Its plots show the predictions of test where the net was evaluated on it, else of validation. It compares equal to
    its name, which `str` gives.
    """

    def __init__(self, study: ReportedStudy, net: ReportedNet, folder: Path) -> None:
        self._study, self._net, self._folder = study, net, folder

    @property
    def name(self) -> str:
        """Its name."""
        return self._net.name

    @property
    def classes(self) -> Sequence[str]:
        """The names of the K emotions."""
        return self._study.classes

    @property
    def accuracy(self) -> SplitAccuracies:
        """Its accuracies by split: `.validation.mean`, `.test.interval`; None where a split was not evaluated."""
        return self._net.result.accuracy

    @property
    def scores(self) -> SplitScores | None:
        """What its predictions are worth beside their accuracy; None where none of its runs came to its end."""
        return self._net.result.scores

    @property
    def recipe(self) -> Recipe:
        """How it was trained, with its learning rate."""
        return self._net.recipe

    @property
    def runs(self) -> tuple[Run, ...]:
        """Its runs whose folders are there, one a seed."""
        return self._net.runs

    @property
    def layers(self) -> Table:
        """Its layers, their output shapes and parameters, as a table."""
        return layers_table(self._study, self._net)

    @property
    def evaluated_on(self) -> str:
        """The split of its scores and plots: test, or validation where it was not evaluated on test.

        Raises:
            UserError: none of its runs came to its end.
        """
        split = self._net.evaluated_on
        if split is None:
            result = self._net.result
            raise UserError(
                f"{self.name}: {result.state}, so it has no predictions{f': {result.reason}' * bool(result.reason)}"
            )
        return split

    @property
    def predictions(self) -> Sequence[Predictions]:
        """The predictions of each of the S seeds; all have the same N faces."""
        return predictions_of(self.runs, self.evaluated_on)

    @cached_property
    def images(self) -> NDArray[np.uint8] | None:
        """The faces, uint8 [N, H, W], in the order of the predictions.

        Raises:
            UserError: the faces are no longer where the study read them, or are others.
        """
        return faces_of(self.runs[0]).split(self.evaluated_on).images

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return text_of(self._table())

    def _repr_html_(self) -> str:
        return html_of(self._table())

    def _table(self) -> Table:
        return comparison_table(self._study, [self._net], "comparison", "")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return self.name == other
        return isinstance(other, TrainedNet) and (self._folder, self.name) == (other._folder, other.name)

    def __hash__(self) -> int:
        return hash(self.name)
