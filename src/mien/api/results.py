"""StudyResults: what a study found, as an object that shows itself."""

from os import PathLike
from pathlib import Path

from mien.api.html_tables import html_of, text_of
from mien.api.trained_net import TrainedNet
from mien.disk import user_path
from mien.errors import UserError, did_you_mean
from mien.report.study_data import read_reported_study
from mien.report.study_tables import comparison_table, ensembles_table, selected_table
from mien.report.tables import Table
from mien.runs.results import Results, read_results


class StudyResults:
    """What a study found, from `Study.run`; `StudyResults.open` reads that of one that has ended.

    Attributes:
        folder: the study's.
        data: every figure, as results.json holds them.
    """

    def __init__(self, folder: Path, data: Results) -> None:
        self.folder = folder
        self.data = data
        self._study = read_reported_study(folder, data)

    @classmethod
    def open(cls, folder: str | PathLike[str]) -> "StudyResults":
        """Read the results in a study's folder.

        Raises:
            UserError: the study has not ended, or its results are damaged.
        """
        path = user_path(folder)
        return cls(path, read_results(path))

    @property
    def nets(self) -> tuple[TrainedNet, ...]:
        """The nets, in the order of the study."""
        return tuple(TrainedNet(self._study, net, self.folder) for net in self._study.nets)

    @property
    def best(self) -> TrainedNet | None:
        """Of the selected nets the one with the highest validation accuracy; None where none was selected."""
        return self.net(self.data.best) if self.data.best else None

    def net(self, name: "str | TrainedNet") -> TrainedNet:
        """A net by its name.

        Raises:
            UserError: the study has no such net.
        """
        for net in self.nets:
            if net == name:
                return net
        raise UserError(f"{self.data.study}: no net {str(name)!r}; {did_you_mean(str(name), list(self.data.by_name))}")

    def report(self) -> Path:
        """Write the report, `report.html` with `figures/` and `tables/` in the study's folder, and give its path."""
        from mien.report import write_report

        return write_report(self.folder, self.data)

    @property
    def _tables(self) -> list[Table]:
        """A table for each group, the scores of the selected, and the ensembles."""
        study = self._study
        tables = [comparison_table(study, study.members(one.name), "group", one.title) for one in study.groups]
        tables += [selected_table(study), ensembles_table(study)]
        return [table for table in tables if table.rows]

    def __repr__(self) -> str:
        return "\n\n".join(f"{table.title}\n{text_of(table)}" for table in self._tables)

    def _repr_html_(self) -> str:
        return "".join(map(html_of, self._tables))
