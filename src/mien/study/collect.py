"""Collect the results of a study from its runs and searches."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np

from mien.faces import SPLITS
from mien.runs.config import FacesRecord
from mien.runs.environment import machine, now, versions
from mien.runs.metrics import accuracy
from mien.runs.results import (
    Comparison,
    EnsembleResult,
    GroupResult,
    NetResult,
    NetState,
    Results,
    SplitAccuracies,
    SplitScores,
)
from mien.runs.search_results import SearchResult, SpaceEntry, Value
from mien.runs.seeds import correct_of, mcnemar_of, split_scores_of
from mien.runs.study_faces import StudyFaces
from mien.study.config.ensembles import shares
from mien.study.net_runs import Ensemble, Evaluated, NetRuns, net_runs, select
from mien.study.plan import Plan


def collect(plan: Plan, folder: Path, command: str) -> Results:
    """Collect the results of a study whose runs have ended.

    Args:
        plan: the study on its faces.
        folder: the study's.
        command: what was typed, so that it can be typed again.
    """
    nets, selected = net_runs(plan, folder), select(plan, folder)
    chosen = {net.planned.group: net.name for net in selected}
    best = max(selected, key=lambda net: net.validation_accuracy, default=None)
    return Results(
        study=plan.study.name,
        created=now(),
        command=command,
        seeds=tuple(plan.study.seeds),
        faces=study_faces(plan),
        machine=machine(),
        versions=versions(),
        groups=tuple(
            GroupResult(group.name, tuple(group.nets), group.title or group.name, group.note, chosen.get(group.name))
            for group in plan.study.sections
        ),
        previews=dict(plan.study.previews),
        best=best.name if best else None,
        nets=tuple(_net(plan, net, net.name in chosen.values()) for net in nets),
        ensembles=tuple(_ensemble(plan, name, nets) for name in plan.study.ensembles),
        comparisons=_comparisons(nets, selected),
        tuning={net.name: _search(plan, net, folder) for net in nets if net.planned.tune},
    )


def study_faces(plan: Plan) -> StudyFaces:
    """The faces of a study; the content of its faces.json."""
    spec, faces = plan.study.data, plan.faces
    return StudyFaces(
        **vars(FacesRecord.of(faces)),
        source=tuple(spec.source),
        votes=spec.votes,
        labels=spec.labels,
        clean=tuple(spec.clean),
        numbered_classes=tuple(spec.classes),
        validation=spec.validation,
        notes=tuple(faces.notes),
        leaked_test=int(plan.leaked.sum()),
    )


def _net(plan: Plan, net: NetRuns, selected: bool) -> NetResult:
    planned, ends = net.planned, [run.status for run in net.runs]
    done = [(run.history(), end) for run, end in zip(net.runs, ends, strict=True) if end.state == "finished"]
    parameters, trainable = plan.counts(planned)
    if done and None in (parameters, trainable):
        parameters, trainable = done[0][1].parameters, done[0][1].trainable
    failed = [
        f"seed {run.seed}: {end.reason}" for run, end in zip(net.runs, ends, strict=True) if end.state == "failed"
    ]
    accuracies, split_scores = _evaluation(plan, net, selected)
    return NetResult(
        name=net.name,
        group=planned.group,
        layers=planned.net.layers,
        values=cast("Mapping[str, Value]", planned.net.values),
        backbone=net.backbone,
        recipe=planned.reported_recipe,
        parameters=parameters,
        trainable=trainable,
        selected=selected,
        runs=tuple(run.id for run in net.runs),
        state=_state(net, bool(failed)),
        reason="; ".join(filter(None, [net.skipped, planned.failed, *failed])),
        finished_runs=len(done),
        seconds=float(np.mean([end.seconds for _, end in done])) if done else None,
        epochs=max((len(history) for history, _ in done), default=None),
        devices=tuple(dict.fromkeys(device for _, end in done for device in end.devices)),
        precision=done[0][1].precision if done else None,
        last_epoch_accuracy=float(np.mean([history[-1].accuracy for history, _ in done])) if done else None,
        test_opened=min((end.test_opened for end in ends if end.test_opened), default=None),
        accuracy=accuracies,
        scores=split_scores,
    )


def _state(net: NetRuns, failed: bool) -> NetState:
    if net.skipped:
        return "skipped"
    return "failed" if failed or net.planned.failed else "finished" if net.finished else "unfinished"


def _ensemble(plan: Plan, name: str, nets: Sequence[NetRuns]) -> EnsembleResult:
    """An ensemble's figures; on test where it was opened for all of its nets.

    The net that it is compared with is the best of its own on validation.
    """
    weights = shares(plan.study.ensembles[name])
    ensemble = Ensemble(name, tuple(net for net in nets if net.name in weights), weights)
    unfinished = [net.name for net in ensemble.nets if not net.finished]
    accuracies, split_scores = _evaluation(plan, ensemble, selected=True)
    best, against_best = None, None
    if split_scores:
        split, best = split_scores.evaluated_on, max(ensemble.nets, key=lambda net: net.validation_accuracy)
        against_best = mcnemar_of(best.predictions(split), ensemble.predictions(split))
    return EnsembleResult(
        name=name,
        nets=tuple(weights),
        weights=weights,
        runs=sum(len(net.runs) for net in ensemble.nets),
        reason=f"not trained to the end: {', '.join(unfinished)}" if unfinished else "",
        best=best.name if best else None,
        against_best=against_best,
        accuracy=accuracies,
        scores=split_scores,
    )


def _evaluation(plan: Plan, net: Evaluated, selected: bool) -> tuple[SplitAccuracies, SplitScores | None]:
    """Accuracies on train, validation and, for the selected, test; and the scores on the last of these."""
    accuracies, scored = SplitAccuracies(), None
    for split in SPLITS if selected else SPLITS[:2]:
        predictions = net.predictions(split)
        if not predictions:
            continue
        correct = correct_of(predictions)
        accuracies = replace(accuracies, **{split: accuracy(correct)})
        if split == "test" and not plan.leaked.all():
            accuracies = replace(accuracies, test_without_leaks=accuracy(correct[:, ~plan.leaked]))
        if split != "train":
            scored = predictions, split
    return accuracies, split_scores_of(*scored, plan.faces.classes) if scored else None


def _search(plan: Plan, net: NetRuns, folder: Path) -> SearchResult:
    """The trials of a tuned net, and what they show."""
    search, tune, epochs = plan.search(net.planned, folder), net.planned.tune, net.planned.recipe.epochs
    assert tune is not None
    trials, best = search.trials(), search.best()
    return SearchResult(
        sampler=tune.sampler,
        pruner=tune.pruner,
        objectives=tuple(tune.objectives),
        space={key: SpaceEntry(**asdict(one)) for key, one in tune.space.items()},
        epochs=epochs,
        trials=tuple(trials),
        best=best.number if best else None,
        pareto=tuple(search.pareto()),
        importances=search.importances(),
        seconds=sum(one.seconds for one in trials),
        saved_epochs=sum(epochs - one.epochs for one in trials if one.state == "pruned"),
    )


def _comparisons(nets: Sequence[NetRuns], selected: Sequence[NetRuns]) -> tuple[Comparison, ...]:
    """McNemar's tests of the nets of each table, of the same net with and without augmentation, and of the selected.

    All are on validation, those of the selected on test too.
    """
    done, chosen = [net for net in nets if net.finished], {net.name for net in selected}
    pairs = [
        (a, b, "validation")
        for a, b in combinations(done, 2)
        if a.planned.group == b.planned.group or (_only_augmented(a, b) and not {a.name, b.name} <= chosen)
    ]
    pairs += [(a, b, split) for split in SPLITS[1:] for a, b in combinations(selected, 2) if a.predictions(split)]
    return tuple(
        Comparison(a.name, b.name, split, mcnemar_of(a.predictions(split), b.predictions(split)))
        for a, b, split in pairs
    )


def _only_augmented(a: NetRuns, b: NetRuns) -> bool:
    """Whether two nets have the same layers, and one of them alone is trained on augmented faces."""
    same = replace(a.planned.net, name="") == replace(b.planned.net, name="")
    return same and bool(a.planned.recipe.augment) != bool(b.planned.recipe.augment)
