"""Plan: what a study will run, on which faces, and how long that will take."""

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces import SPLITS, Faces
from mien.faces.audit import leaked
from mien.nets import check, missing_weights, parameters
from mien.study.schema import Study, StudyNet
from mien.training.recipe import Recipe
from mien.training.run import Run, run_id
from mien.training.start import unfit
from mien.training.timing import time_features, time_step

FORWARD = 1 / 3
"""A forward pass alone, as judging a validation face needs it, takes about a third of a training step."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A study on its faces.

    Attributes:
        study: what is asked.
        faces: what it is trained and judged on.
        leaked: bool [test faces], True where an image is pixel for pixel in train.
    """

    study: Study
    faces: Faces
    leaked: NDArray[np.bool_]

    def runs(self, net: StudyNet, folder: Path) -> list[Run]:
        """The runs of a net in a study's folder, one a seed; their own folders may not be there yet.

        A net whose search found nothing has none.
        """
        if net.failed:
            return []
        return [Run(folder / "runs" / self._run(net, seed)) for seed in self.study.seeds]

    def recipe(self, net: StudyNet, seed: int) -> Recipe:
        """A net's recipe for the run of a seed: for names of other nets of the study, their runs of the same seed."""
        recipe = net.recipe
        if recipe.teachers:
            recipe = recipe.model_copy(update={"teachers": tuple(self._run(one, seed) for one in self.teachers(net))})
        if recipe.starts_within:
            recipe = recipe.model_copy(update={"start": self._run(self._named(recipe.start), seed)})
        return recipe

    def teachers(self, net: StudyNet) -> list[StudyNet]:
        """The nets that a net learns from."""
        return [self._named(name) for name in net.recipe.teachers]

    def _named(self, name: str) -> StudyNet:
        return next(net for net in self.study.nets if net.net.name == name)

    def _run(self, net: StudyNet, seed: int) -> str:
        return f"{net.net.name}-{run_id(net.net, self.recipe(net, seed), seed, self.faces.fingerprint)}"


def make_plan(study: Study) -> Plan:
    """Open a study's faces and check that its nets fit them.

    Raises:
        UserError: no source is named or it cannot be read, train or validation has no faces, or a net does not fit.
    """
    if not study.data.source:
        raise UserError(f"study {study.name}: no faces; name them with --data, or as source under [data]")
    faces = study.data.open()
    _check_learnable(faces)
    problems = [text for net in study.nets for text in check(net.net, faces.size, len(faces.classes))]
    problems += [text for net in study.nets for text in missing_weights(net.net)]
    problems += [text for net in study.nets for text in unfit(net.net, net.recipe, faces)]
    if problems:
        facts = f"{faces.size}x{faces.size} pixels, {len(faces.classes)} classes"
        raise UserError("\n  ".join([f"study {study.name} on {faces.name} ({facts}):", *problems]))
    return Plan(study, faces, leaked(faces))


def _check_learnable(faces: Faces) -> None:
    """Raise a UserError where faces lack a split, or a second emotion, so that no study can be made of them."""
    counts = {split: f"{sum(numbers.values()):,}" for split, numbers in faces.counts().items()}
    empty = [split for split in SPLITS[:2] if split not in counts]
    there = ", ".join(f"{split} {number}" for split, number in counts.items())
    if empty == ["validation"]:
        raise UserError(
            f"{faces.name}: no faces in validation (there are: {there}), and a study selects on them; take a part of "
            "train for it: data.validation = 0.1 in the study file, or --validation 0.1"
        )
    if empty:
        raise UserError(
            f"{faces.name}: no faces in {' and '.join(empty)} (there are: {there}); a study trains on train, selects "
            "on validation"
        )
    if len(faces.classes) < 2:
        raise UserError(
            f"{faces.name}: all of its faces are {faces.classes[0]}; a net learns to tell emotions apart, so a study "
            "needs two at least"
        )


def estimate(plan: Plan, net: StudyNet) -> float:
    """Seconds that one run of a net will take here, from timing a few of its steps."""
    counts = {split: sum(numbers.values()) for split, numbers in plan.faces.counts().items()}
    batches = ceil(counts["train"] / net.recipe.batch) + FORWARD * counts["validation"] / net.recipe.batch
    once = time_features(net.net, net.recipe, plan.faces) if net.net.backbone else 0.0
    step = time_step(net.net, net.recipe, plan.faces)
    taught = sum(FORWARD * time_step(one.net, net.recipe, plan.faces) for one in plan.teachers(net))
    return once + (step + taught) * batches * net.recipe.epochs


def outline(plan: Plan, folder: Path) -> dict[str, Any]:
    """What will run, as plain numbers: the content of `mien plan --json`.

    Args:
        plan: the study on its faces.
        folder: the study's, to see which runs have ended already; it may not be there.
    """
    faces = plan.faces
    nets = [_outline_net(plan, net, folder) for net in plan.study.nets]
    return {
        "study": plan.study.name,
        "folder": str(folder),
        "faces": {
            "name": faces.name,
            "fingerprint": faces.fingerprint,
            "size": faces.size,
            "counts": faces.counts(),
            "left_out": faces.left_out,
            "notes": list(faces.notes),
            "leaked_test": int(plan.leaked.sum()),
        },
        "seeds": list(plan.study.seeds),
        "nets": nets,
        "seconds": sum(net["seconds"] * net["missing"] for net in nets),
    }


def _outline_net(plan: Plan, net: StudyNet, folder: Path) -> dict[str, Any]:
    statuses = [run.status for run in plan.runs(net, folder)]
    missing = sum(not status.ended for status in statuses)
    if net.tune:
        missing = net.tune.trials - _trials_made(plan, net, folder) + len(statuses) - 1
    size, classes = plan.faces.size, len(plan.faces.classes)
    return {
        "name": net.net.name,
        "group": net.group,
        "layers": len(net.net.layers),
        "parameters": parameters(net.net, size, classes),
        "recipe": net.recipe.model_dump() | {"learning_rate": net.recipe.rate},
        "seconds": max(estimate(plan, one) for one in _extremes(plan, net)),
        "states": [status.state for status in statuses],
        "trials": net.tune.trials if net.tune else None,
        "missing": missing,
    }


def _extremes(plan: Plan, net: StudyNet) -> list[StudyNet]:
    """A net; where it is tuned, with the first and with the last values of its space: the slower stands for all."""
    bound = net.tune.bind(net.tune.last, []) if net.tune else None
    if bound is None or check(bound[0], plan.faces.size, len(plan.faces.classes)):
        return [net]
    return [net, replace(net, net=bound[0], recipe=bound[1])]


def _trials_made(plan: Plan, net: StudyNet, folder: Path) -> int:
    """How many trials of a tuned net have ended; pruning may make the others shorter than the plan says."""
    if not any((folder / "tuning").glob("*.journal")):
        return 0
    from mien.study.search import Search

    return sum(trial.state != "running" for trial in Search(plan, net, folder).trials())
