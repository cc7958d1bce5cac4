"""Plan: a study on its faces: the runs of its nets, and what cannot be trained here. Its folder is only read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

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
from mien.study.config.study import StudyConfig, StudyNet
from mien.training.device import choose_device, describe, precision_of
from mien.training.initialise import check_init_from

if TYPE_CHECKING:
    from mien.study.search.state import SearchState


@dataclass(frozen=True, eq=False)
class Plan:
    """A study on its faces.

    Attributes:
        study: as it is configured.
        faces: what it is trained and evaluated on.
        leaked: bool [test faces], True where an image is pixel for pixel in train.
        lacking: by a net's name, what its training needs and this machine has not, and how to get it.
    """

    study: StudyConfig
    faces: Faces
    leaked: NDArray[np.bool_]
    lacking: Mapping[str, str] = field(default_factory=dict)

    def runs(self, net: StudyNet, folder: Path) -> list[Run]:
        """The runs of a net in a study's folder, one a seed; their own folders may not be there yet.

        A net whose search has no finished trial has none; one that is skipped has those that ended before.
        """
        if not self.skipped(net, folder):
            return [] if net.failed else self._runs(net, folder)
        unknown = net.failed or (net.tune and not net.searched)
        return [] if unknown else [run for run in self._runs(net, folder) if run.status.ended]

    def skipped(self, net: StudyNet, folder: Path) -> str:
        """Why a net is left out of the study in a folder, and what to do; "" if it can be trained or has been.

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
        """A tuned net with the best values of its search, once that has ended; every other net as it is."""
        if not net.tune or net.searched or not has_searches(folder):
            return net
        search = self.search(net, folder)
        return search.bound() if search.ended else net

    def search(self, net: StudyNet, folder: Path) -> "SearchState":
        """What the search of a tuned net has made so far in a study's folder."""
        from mien.study.search.state import SearchState

        return SearchState(net, self.faces.fingerprint, folder)

    def device_notes(self, folder: Path) -> list[str]:
        """Check that this machine has the nets' devices; what there is to say of runs that will go on on another one.

        Raises:
            UserError: it has not, or one does not compute in its net's precision.
        """
        notes = []
        for net in self.study.nets:
            chosen = choose_device(net.recipe.device)
            precision_of(net.recipe, chosen)
            device = describe(chosen)
            for run in self.runs(net, folder):
                before = run.status.devices[-1:]
                if before and before != (device,) and not run.status.ended:
                    notes.append(
                        f"{net.net.name} seed {run.seed} was begun on {before[0]} and goes on on {device}: it will not "
                        "end with the numbers that it would have had on one of them"
                    )
        return notes

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

    def create_run(self, net: StudyNet, seed: int, folder: Path) -> Run:
        """The run of a net and a seed in a study's folder, made if it is not there."""
        return Run.create(folder / "runs", net.net, self.recipe(net, seed), seed, self.faces)

    def teachers(self, net: StudyNet) -> list[StudyNet]:
        """The nets that a net learns from."""
        return [self._named(name) for name in net.recipe.teachers]

    def _named(self, name: str) -> StudyNet:
        return next(net for net in self.study.nets if net.net.name == name)

    def _runs(self, net: StudyNet, folder: Path) -> list[Run]:
        return [Run(folder / "runs" / self._run(net, seed)) for seed in self.study.seeds]

    def _run(self, net: StudyNet, seed: int) -> str:
        return f"{net.net.name}-{run_id(net.net, self.recipe(net, seed), seed, self.faces.fingerprint)}"


def make_plan(study: StudyConfig, faces: Faces | None = None) -> Plan:
    """Open a study's faces and check that its nets fit them.

    A net whose weights are not on this machine is no mistake: the study does all else; see `Plan.skipped`.

    >>> from pathlib import Path
    >>> from mien.study.plan import make_plan
    >>> plan = make_plan(study.config, faces)
    >>> [run.status.state for net in plan.study.nets for run in plan.runs(net, Path("out/first"))]
    ['finished', 'finished']

    Args:
        study: as it is configured.
        faces: those that its source holds, where they are open already.

    Raises:
        UserError: no source is named or it cannot be read, train or validation has no faces, or a net does not fit.
    """
    if not study.data.source:
        raise UserError(f"study {study.name}: no faces; name them with --data, or as source under [data]")
    faces = study.data.open() if faces is None else faces
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
    return check_init_from(net.net, net.reported_recipe, faces) if isinstance(net.init_from, FromRun) else []


def _lacking(net: StudyNet) -> str:
    """What a net's training needs and this machine has not; of a tuned one, whatever backbone a trial may take."""
    nets = [net.net]
    if net.tune:
        texts = [(key, text) for key, one in net.tune.space.items() for text in one.choices if isinstance(text, str)]
        bound = (net.tune.bind({**net.tune.first, key: text}, []) for key, text in texts if "." not in key)
        nets += [one[0] for one in bound if one]
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
        raise UserError(f"{faces.name}: all of its faces are {faces.classes[0]}; a study needs two classes or more")
    learnt = [emotion for emotion, number in faces.counts()["train"].items() if number]
    if len(learnt) < 2:
        raise UserError(f"{faces.name}: all of its train faces are {learnt[0]}; a study needs two classes or more")


def skipped_lines(reasons: Mapping[str, str]) -> list[str]:
    """What a study leaves out and why, a line for each reason; [] where it leaves out nothing.

    Args:
        reasons: by the net's name; "" where it is not skipped.
    """
    lines = []
    for reason in dict.fromkeys(filter(None, reasons.values())):
        names = [name for name, why in reasons.items() if why == reason]
        lines.append(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} skipped: {reason}")
    if lines:
        lines.append("the study does all else; once the weights are here, the same command trains what is missing")
    return lines


def has_searches(folder: Path) -> bool:
    """Whether a study's folder holds the journal of a search; to read one takes Optuna, which is slow to load."""
    return any((folder / "tuning").glob("*.journal"))
