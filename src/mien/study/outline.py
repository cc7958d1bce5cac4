"""Outline: what a study will run and how long that takes here, from timing a few steps of each net."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from mien.nets import check
from mien.runs.recipe import Recipe
from mien.runs.run import State
from mien.study.config.study import StudyNet
from mien.study.plan import Plan, has_searches
from mien.training.timing import time_features, time_step

FORWARD = 1 / 3
"""A forward pass alone, as a validation face needs it, takes about this share of a training step."""


@dataclass(frozen=True)
class FacesOutline:
    """The faces of a study.

    Attributes:
        name: theirs.
        fingerprint: SHA-256 of images, labels and splits.
        size: side of an image, in pixels.
        counts: images by split and class.
        left_out: images that were left out, by reason and split.
        notes: how the source was understood.
        leaked_test: test images that are pixel for pixel in train.
    """

    name: str
    fingerprint: str
    size: int
    counts: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]
    leaked_test: int


@dataclass(frozen=True)
class NetOutline:
    """A net of a study.

    Attributes:
        name: its own.
        group: its comparison table.
        layers: how many words it has.
        parameters: their number; None where it needs what is not on this machine.
        recipe: in full.
        seconds: that one run takes here; None where it cannot be timed here.
        states: of its runs, one a seed.
        trials: how many its search makes at most; None where it is not tuned.
        missing: runs and trials that are not done.
        skipped: why it is left out; "" where it is not.
    """

    name: str
    group: str
    layers: int
    parameters: int | None
    recipe: Recipe
    seconds: float | None
    states: tuple[State, ...]
    trials: int | None
    missing: int
    skipped: str


@dataclass(frozen=True)
class Outline:
    """What a study will run; the content of `mien plan --json`.

    Attributes:
        study: its name.
        folder: where it runs.
        faces: what it is trained and evaluated on.
        seeds: each net is trained once with each.
        nets: in the order of the study.
        seconds: that all that is missing takes here.
    """

    study: str
    folder: str
    faces: FacesOutline
    seeds: tuple[int, ...]
    nets: tuple[NetOutline, ...]
    seconds: float


def outline(plan: Plan, folder: Path) -> Outline:
    """What of a plan will run.

    Args:
        plan: the study on its faces.
        folder: the study's, to see which runs have ended already; it may not be there.
    """
    faces, nets = plan.faces, tuple(_outline_net(plan, net, folder) for net in plan.study.nets)
    return Outline(
        study=plan.study.name,
        folder=str(folder),
        faces=FacesOutline(
            name=faces.name,
            fingerprint=faces.fingerprint,
            size=faces.size,
            counts=faces.counts(),
            left_out=faces.left_out,
            notes=tuple(faces.notes),
            leaked_test=int(plan.leaked.sum()),
        ),
        seeds=plan.study.seeds,
        nets=nets,
        seconds=sum((net.seconds or 0.0) * net.missing for net in nets),
    )


def estimate(plan: Plan, net: StudyNet) -> float:
    """Seconds that one run of a net will take here, from timing a few of its steps."""
    counts = {split: sum(numbers.values()) for split, numbers in plan.faces.counts().items()}
    batches = ceil(counts["train"] / net.recipe.batch) + FORWARD * counts["validation"] / net.recipe.batch
    once = time_features(net.net, net.recipe, plan.faces) if net.net.backbone else 0.0
    step = time_step(net.net, net.recipe, plan.faces)
    teachers = [one for one in plan.teachers(net) if one.net.name not in plan.lacking]  # others cannot be timed here
    teaching = sum(FORWARD * time_step(one.net, net.recipe, plan.faces) for one in teachers)
    return once + (step + teaching) * batches * net.recipe.epochs


def _outline_net(plan: Plan, net: StudyNet, folder: Path) -> NetOutline:
    net = plan.settled(net, folder)
    statuses, skipped = [run.status for run in plan.runs(net, folder)], plan.skipped(net, folder)
    lacking = skipped or net.net.name in plan.lacking  # then nothing of it can be timed here
    missing = sum(not status.ended for status in statuses)
    if net.tune and not net.searched and not skipped:
        missing = max(net.tune.trials - _trials_made(plan, net, folder), 0) + len(statuses) - 1
    return NetOutline(
        name=net.net.name,
        group=net.group,
        layers=len(net.net.layers),
        parameters=plan.counts(net)[0],
        recipe=net.reported_recipe,
        seconds=None if lacking else max(estimate(plan, one) for one in _extremes(plan, net)),
        states=tuple(status.state for status in statuses),
        trials=net.tune.trials if net.tune else None,
        missing=missing,
        skipped=skipped,
    )


def _extremes(plan: Plan, net: StudyNet) -> list[StudyNet]:
    """A net; where it is tuned, with the first and with the last values of its space: the slower stands for all."""
    bound = net.tune.bind(net.tune.last, []) if net.tune and not net.searched else None
    if bound is None or check(bound[0], plan.faces.size, len(plan.faces.classes)):
        return [net]
    return [net, replace(net, net=bound[0], recipe=bound[1])]


def _trials_made(plan: Plan, net: StudyNet, folder: Path) -> int:
    """How many trials of a tuned net have ended; pruning may make the others shorter than the outline says."""
    if not has_searches(folder):
        return 0
    return sum(trial.state != "running" for trial in plan.search(net, folder).trials())
