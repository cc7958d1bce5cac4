"""A study's results together with the runs and the study file in its folder: all that the report is made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mien.faces import SPLITS
from mien.nets import Net
from mien.runs.metrics import Accuracy, McNemar
from mien.runs.recipe import Recipe
from mien.runs.results import GroupResult, NetResult, Results
from mien.runs.run import Run


@dataclass(frozen=True, eq=False)
class ReportedNet:
    """A net of the study.

    Attributes:
        result: its figures.
        runs: those of its runs whose folders are there, one a seed.
    """

    result: NetResult
    runs: tuple[Run, ...] = ()

    @property
    def name(self) -> str:
        """The net's name."""
        return self.result.name

    @property
    def group(self) -> str:
        """The comparison table it stands in."""
        return self.result.group

    @property
    def selected(self) -> bool:
        """Whether it is the best of its group on validation."""
        return self.result.selected

    @property
    def net(self) -> Net:
        """The net as data."""
        return self.result.net

    @property
    def recipe(self) -> Recipe:
        """How it was trained, with its learning rate."""
        return self.result.recipe

    @property
    def train(self) -> Accuracy | None:
        """Accuracy on the train split."""
        return self.result.accuracy.train

    @property
    def validation(self) -> Accuracy | None:
        """Accuracy on the validation split."""
        return self.result.accuracy.validation

    @property
    def test(self) -> Accuracy | None:
        """Accuracy on the test split."""
        return self.result.accuracy.test

    @property
    def evaluated_on(self) -> str | None:
        """The split of its scores, confusion matrix and calibration; None where it was not evaluated."""
        return self.result.scores.evaluated_on if self.result.scores else None

    @property
    def evaluated(self) -> Accuracy | None:
        """Accuracy on the split of its scores."""
        return self.result.accuracy.of(self.evaluated_on) if self.evaluated_on else None


@dataclass(frozen=True, eq=False)
class ReportedStudy:
    """A study's results, its nets with their runs, and the text of its study file.

    Attributes:
        results: the study's.
        nets: every net, in the order of the study.
        study_file: the text of study.toml; "" where it is gone.
    """

    results: Results
    nets: tuple[ReportedNet, ...]
    study_file: str = ""

    @property
    def classes(self) -> Sequence[str]:
        """The names of the emotions."""
        return self.results.faces.classes

    @property
    def groups(self) -> Sequence[GroupResult]:
        """The comparison tables, in the order of the study."""
        return self.results.groups

    def members(self, group: str) -> list[ReportedNet]:
        """The nets of a comparison table."""
        return [net for net in self.nets if net.group == group]

    def without_augmentation(self, net: ReportedNet) -> ReportedNet | None:
        """A net with the layers of one that is trained on augmented faces, trained without; None if there is none."""
        same = (other for other in self.evaluated if other.net.layers == net.net.layers)
        same = (other for other in same if other.net.values == net.net.values)
        return next((other for other in same if net.recipe.augment and not other.recipe.augment), None)

    @cached_property
    def evaluated(self) -> list[ReportedNet]:
        """The nets that have a validation accuracy."""
        return [net for net in self.nets if net.validation is not None]

    @cached_property
    def selected(self) -> list[ReportedNet]:
        """The best net of each group, the study's best first."""
        chosen = [net for net in self.nets if net.selected]
        return sorted(chosen, key=lambda net: net.name != self.results.best)

    def mcnemar(self, a: str, b: str, split: str) -> McNemar | None:
        """The test of two nets on a split, seen from a; None where it was not made."""
        for one in self.results.comparisons:
            if one.split == split and (one.a, one.b) == (a, b):
                return one.mcnemar
            if one.split == split and (one.a, one.b) == (b, a):
                return McNemar(one.mcnemar.only_b, one.mcnemar.only_a, one.mcnemar.p)
        return None

    def total(self, split: str) -> int:
        """How many faces a split has."""
        return self.results.faces.total(split)

    @property
    def splits(self) -> Sequence[str]:
        """The splits that have faces."""
        return [split for split in SPLITS if split in self.results.faces.counts]


def read_reported_study(folder: Path, results: Results) -> ReportedStudy:
    """Open the runs of a study's results, as far as their folders are there.

    Args:
        folder: the study's.
        results: what `mien.runs.results.read_results` reads from it.

    Raises:
        UserError: a run is damaged.
    """
    nets = tuple(ReportedNet(net, _runs(folder, net.runs)) for net in results.nets)
    file = folder / "study.toml"
    return ReportedStudy(results, nets, file.read_text(encoding="utf-8") if file.exists() else "")


def _runs(folder: Path, ids: Sequence[str]) -> tuple[Run, ...]:
    return tuple(Run.open(folder / "runs" / name) for name in ids if (folder / "runs" / name / "run.json").exists())
