"""StudyResults: what a study found, as an object that shows itself."""

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from mien.api.evaluated_net import EvaluatedNet
from mien.api.net_comparison import NetComparison
from mien.api.net_row import net_row
from mien.api.trained_ensemble import TrainedEnsemble
from mien.api.trained_net import TrainedNet
from mien.disk import user_path
from mien.errors import UserError, did_you_mean
from mien.frames import Library, data_frame
from mien.html_tables import html_lines
from mien.report.study_data import ReportedStudy, read_reported_study
from mien.report.study_tables import comparison_table, ensembles_table, selected_table
from mien.report.tables import Table
from mien.runs.results import Results, read_results
from mien.runs.seeds import mcnemar_of

if TYPE_CHECKING:
    import pandas
    import polars

    from mien.export.write import Exported


class StudyResults:
    """What a study found, from `Study.run`; `StudyResults.open` reads that of a study that has ended.

    A notebook shows its tables: the nets of each group with their accuracies, the best of each in bold.

    >>> import mien
    >>> results = mien.StudyResults.open("out/first")
    >>> results.best in results.nets, results.frame()["net"].to_list()
    (True, ['dense', 'cnn'])

    Attributes:
        folder: the study's, absolute.
        data: every figure, as results.json holds it (docs/reference/results-file.md).
    """

    def __init__(self, folder: Path, data: Results) -> None:
        self.folder = folder.absolute()  # a notebook may change its working directory
        self.data = data

    @classmethod
    def open(cls, folder: str | PathLike[str]) -> "StudyResults":
        """Read the results in a study's folder.

        Args:
            folder: the study's, as out/NAME.

        Raises:
            UserError: the study has not ended, or its results are damaged.
        """
        path = user_path(folder)
        return cls(path, read_results(path))

    @cached_property
    def nets(self) -> tuple[TrainedNet, ...]:
        """The nets, in the order of the study; those that failed or were skipped too.

        Raises:
            UserError: a run of the study is damaged.
        """
        return tuple(TrainedNet(self._study, self.folder, net) for net in self._study.nets)

    @cached_property
    def ensembles(self) -> tuple[TrainedEnsemble, ...]:
        """The ensembles, in the order of the study."""
        return tuple(TrainedEnsemble(self._study, self.folder, one) for one in self.data.ensembles)

    @property
    def best(self) -> TrainedNet | None:
        """Of the selected nets the one with the highest validation accuracy; None where none was selected."""
        return None if self.data.best is None else self.net(self.data.best)

    @property
    def groups(self) -> dict[str, Table]:
        """The comparison table of each group, by the group's name: `results.groups["cnn"]`."""
        study = self._study
        return {
            group.name: comparison_table(study, study.members(group.name), f"comparison-{group.name}", group.title)
            for group in study.groups
        }

    @property
    def selected(self) -> dict[str, TrainedNet]:
        """The best net of each group on validation, by the group's name: `results.selected["cnn"]`."""
        return {one.group: self.net(one.name) for one in self.data.nets if one.selected}

    def net(self, name: str | TrainedNet) -> TrainedNet:
        """A net by its name.

        Raises:
            UserError: the study has no net of this name, or the net is one of other results.
        """
        for net in self.nets:
            if net == name:
                return net
        if name in self.ensembles:
            raise UserError(f"{name}: is an ensemble; results.ensemble({str(name)!r}) gives it")
        raise UserError(f"{name}: no such net; {did_you_mean(self._name_of(name), list(self.data.by_name))}")

    def ensemble(self, name: str | TrainedEnsemble) -> TrainedEnsemble:
        """An ensemble by its name.

        Raises:
            UserError: the study has no ensemble of this name, or the ensemble is one of other results.
        """
        for one in self.ensembles:
            if one == name:
                return one
        word, known = self._name_of(name), [one.name for one in self.ensembles]
        raise UserError(f"{name}: no such ensemble; {did_you_mean(word, known) if known else 'there is none'}")

    @overload
    def frame(self, library: Literal["pandas"] = "pandas") -> "pandas.DataFrame": ...

    @overload
    def frame(self, library: Literal["polars"]) -> "polars.DataFrame": ...

    def frame(self, library: Library = "pandas") -> "pandas.DataFrame | polars.DataFrame":
        """The figures as a data frame, a row for each net.

        Accuracies and scores are shares, 0..1; `_low` and `_high` are the ends of the 95 % interval, `_sd` is the
        standard deviation over seeds. Balanced accuracy and what follows it are of the split in `evaluated_on`.

        Args:
            library: whose data frame it is, "pandas" or "polars".

        Raises:
            UserError: the library is not installed, or it is another one.
        """
        rows = [net_row(net) for net in self.data.nets]
        return data_frame({name: [row[name] for row in rows] for name in rows[0]}, library)

    def compare(
        self, a: str | EvaluatedNet, b: str | EvaluatedNet, split: Literal["validation", "test"] | None = None
    ) -> NetComparison:
        """Test whether one of two nets, or ensembles, is better beyond chance: McNemar's test on the same faces.

        Args:
            a: a net or an ensemble, or its name.
            b: another one.
            split: of the faces; unless given, test where both were evaluated on it, else validation.

        Raises:
            UserError: there is none of this name, one is of other results, or one was not evaluated on the split.
        """
        both = self._evaluated(a), self._evaluated(b)
        if split not in (None, "validation", "test"):
            raise UserError(f"split {split!r}: {did_you_mean(str(split), ['validation', 'test'])}")
        split = split or ("test" if all(one.accuracy.test for one in both) else "validation")
        first, second = (one.predictions_of(split) for one in both)
        for one, made in zip(both, (first, second), strict=True):
            if not made and one.accuracy.of(split):
                raise UserError(one.gone(split))
            if not made:
                hint = "; test is opened for the best of each group alone" if split == "test" else ""
                raise UserError(f"{one}: was not evaluated on {split}{hint}")
        test = mcnemar_of(first, second)
        return NetComparison(both[0].name, both[1].name, split, test.only_a, test.only_b, test.p)

    def report(self) -> Path:
        """Write the report: `report.html`, with `figures/` and `tables/` beside it, in the study's folder.

        Returns:
            The path of report.html.

        Raises:
            UserError: a run of the study is damaged, or its folder is not there any more.
        """
        if not self.folder.is_dir():
            raise UserError(f"{self.folder}: the study's folder is not there any more, so no report can be made of it")
        from mien.report import write_report

        return write_report(self.folder, self.data)

    def export(
        self,
        path: str | PathLike[str],
        net: str | EvaluatedNet | None = None,
        *,
        int8: bool = False,
        fp16: bool = False,
        temperature: bool = True,
        logit_adjustment: float = 0.0,
        name: str = "",
        licence: str = "",
        note: str = "",
        card: bool = False,
    ) -> "Exported":
        """Write a net, or an ensemble, as one ONNX file; see `TrainedNet.export`, which has the same arguments.

        Args:
            path: the file to write, FILE.onnx; an existing one is replaced.
            net: which; unless given, the study's best.
            int8: compute in int8: a quarter of the size.
            fp16: store weights as float16: half the size.
            temperature: calibrate the probabilities: fit temperatures on validation.
            logit_adjustment: strength of the logit adjustment, 0..1; higher favours rare emotions.
            name: of the model; the file's unless given.
            licence: of the model.
            note: a sentence for the model's facts and its card.
            card: write the model card beside it too, as FILE.md.

        Returns:
            What was written: its file, its facts, and how far it agrees with torch.

        Raises:
            UserError: as `TrainedNet.export`, or the study has no such net.
        """
        chosen = self.best if net is None else self._evaluated(net)
        if chosen is None:
            raise UserError(f"{self.folder}: no net of this study was trained to its end")
        return chosen.export(
            path,
            int8=int8,
            fp16=fp16,
            temperature=temperature,
            logit_adjustment=logit_adjustment,
            name=name,
            licence=licence,
            note=note,
            card=card,
        )

    def __repr__(self) -> str:
        return "\n\n".join([*map(repr, self._tables), *self._reasons])

    def _repr_html_(self) -> str:
        return "\n".join([*(table._repr_html_() for table in self._tables), html_lines(self._reasons)])

    @cached_property
    def _study(self) -> ReportedStudy:
        return read_reported_study(self.folder, self.data)

    def _evaluated(self, name: str | EvaluatedNet) -> EvaluatedNet:
        """A net or an ensemble by its name."""
        for one in (*self.ensembles, *self.nets):
            if one == name:
                return one
        return self.net(self._name_of(name))

    def _name_of(self, name: str | EvaluatedNet) -> str:
        """The name of what these results do not have; an object is never taken for another one of its name."""
        if isinstance(name, EvaluatedNet) and name not in [*self.nets, *self.ensembles]:
            raise UserError(
                f"{name}: is of other results than those in {self.folder}; give its name if theirs is meant"
            )
        return str(name)

    @property
    def _reasons(self) -> list[str]:
        """Why nets failed or were skipped."""
        return [f"{net.name}: {net.state}: {net.reason}" for net in self.data.nets if net.reason]

    @property
    def _tables(self) -> list[Table]:
        """The nets of each group, the scores of the selected, and the ensembles."""
        groups = self.groups.values()
        return [
            table
            for table in (*groups, selected_table(self._study), ensembles_table(self._study, self.data.ensembles))
            if table.rows
        ]
