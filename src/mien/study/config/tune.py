"""The table `[nets.X.tune]`: the search for the values of a net's hyper-parameters, checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mien.errors import did_you_mean
from mien.nets import Net
from mien.nets.grammar import arguments
from mien.nets.parsing import Mistake, parse
from mien.runs.recipe import Recipe
from mien.runs.search_results import Value
from mien.study.config.former_keys import in_former_keys
from mien.study.config.space import Distribution, Values, read_space
from mien.study.config.validation import Table

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

Bind = Callable[[Values, list[str]], tuple[Net, Recipe] | None]
"""From the values of a trial to its net and recipe; None, and the mistakes added to the list, where they do not fit."""

Objective = Literal["validation_accuracy", "faces_per_second", "parameters"]

Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]


@dataclass(frozen=True, eq=False)
class Tune:
    """A search for the values of a net's hyper-parameters.

    Attributes:
        space: where each value comes from.
        trials: how many there are at most.
        minutes: of training, after which no trial is begun; None: no limit.
        sampler: which of Optuna's samplers chooses the values; `grid` goes through all of them.
        pruner: its word, as `median(startup=4)`.
        enqueue: values that the first trials take, where they name them.
        seed: of the sampler.
        objectives: what is made large (parameters: small); with several there is no single best.
        bind: makes a trial's net and recipe.
        identity: the table as it was written, and the net and recipe behind it; another search has another identity.
    """

    space: Mapping[str, Distribution]
    trials: int
    minutes: float | None
    sampler: str
    pruner: str
    enqueue: tuple[Values, ...]
    seed: int
    objectives: tuple[Objective, ...]
    bind: Bind
    identity: str

    @property
    def first(self) -> dict[str, Value]:
        """The values to begin with: those of `enqueue` first, else the first of each choice and the least number."""
        return {key: one.corners[0] for key, one in self.space.items()} | dict(self.enqueue[0] if self.enqueue else {})

    @property
    def last(self) -> dict[str, Value]:
        """The last of each choice and the greatest number."""
        return {key: one.corners[-1] for key, one in self.space.items()}

    @property
    def directions(self) -> list[Literal["minimize", "maximize"]]:
        """Whether each objective is made large or small, in Optuna's words."""
        return ["minimize" if one == "parameters" else "maximize" for one in self.objectives]

    def id(self, fingerprint: str) -> str:
        """Ten hex digits for all that decides which trials a search makes; its budgets do not."""
        return sha256(f"{self.identity} {fingerprint}".encode()).hexdigest()[:10]


class TuneTable(Table):
    """A search for the values of a net's hyper-parameters."""

    space: dict[str, Any] = Field(
        min_length=1, description="what each hyper-parameter may be; entries of the recipe as recipe.learning_rate"
    )
    trials: Annotated[int, Field(ge=1)] = Field(default=20, description="how many are made at most")
    minutes: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="of training, after which no trial is begun; no limit unless given"
    )
    sampler: Literal["tpe", "random", "grid", "gp", "cmaes"] = Field(
        default="tpe", description="how values are chosen, by Optuna; grid goes through all of them"
    )
    pruner: str = Field(
        default="none", description="gives up trials that fall behind: median, successive_halving or hyperband"
    )
    enqueue: list[dict[str, Any]] = Field(default=[], description="values that the first trials take")
    seed: int = Field(default=0, ge=0, description="of the sampler")
    objectives: list[Objective] = Field(
        default=["validation_accuracy"],
        min_length=1,
        description="what the search makes large (parameters: small); with several there is no single best",
    )


def none(epochs: int) -> "BasePruner":
    """Every trial goes on to its end."""
    from optuna.pruners import NopPruner

    return NopPruner()


def median(epochs: int, startup: Count = 4, warmup: Count = 3) -> "BasePruner":
    """Below the median of the trials before at the same epoch; not before `startup` trials and `warmup` epochs."""
    from optuna.pruners import MedianPruner

    return MedianPruner(n_startup_trials=startup, n_warmup_steps=warmup)


def successive_halving(epochs: int, first: AtLeastOne = 1, factor: AtLeastTwo = 3) -> "BasePruner":
    """At epochs first, first * factor, ..., the best in `factor` go on (Li et al. 2020, arXiv 1810.05934)."""
    from optuna.pruners import SuccessiveHalvingPruner

    return SuccessiveHalvingPruner(min_resource=first, reduction_factor=factor)


def hyperband(epochs: int, first: AtLeastOne = 1, factor: AtLeastTwo = 3) -> "BasePruner":
    """Successive halving from several first epochs (Li et al. 2018, arXiv 1603.06560)."""
    from optuna.pruners import HyperbandPruner

    return HyperbandPruner(min_resource=first, max_resource=epochs, reduction_factor=factor)


PRUNERS: dict[str, Callable[..., "BasePruner"]] = {
    function.__name__: function for function in (none, median, successive_halving, hyperband)
}


def pruner_of(text: str, epochs: int) -> "BasePruner":
    """Optuna's pruner for a word, checked before; epochs: of a whole trial."""
    word = parse(text)
    return PRUNERS[word.name](epochs, **arguments(word, PRUNERS[word.name]))


def read_tune(
    table: TuneTable, names: set[str], bind: Bind, basis: str, place: str, problems: list[str]
) -> Tune | None:
    """Check a tune table; None, and every mistake added to `problems`, where it is wrong.

    Args:
        table: as the file has it.
        names: hyper-parameters that stand in the net's and the augmentation's words.
        bind: makes a trial's net and recipe.
        basis: the net and recipe that the values are bound into, as text.
        place: of the table in the file.
        problems: to add to.
    """
    before = len(problems)
    space = read_space(table.space, f"{place}.space", problems)
    problems += [f"{place}.space.{key}: {text}" for key in space if (text := _key_problem(key, names))]
    if len(problems) > before:
        return None
    _check_pruner(table, place, problems)
    problems += [f"{place}.{text}" for text in _sampler_problems(table, space)]
    for index, values in enumerate(table.enqueue):
        problems += [f"{place}.enqueue[{index}].{text}" for text in _enqueued_problems(values, space)]
    tune = Tune(
        space=space,
        trials=table.trials,
        minutes=table.minutes,
        sampler=table.sampler,
        pruner=table.pruner,
        enqueue=tuple(table.enqueue),
        seed=table.seed,
        objectives=tuple(table.objectives),
        bind=bind,
        identity=f"{_identity(table)} {basis}",
    )
    if len(problems) == before:
        _try(tune, place, problems)
    return tune if len(problems) == before else None


def _identity(table: TuneTable) -> list[tuple[str, str]]:
    """All that decides which trials a table makes, as the file has it; its budgets do not."""
    written = in_former_keys(table.model_dump(exclude_unset=True, exclude={"trials", "minutes"}))
    return sorted((key, str(value)) for key, value in written.items())


def _key_problem(key: str, names: set[str]) -> str:
    """Why nothing in the net takes the values of a key of the space; "" where something does."""
    if key.startswith("recipe."):
        known = [name for name in Recipe.model_fields if name != "device"]
        entry = key.removeprefix("recipe.")
        return "" if entry in known else f"no entry of a recipe; {did_you_mean(entry, known)}"
    if key in names:
        return ""
    return f"no word of the net uses this hyper-parameter; {did_you_mean(key, sorted(names))}" if names else (
        "no word of the net has a hyper-parameter; entries of its recipe are named as recipe.learning_rate"
    )  # fmt: skip


def _sampler_problems(table: TuneTable, space: Mapping[str, Distribution]) -> list[str]:
    if table.sampler == "grid":
        return [
            f"space.{key}: has no end of values, and sampler = 'grid' takes them all; give it a step"
            for key, one in space.items()
            if not one.grid()
        ]
    problems = []
    if table.sampler == "cmaes" and sum(one.kind != "choice" for one in space.values()) < 2:
        problems.append("sampler: 'cmaes' needs two numbers or more in the space; it draws choices at random")
    if table.sampler == "cmaes" and len(table.objectives) > 1:
        problems.append("sampler: 'cmaes' knows one objective; take 'tpe', 'gp', 'random' or 'grid'")
    return problems


def _check_pruner(table: TuneTable, place: str, problems: list[str]) -> None:
    try:
        word = parse(table.pruner)
        if word.name not in PRUNERS:
            raise Mistake(f"unknown pruner {word.name!r}; {did_you_mean(word.name, list(PRUNERS))}")
        arguments(word, PRUNERS[word.name])
    except Mistake as mistake:
        problems += [f"{place}.pruner: {text}" for text in mistake.args]
        return
    if word.name != "none" and len(table.objectives) > 1:
        problems.append(f"{place}.pruner: found {table.pruner!r}; with several objectives no trial can be pruned: none")
    if len(set(table.objectives)) < len(table.objectives):
        problems.append(f"{place}.objectives: found {table.objectives!r}; each can stand once")


def _enqueued_problems(values: Mapping[str, Any], space: Mapping[str, Distribution]) -> Sequence[str]:
    unknown = [f"{key}: not in the space; {did_you_mean(key, list(space))}" for key in values if key not in space]
    outside = [
        f"{key}: found {value!r}, which the space does not hold"
        for key, value in values.items()
        if key in space and not space[key].holds(value)
    ]
    return unknown + outside


def _try(tune: Tune, place: str, problems: list[str]) -> None:
    """Bind the first values; then each key's extremes, beside the first of all others and beside their last.

    A value that fits beside neither is a mistake of the file. What fails in other company fails as a trial, with its
    reason.
    """
    first, last = tune.first, tune.last
    if tune.bind(first, problems) is None:
        return
    for key, one in tune.space.items():
        for value in one.corners:
            reasons: list[str] = []
            if all(tune.bind({**others, key: value}, reasons) is None for others in (first, last)):
                problems.append(f"{place}.space.{key}: {value!r} does not fit: {reasons[0]}")
