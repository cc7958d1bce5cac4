"""The nets and ensembles of a study with their runs and predictions, and which nets are selected."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mien.runs.config import BackboneRecord
from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.runs.seeds import averaged, correct_of, predictions_of
from mien.study.config.study import StudyNet
from mien.study.plan import Plan


class Evaluated(Protocol):
    """A net of a study, or an ensemble."""

    def predictions(self, split: str) -> list[Predictions]:
        """Its predictions of a split, once for each seed; [] where it was not evaluated on it."""


@dataclass(frozen=True, eq=False)
class NetRuns:
    """A net of a study with its runs.

    Attributes:
        planned: the net.
        runs: one a seed, in the order of the seeds.
        skipped: why those that are missing cannot be trained here; "" if they can, or none is missing.
    """

    planned: StudyNet
    runs: tuple[Run, ...]
    skipped: str = ""

    @property
    def name(self) -> str:
        """The net's name."""
        return self.planned.net.name

    @property
    def finished(self) -> bool:
        """Whether every seed came to its end."""
        return bool(self.runs) and not self.skipped and all(run.status.state == "finished" for run in self.runs)

    @property
    def backbone(self) -> BackboneRecord | None:
        """The facts of its backbone, as its first run recorded them; None where it has none, or nothing has run."""
        begun = [run for run in self.runs if (run.folder / "run.json").exists()]
        return begun[0].config.backbone if begun else None

    def predictions(self, split: str) -> list[Predictions]:
        """The predictions of the finished runs; [] unless all of these were evaluated on the split."""
        return predictions_of(self.runs, split)

    @property
    def validation_accuracy(self) -> float:
        """The mean over the finished runs."""
        return float(correct_of(self.predictions("validation")).mean())


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Nets whose predictions are averaged: the mean of the probabilities of all their runs.

    Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles",
    arXiv 1612.01474.

    Attributes:
        name: its own.
        nets: its nets.
        weights: what each of a net's runs weighs in the mean, by the net's name.
    """

    name: str
    nets: tuple[NetRuns, ...]
    weights: Mapping[str, float]

    def predictions(self, split: str) -> list[Predictions]:
        """Its predictions; [] unless each net came to its end and was evaluated on the split."""
        of_nets = [net.predictions(split) if net.finished else [] for net in self.nets]
        return averaged(of_nets, [self.weights[net.name] for net in self.nets])


def select(plan: Plan, folder: Path) -> list[NetRuns]:
    """The best net of each group: highest validation accuracy, the mean over seeds; the first listed where equal.

    A net of which a seed failed is not selected, as its mean would be one of fewer, perhaps luckier, seeds.
    """
    best: dict[str, tuple[float, NetRuns]] = {}
    for net in net_runs(plan, folder):
        if net.finished:
            mean, group = net.validation_accuracy, net.planned.group
            if group not in best or mean > best[group][0]:
                best[group] = mean, net
    return [net for _, net in best.values()]


def net_runs(plan: Plan, folder: Path) -> list[NetRuns]:
    """Every net of a plan with its runs in a study's folder."""
    return [NetRuns(net, tuple(plan.runs(net, folder)), plan.skipped(net, folder)) for net in plan.study.nets]
