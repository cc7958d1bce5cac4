"""TrainedEnsemble: nets of a study whose predictions are averaged, as an object that shows itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mien.api.evaluated_net import EvaluatedNet
from mien.report.study_data import ReportedStudy
from mien.report.study_tables import ensembles_table
from mien.report.tables import Table
from mien.runs.predictions import Predictions
from mien.runs.results import EnsembleResult
from mien.runs.seeds import averaged, predictions_of


class TrainedEnsemble(EvaluatedNet):
    """An ensemble of a study that has ended, from `StudyResults.ensemble`. It compares equal to its name.

    Its plots show the predictions of test where all of its nets were evaluated on it, else of validation.

    >>> both = results.ensemble("both")
    >>> both.weights, both.accuracy.validation.n
    ({'dense': 0.5, 'cnn': 0.5}, 20)
    """

    def __init__(self, study: ReportedStudy, folder: Path, ensemble: EnsembleResult) -> None:
        super().__init__(study, folder, ensemble)
        self._ensemble = ensemble

    @property
    def weights(self) -> Mapping[str, float]:
        """Each net's share of the mean, by its name; they sum to 1."""
        return self._ensemble.weights

    def predictions_of(self, split: str) -> Sequence[Predictions]:
        """The mean of its nets' predictions of a split; () unless each net was evaluated on it."""
        runs = {net.name: net.runs for net in self._study.nets}
        return averaged([predictions_of(runs[name], split) for name in self.weights], list(self.weights.values()))

    def __repr__(self) -> str:
        return repr(self._table)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()

    @property
    def _table(self) -> Table:
        return ensembles_table(self._study, [self._ensemble])
