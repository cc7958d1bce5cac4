"""Results of a study made by hand, a net or a trial in a line."""

from collections.abc import Mapping, Sequence
from typing import Any

from mien.report.study_data import ReportedNet, ReportedStudy
from mien.runs.environment import Machine
from mien.runs.metrics import Accuracy, Bin, ClassScore, McNemar
from mien.runs.recipe import Recipe
from mien.runs.results import Comparison, GroupResult, NetResult, Results, SplitAccuracies, SplitScores
from mien.runs.search_results import SearchResult
from mien.runs.study_faces import StudyFaces

CLASSES = ("calm", "glad")


def accuracy(mean: float, low: float | None = None, high: float | None = None) -> Accuracy:
    """An accuracy of 20 faces; its interval is a point unless given."""
    return Accuracy(mean, (mean if low is None else low, mean if high is None else high), None, 20)


def split_scores(**more: Any) -> SplitScores:
    """Scores on validation of a net that has half of each class correct."""
    entries: dict[str, Any] = {
        "evaluated_on": "validation",
        "balanced_accuracy": 0.5,
        "macro_f1": 0.5,
        "nll": 1.0,
        "ece": 0.1,
        "per_class": {name: ClassScore(0.5, 0.5, 0.5, 10) for name in CLASSES},
        "confusion": ((5, 5), (5, 5)),
        "reliability": (Bin(0, 1, 20, 0.5, 0.5),),
    }
    return SplitScores(**(entries | more))


def net(
    name: str, group: str, validation: float | None, train: float | None = None, test: float | None = None, **more: Any
) -> NetResult:
    """A finished net; train accuracy is that of validation unless given."""
    train = validation if train is None else train
    by_split = {"train": train, "validation": validation, "test": test}
    entries: dict[str, Any] = {
        "name": name,
        "group": group,
        "layers": ("flatten", "classes"),
        "values": {},
        "backbone": None,
        "recipe": Recipe(),
        "parameters": 1000,
        "trainable": 1000,
        "selected": False,
        "runs": (),
        "state": "finished",
        "seconds": 60.0,
        "accuracy": SplitAccuracies(
            **{split: accuracy(share) for split, share in by_split.items() if share is not None}
        ),
        "scores": split_scores(evaluated_on="validation" if test is None else "test"),
    }
    return NetResult(**(entries | more))


def failed_net(name: str, group: str) -> NetResult:
    """A net without a finished run."""
    return net(name, group, None, state="failed", scores=None, seconds=None)


def comparison(a: str, b: str, split: str, only_a: int, only_b: int, p: float) -> Comparison:
    """McNemar's test of two nets."""
    return Comparison(a, b, split, McNemar(only_a, only_b, p))


def reported(
    nets: Sequence[NetResult],
    comparisons: Sequence[Comparison] = (),
    seeds: int = 1,
    leaked: int = 0,
    tuning: Mapping[str, SearchResult] | None = None,
) -> ReportedStudy:
    """A study of these nets, whose runs are gone; the best of the selected is the study's best."""
    selected = {one.group: one.name for one in nets if one.selected}
    chosen = [one for one in nets if one.selected and one.accuracy.validation]
    best = max(chosen, key=lambda one: one.accuracy.validation.mean, default=None)  # type: ignore[union-attr]
    results = Results(
        study="words",
        created="2030-01-01T10:00:00+00:00",
        command="mien study words.toml",
        seeds=tuple(range(seeds)),
        faces=StudyFaces(
            name="faces",
            fingerprint="0" * 64,
            size=48,
            classes=CLASSES,
            counts={split: dict.fromkeys(CLASSES, 10) for split in ("train", "validation", "test")},
            source=("faces",),
            leaked_test=leaked,
        ),
        machine=Machine("Linux", "a processor", 2),
        versions={},
        groups=tuple(
            GroupResult(group, tuple(one.name for one in nets if one.group == group), group, "", selected.get(group))
            for group in dict.fromkeys(one.group for one in nets)
        ),
        previews={},
        best=best.name if best else None,
        nets=tuple(nets),
        comparisons=tuple(comparisons),
        tuning=tuning or {},
    )
    return ReportedStudy(results, tuple(map(ReportedNet, nets)))
