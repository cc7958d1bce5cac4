"""TrainedNet: a net of a study with its runs, as an object that shows itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from mien.api.evaluated_net import EvaluatedNet
from mien.errors import UserError
from mien.frames import Library, data_frame
from mien.report.study_data import ReportedNet, ReportedStudy
from mien.report.study_tables import comparison_table, layers_table
from mien.report.tables import Table
from mien.report.tuning import Tuning, tuning_of
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.runs.seeds import predictions_of

if TYPE_CHECKING:
    import pandas
    import polars
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HISTORY = ("loss", "accuracy", "validation_loss", "validation_accuracy", "seconds", "faces_per_second")
"""The columns of a history beside the seed and the epoch."""


class TrainedNet(EvaluatedNet):
    """A net of a study that has ended, from `StudyResults.net`. It compares equal to its name, which `str` gives.

    Its plots show the predictions of test where the net was evaluated on it, else of validation.

    >>> net = results.net("cnn")
    >>> net == "cnn", net.accuracy.validation.n, net.history()["epoch"].to_list()
    (True, 20, [1])
    >>> net.curves().savefig("curves.png")
    """

    def __init__(self, study: ReportedStudy, folder: Path, net: ReportedNet) -> None:
        super().__init__(study, folder, net.result)
        self._net = net

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
        """Its layers, with their output shapes and parameters: a table that shows itself."""
        return layers_table(self._study, self._net)

    @property
    def trials(self) -> Table:
        """The trials of its search, a table that shows itself; `trials.frame()` gives a data frame.

        Raises:
            UserError: it was not tuned, or no trial was finished.
        """
        from mien.report.tuning_narrative import trials_table

        return trials_table(self._tuning)

    def predictions_of(self, split: str) -> Sequence[Predictions]:
        """The predictions of a split, once for each seed that finished; () where it was not evaluated on it."""
        return predictions_of(self.runs, split)

    @overload
    def history(self, library: Literal["pandas"] = "pandas") -> "pandas.DataFrame": ...

    @overload
    def history(self, library: Literal["polars"]) -> "polars.DataFrame": ...

    def history(self, library: Library = "pandas") -> "pandas.DataFrame | polars.DataFrame":
        """Its history as a data frame, a row for each seed and epoch.

        The columns are seed, epoch (from 1), loss and accuracy on train while it was trained, validation_loss,
        validation_accuracy, seconds (of training alone) and faces_per_second; accuracies are shares, 0..1.

        Args:
            library: whose data frame it is, "pandas" or "polars".

        Raises:
            UserError: the library is not installed, or it is another one.
        """
        epochs = [(run.seed, epoch) for run in self.runs for epoch in run.history()]
        columns: dict[str, list[object]] = {
            "seed": [seed for seed, _ in epochs],
            "epoch": [epoch.epoch for _, epoch in epochs],
        }
        columns |= {name: [getattr(epoch, name) for _, epoch in epochs] for name in HISTORY}
        return data_frame(columns, library)

    def curves(self, axes: "Axes | Sequence[Axes] | None" = None) -> "Figure":
        """Draw loss and accuracy over epochs, on train and on validation; each seed thin, their mean thick.

        Args:
            axes: where to draw: two of them, for the loss and for the accuracy, or one, for the accuracy alone; a new
                figure with both unless given.

        Returns:
            The figure, which a notebook shows.

        Raises:
            UserError: none of its runs has done an epoch, or `axes` are neither one nor two.
        """
        from mien.notebook_figure import check_axes
        from mien.report.curves import history_plots
        from mien.report.plot import show_stacked

        if not any(run.history() for run in self.runs):
            raise UserError(f"{self.name}: none of its runs has done an epoch, so there are no curves to draw")
        loss, accuracy = history_plots(self._net)
        if axes is None:
            return show_stacked([loss, accuracy], self.name)
        if not isinstance(axes, Sequence | np.ndarray):
            return accuracy.show(axes)
        both = np.ravel(np.asarray(axes, object))  # plt.subplots(2, 1, squeeze=False) gives them in two dimensions
        if len(both) != 2:
            raise UserError(f"axes: found {len(both)}; give two, for the loss and for the accuracy, or one alone")
        for one in both:
            check_axes(one)
        loss.show(both[0])
        return accuracy.show(both[1])

    def tuning(self, axes: "Axes | None" = None) -> "Figure":
        """Draw the score of each trial of its search, and the best so far.

        Args:
            axes: where to draw; a new figure unless given.

        Raises:
            UserError: it was not tuned, or no trial was finished.
        """
        from mien.report.tuning_figures import search_plot

        return search_plot(self._tuning).show(axes, title=f"Trials of {self.name}")

    @property
    def _tuning(self) -> Tuning:
        tuning = tuning_of(self._study, self.name)
        if tuning is None:
            tuned = self.name in self._study.results.tuning
            why = "no trial of its search was finished" if tuned else "was not tuned; a net with a `tune` table is"
            raise UserError(f"{self.name}: {why}")
        return tuning

    def __repr__(self) -> str:
        return repr(self._table)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()

    @property
    def _table(self) -> Table:
        return comparison_table(self._study, [self._net], f"comparison-{self.name}", "")
