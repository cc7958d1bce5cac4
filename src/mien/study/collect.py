"""Results: a study's runs as one table of numbers, the content of results.json (docs/reference/results-file.md)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces import SPLITS
from mien.runs.environment import machine, now, versions
from mien.runs.former_results import FORMER_FORMAT
from mien.runs.metrics import Accuracy, accuracy, mcnemar, scores
from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.study.config.ensembles import shares
from mien.study.config.study import StudyNet
from mien.study.plan import Plan


class Judge(ABC):
    """What judged the faces of a study: a net, or several together."""

    @abstractmethod
    def predictions(self, split: str) -> list[Predictions]:
        """What it says of a split, once for each seed it was trained with; [] unless all of it was asked."""

    def right(self, split: str) -> NDArray[np.bool_]:
        """Bool [S, N]: whether each seed's judgement of each face of a split is right."""
        return np.array([one.predicted == one.labels for one in self.predictions(split)])


@dataclass(frozen=True, eq=False)
class NetRuns(Judge):
    """A net of a study with its runs, one a seed.

    Attributes:
        asked: the net.
        runs: in the order of the seeds.
        skipped: why those that are missing cannot be trained here; "" if they can, or none is missing.
    """

    asked: StudyNet
    runs: tuple[Run, ...]
    skipped: str = ""

    @property
    def name(self) -> str:
        """The net's name."""
        return self.asked.net.name

    @property
    def finished(self) -> bool:
        """Whether every seed came to its end."""
        return bool(self.runs) and not self.skipped and all(run.status.state == "finished" for run in self.runs)

    @property
    def backbone(self) -> dict[str, Any] | None:
        """The facts of its backbone, as its first run recorded them; None where it has none, or nothing has run."""
        begun = [run for run in self.runs if (run.folder / "run.json").exists()]
        recorded = begun[0].config.backbone if begun else None
        return asdict(recorded) if recorded else None

    def predictions(self, split: str) -> list[Predictions]:
        """What the finished runs say of a split; [] unless all of them were asked."""
        found = [run.predictions(split) for run in self.runs if run.status.state == "finished"]
        return [one for one in found if one is not None] if None not in found else []


@dataclass(frozen=True, eq=False)
class Ensemble(Judge):
    """Nets that judge together, by the mean of the probabilities of all their runs (Lakshminarayanan et al. 2017).

    "Simple and scalable predictive uncertainty estimation using deep ensembles", arXiv 1612.01474.

    Attributes:
        name: its own.
        nets: its nets.
        weights: what each of a net's runs weighs in the mean, by the net's name.
    """

    name: str
    nets: tuple[NetRuns, ...]
    weights: Mapping[str, float]

    def predictions(self, split: str) -> list[Predictions]:
        """What they say of a split; [] unless each net came to its end and was asked."""
        said = [net.predictions(split) if net.finished else [] for net in self.nets]
        if not all(said):
            return []
        each = [one for of_net in said for one in of_net]
        weights = [self.weights[net.name] for net, of_net in zip(self.nets, said, strict=True) for _ in of_net]
        mean: NDArray[np.float32] = np.average([one.probabilities for one in each], axis=0, weights=weights).astype(
            "f4"
        )
        return [Predictions(mean, each[0].labels)]


def select(plan: Plan, folder: Path) -> list[NetRuns]:
    """The best net of each group: highest validation accuracy, the mean over seeds; the first listed where equal.

    A net of which a seed failed is not selected, as its mean would be one of fewer, perhaps luckier, seeds.
    """
    best: dict[str, tuple[float, NetRuns]] = {}
    for net in net_runs(plan, folder):
        if net.finished:
            mean = float(net.right("validation").mean())
            if net.asked.group not in best or mean > best[net.asked.group][0]:
                best[net.asked.group] = mean, net
    return [net for _, net in best.values()]


def net_runs(plan: Plan, folder: Path) -> list[NetRuns]:
    """Every net of a plan with its runs in a study's folder."""
    return [NetRuns(net, tuple(plan.runs(net, folder)), plan.skipped(net, folder)) for net in plan.study.nets]


def results(plan: Plan, folder: Path, command: str) -> dict[str, Any]:
    """The content of results.json: what stands in a study's folder once its runs have ended.

    Args:
        plan: the study on its faces.
        folder: the study's.
        command: what was typed, so that it can be typed again.
    """
    nets, selected = net_runs(plan, folder), select(plan, folder)
    chosen = {net.asked.group: net.name for net in selected}
    best = max(selected, key=lambda net: float(net.right("validation").mean()), default=None)
    return {
        "format": FORMER_FORMAT,
        "study": plan.study.name,
        "created": now(),
        "command": command,
        "seeds": list(plan.study.seeds),
        "faces": faces_facts(plan),
        "machine": asdict(machine()),
        "versions": versions(),
        "groups": [
            {**asdict(group), "title": group.title or group.name, "selected": chosen.get(group.name)}
            for group in plan.study.sections
        ],
        "previews": {name: recipe.changes() for name, recipe in plan.study.previews.items()},
        "best": best.name if best else None,
        "nets": [_net(plan, net, net.name in chosen.values()) for net in nets],
        "ensembles": [_ensemble(plan, name, nets) for name in plan.study.ensembles],
        "comparisons": _comparisons(nets, selected),
        "tuning": {net.name: _search(plan, net, folder) for net in nets if net.asked.tune},
    }


def faces_facts(plan: Plan) -> dict[str, Any]:
    """What a report says of the faces, and what it needs to open them again; the content of faces.json."""
    return plan.study.data.to_dict(plan.faces) | {"leaked_test": int(plan.leaked.sum())}


def accuracy_entries(split: str, found: Accuracy) -> dict[str, Any]:
    """An accuracy under its split's names: `test_accuracy`, `test_accuracy_interval`, `test_accuracy_sd`."""
    name = f"{split}_accuracy"
    return {name: found.mean, f"{name}_interval": list(found.interval), f"{name}_sd": found.sd}


def _net(plan: Plan, net: NetRuns, selected: bool) -> dict[str, Any]:
    counts = plan.counts(net.asked)
    done = [run.status for run in net.runs if run.status.state == "finished"]
    if None in counts and done:
        counts = done[0].parameters, done[0].trainable
    entry: dict[str, Any] = {
        "name": net.name,
        "group": net.asked.group,
        "layers": list(net.asked.net.layers),
        "values": dict(net.asked.net.values),
        "backbone": net.backbone,
        "recipe": net.asked.reported_recipe.model_dump(),
        "parameters": counts[0],
        "trainable": counts[1],
        "selected": selected,
        "runs": [run.id for run in net.runs],
    }
    return entry | _ending(net) | _figures(plan, net, selected)


def _ending(net: NetRuns) -> dict[str, Any]:
    """How the runs of a net ended; times and epochs are of those that finished."""
    ends = [run.status for run in net.runs]
    failed = [
        f"seed {run.seed}: {end.reason}" for run, end in zip(net.runs, ends, strict=True) if end.state == "failed"
    ]
    done = [(run.history(), end) for run, end in zip(net.runs, ends, strict=True) if end.state == "finished"]
    return {
        "state": _state(net, bool(failed)),
        "reason": "; ".join(filter(None, [net.skipped, net.asked.failed, *failed])),
        "finished_runs": len(done),
        "seconds": float(np.mean([end.seconds for _, end in done])) if done else None,
        "epochs": max((len(history) for history, _ in done), default=None),
        "precision": done[0][1].precision if done else None,
        "last_epoch_accuracy": float(np.mean([history[-1].accuracy for history, _ in done])) if done else None,
        "test_opened": min((end.test_opened for end in ends if end.test_opened), default=None),
    }


def _state(net: NetRuns, failed: bool) -> str:
    if net.skipped:
        return "skipped"
    return "failed" if failed or net.asked.failed else "finished" if net.finished else "unfinished"


def _ensemble(plan: Plan, name: str, nets: Sequence[NetRuns]) -> dict[str, Any]:
    """An ensemble's figures; on test where it was opened for all of its nets.

    The net that it is compared with is the best of its own on validation.
    """
    weights = shares(plan.study.ensembles[name])
    ensemble = Ensemble(name, tuple(net for net in nets if net.name in weights), weights)
    figures = _figures(plan, ensemble, selected=True)
    runs = sum(len(net.runs) for net in ensemble.nets)
    entry: dict[str, Any] = {"name": name, "nets": list(weights), "weights": weights, "runs": runs}
    if lacking := [net.name for net in ensemble.nets if not net.finished]:
        entry["reason"] = f"not trained to the end: {', '.join(lacking)}"
    if figures:
        best = max(ensemble.nets, key=lambda net: float(net.right("validation").mean()))
        entry |= {"best": best.name, "against_best": compared(best, ensemble, figures["judged_on"])}
    return entry | figures


def _figures(plan: Plan, net: Judge, selected: bool) -> dict[str, Any]:
    """Accuracies on train, validation and, for the selected, test; and the scores on the split the net is judged on."""
    entry: dict[str, Any] = {}
    for split in SPLITS if selected else SPLITS[:2]:
        said = net.predictions(split)
        if not said:
            continue
        right = net.right(split)
        entry |= accuracy_entries(split, accuracy(right))
        if split == "test" and not plan.leaked.all():
            clean = accuracy(right[:, ~plan.leaked])
            entry |= {"test_accuracy_without_leaks": clean.mean, "test_accuracy_without_leaks_interval": clean.interval}
        if split != "train":
            entry |= _scores(said, split, plan.faces.classes)
    return entry


def _scores(said: Sequence[Predictions], split: str, classes: Sequence[str]) -> dict[str, Any]:
    found = scores([one.probabilities for one in said], said[0].labels)
    return {
        "judged_on": split,
        "balanced_accuracy": found.balanced_accuracy,
        "macro_f1": found.macro_f1,
        "nll": found.nll,
        "ece": found.ece,
        "per_class": {name: asdict(one) for name, one in zip(classes, found.per_class, strict=True)},
        "confusion": found.confusion.tolist(),
        "reliability": [asdict(one) for one in found.reliability],
    }


def _search(plan: Plan, net: NetRuns, folder: Path) -> dict[str, Any]:
    """The trials of a tuned net, and what they tell."""
    search, tune = plan.search(net.asked, folder), net.asked.tune
    assert tune is not None
    trials, best = search.trials(), search.best()
    return {
        "sampler": tune.sampler,
        "pruner": tune.pruner,
        "objectives": list(tune.objectives),
        "space": {key: asdict(one) for key, one in tune.space.items()},
        "epochs": net.asked.recipe.epochs,
        "trials": [asdict(one) | {"number": one.number - 1} for one in trials],
        "best": best.number - 1 if best else None,
        "pareto": [number - 1 for number in search.pareto()],
        "importances": search.importances(),
        "seconds": sum(one.seconds for one in trials),
        "saved_epochs": sum(net.asked.recipe.epochs - one.epochs for one in trials if one.state == "pruned"),
    }


def _comparisons(nets: Sequence[NetRuns], selected: Sequence[NetRuns]) -> list[dict[str, Any]]:
    """McNemar's tests of the nets of each table, of the same net with and without augmentation, and of the selected.

    All are on validation, those of the selected on test too.
    """
    done, chosen = [net for net in nets if net.finished], {net.name for net in selected}
    pairs = [
        (a, b, "validation")
        for a, b in combinations(done, 2)
        if a.asked.group == b.asked.group or (_only_augmented(a, b) and not {a.name, b.name} <= chosen)
    ]
    pairs += [(a, b, split) for split in SPLITS[1:] for a, b in combinations(selected, 2) if a.predictions(split)]
    return [{"a": a.name, "b": b.name, "split": split} | compared(a, b, split) for a, b, split in pairs]


def _only_augmented(a: NetRuns, b: NetRuns) -> bool:
    """Whether two nets have the same layers, and one of them alone is trained on augmented faces."""
    same = replace(a.asked.net, name="") == replace(b.asked.net, name="")
    return same and bool(a.asked.recipe.augment) != bool(b.asked.recipe.augment)


def compared(a: Judge, b: Judge, split: str) -> dict[str, Any]:
    """McNemar's test of two nets on a split, each by the run of its first seed."""
    test = mcnemar(a.right(split)[0], b.right(split)[0])
    return {"b01": test.only_b, "b10": test.only_a, "p": test.p}
