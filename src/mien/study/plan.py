"""Plan: what a study will run, on which faces, and how long that will take. Planning writes nothing into its folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces import SPLITS, Faces
from mien.faces.duplicates import leaked
from mien.nets import check, missing_weights, summary
from mien.nets.backbones import AbsentError
from mien.runs.recipe import Recipe
from mien.runs.run import Run, run_id
from mien.study.config.init_from import FromNet, FromRun
from mien.study.config.study import Study, StudyNet
from mien.training.initialise import unfit
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
        lacking: by a net's name, what its training needs and this machine has not, and how to get it.
    """

    study: Study
    faces: Faces
    leaked: NDArray[np.bool_]
    lacking: Mapping[str, str] = field(default_factory=dict)

    def runs(self, net: StudyNet, folder: Path) -> list[Run]:
        """The runs of a net in a study's folder, one a seed; their own folders may not be there yet.

        A net whose search found nothing has none; one that is skipped has those that ended before.
        """
        if not self.skipped(net, folder):
            return [] if net.failed else self._runs(net, folder)
        unknown = net.failed or (net.tune and not net.searched)
        return [] if unknown else [run for run in self._runs(net, folder) if run.status.ended]

    def skipped(self, net: StudyNet, folder: Path) -> str:
        """Why a net is left out of the study in a folder, and what to do; "" if it can be trained, or all is trained.

        Its backbone's weights are not on this machine, or a net that has to be trained before it is left out.
        """
        before = [(f"it learns from {one.net.name}", one) for one in self.teachers(net)]
        if isinstance(net.init_from, FromNet):
            before.append((f"it starts from {net.init_from.name}", self._named(net.init_from.name)))
        reasons = (f"{how}, which is skipped: {why}" for how, one in before if (why := self.skipped(one, folder)))
        reason = self.lacking.get(net.net.name) or next(reasons, "")
        net = self.settled(net, folder) if reason else net
        if not reason or (net.tune and not net.searched):
            return reason
        return "" if all(run.status.ended for run in self._runs(net, folder)) else reason

    def settled(self, net: StudyNet, folder: Path) -> StudyNet:
        """A tuned net with what its search in a study's folder found, once that has ended; every other net as it is."""
        if not net.tune or net.searched or not any((folder / "tuning").glob("*.journal")):
            return net
        from mien.study.search.search import Search

        search = Search(self, net, folder)
        return search.bound() if search.ended else net

    def counts(self, net: StudyNet) -> tuple[int | None, int | None]:
        """A net's parameters, and those of them that are trained; None where it needs what is not on this machine."""
        size, classes = self.faces.size, len(self.faces.classes)
        try:
            rows = summary(net.net, size, classes)
        except AbsentError:
            return None, None
        return sum(row.parameters for row in rows), sum(row.trainable for row in rows)

    def recipe(self, net: StudyNet, seed: int) -> Recipe:
        """A net's recipe for the run of a seed, with the runs that it learns from and takes its first weights from.

        Of another net of the study that is the run of the same seed.
        """
        recipe = net.recipe
        if recipe.teachers:
            recipe = recipe.model_copy(update={"teachers": tuple(self._run(one, seed) for one in self.teachers(net))})
        match net.init_from:
            case FromNet(name):
                return recipe.model_copy(update={"init_from": self._run(self._named(name), seed)})
            case FromRun():
                return recipe.model_copy(update={"init_from": str(net.init_from.folder)})
        return recipe

    def teachers(self, net: StudyNet) -> list[StudyNet]:
        """The nets that a net learns from."""
        return [self._named(name) for name in net.recipe.teachers]

    def _named(self, name: str) -> StudyNet:
        return next(net for net in self.study.nets if net.net.name == name)

    def _runs(self, net: StudyNet, folder: Path) -> list[Run]:
        return [Run(folder / "runs" / self._run(net, seed)) for seed in self.study.seeds]

    def _run(self, net: StudyNet, seed: int) -> str:
        return f"{net.net.name}-{run_id(net.net, self.recipe(net, seed), seed, self.faces.fingerprint)}"


def make_plan(study: Study) -> Plan:
    """Open a study's faces and check that its nets fit them.

    A net whose weights are not on this machine is no mistake: the study does all else; see `Plan.skipped`.

    Raises:
        UserError: no source is named or it cannot be read, train or validation has no faces, or a net does not fit.
    """
    if not study.data.source:
        raise UserError(f"study {study.name}: no faces; name them with --data, or as source under [data]")
    faces = study.data.open()
    _check_learnable(faces)
    problems = [text for net in study.nets for text in check(net.net, faces.size, len(faces.classes))]
    problems += [text for net in study.nets for text in _init_problems(net, faces)]
    if problems:
        facts = f"{faces.size}x{faces.size} pixels, {len(faces.classes)} classes"
        raise UserError("\n  ".join([f"study {study.name} on {faces.name} ({facts}):", *problems]))
    lacking = {net.net.name: reason for net in study.nets if (reason := _lacking(net))}
    return Plan(study, faces, leaked(faces), lacking)


def _init_problems(net: StudyNet, faces: Faces) -> list[str]:
    """Why a net cannot take its first weights from a run of another study."""
    return unfit(net.net, net.reported_recipe, faces) if isinstance(net.init_from, FromRun) else []


def _lacking(net: StudyNet) -> str:
    """What a net's training needs and this machine has not; of a tuned one, whatever backbone a trial may take."""
    nets = [net.net]
    if net.tune:
        texts = [(key, text) for key, one in net.tune.space.items() for text in one.choices if isinstance(text, str)]
        bound = (net.tune.bind({**net.tune.first, key: text}, []) for key, text in texts if "." not in key)
        nets += [found[0] for found in bound if found]
    return next(filter(None, map(missing_weights, nets)), "")


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
    teachers = [one for one in plan.teachers(net) if one.net.name not in plan.lacking]  # others cannot be timed here
    taught = sum(FORWARD * time_step(one.net, net.recipe, plan.faces) for one in teachers)
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
        "seconds": sum(net["seconds"] * net["missing"] for net in nets if net["missing"]),
    }


def _outline_net(plan: Plan, net: StudyNet, folder: Path) -> dict[str, Any]:
    net = plan.settled(net, folder)
    statuses, skipped = [run.status for run in plan.runs(net, folder)], plan.skipped(net, folder)
    lacking = skipped or net.net.name in plan.lacking  # then nothing of it can be timed here
    missing = sum(not status.ended for status in statuses)
    if net.tune and not net.searched and not skipped:
        missing = max(net.tune.trials - _trials_made(plan, net, folder), 0) + len(statuses) - 1
    return {
        "name": net.net.name,
        "group": net.group,
        "layers": len(net.net.layers),
        "parameters": plan.counts(net)[0],
        "recipe": net.reported_recipe.model_dump(),
        "seconds": None if lacking else max(estimate(plan, one) for one in _extremes(plan, net)),
        "states": [status.state for status in statuses],
        "trials": net.tune.trials if net.tune else None,
        "missing": missing,
        "skipped": skipped,
    }


def _extremes(plan: Plan, net: StudyNet) -> list[StudyNet]:
    """A net; where it is tuned, with the first and with the last values of its space: the slower stands for all."""
    bound = net.tune.bind(net.tune.last, []) if net.tune and not net.searched else None
    if bound is None or check(bound[0], plan.faces.size, len(plan.faces.classes)):
        return [net]
    return [net, replace(net, net=bound[0], recipe=bound[1])]


def _trials_made(plan: Plan, net: StudyNet, folder: Path) -> int:
    """How many trials of a tuned net have ended; pruning may make the others shorter than the plan says."""
    if not any((folder / "tuning").glob("*.journal")):
        return 0
    from mien.study.search.search import Search

    return sum(trial.state != "running" for trial in Search(plan, net, folder).trials())
