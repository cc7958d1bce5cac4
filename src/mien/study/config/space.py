"""The space that a search chooses from, read from a study file: `[1, 3, 5]`, `"uniform(0.1, 0.35)"`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Any

from mien.errors import did_you_mean
from mien.nets.grammar import arguments
from mien.nets.parsing import Mistake, parse
from mien.runs.search_results import SpaceEntry, Value

if TYPE_CHECKING:
    from optuna import Trial

Values = Mapping[str, Value]
"""What a trial sets: hyper-parameters by their names, entries of the recipe as `recipe.KEY`."""


@dataclass(frozen=True)
class Distribution(SpaceEntry):
    """Where one hyper-parameter's values come from: an entry of results.json that can be drawn from."""

    @property
    def corners(self) -> tuple[Value, ...]:
        """Every value of a choice, else the least and the greatest."""
        return self.choices or (self.low, self.high)

    def grid(self) -> tuple[Value, ...]:
        """Every value there is; () where they cannot be counted."""
        if self.choices or self.step is None:
            return self.choices
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        if self.kind == "integer":
            return tuple(int(self.low + at * self.step) for at in range(count))
        return tuple(round(self.low + at * self.step, 12) for at in range(count))

    def holds(self, value: Value) -> bool:
        """Whether a value could be drawn."""
        if self.kind == "choice":
            return any(value == one and type(value) is type(one) for one in self.choices)
        whole = self.kind == "float" or isinstance(value, int)
        return isinstance(value, int | float) and whole and self.low <= value <= self.high

    def share(self, value: Value) -> float:
        """How far a number is on its way from low to high, 0..1; by its logarithm where that is uniform."""
        assert isinstance(value, int | float)
        low, high, at = (log(x) if self.log else x for x in (self.low, self.high, value))
        return (at - low) / (high - low) if high > low else 0.5

    def at(self, share: float) -> Value:
        """The number that is so far on the way, 0..1, on the nearest step."""
        if self.log:
            return min(max(exp(log(self.low) + share * log(self.high / self.low)), self.low), self.high)
        if self.step is None:
            return min(self.low + share * (self.high - self.low), self.high)
        return self.grid()[round(share * (len(self.grid()) - 1))]

    def draw(self, trial: "Trial", key: str) -> Value:
        """The value that a trial of Optuna has, drawn if it has none yet."""
        if self.kind == "choice":
            chosen: Value = trial.suggest_categorical(key, self.choices)
            return chosen
        if self.kind == "integer":
            return int(trial.suggest_int(key, int(self.low), int(self.high), step=int(self.step or 1)))
        return float(trial.suggest_float(key, self.low, self.high, log=self.log, step=self.step))


def uniform(key: str, low: float, high: float, step: float | None = None) -> Distribution:
    """A number from low to high, in steps if one is given."""
    return Distribution("float", low=_below(low, high), high=_last(low, high, step), step=step)


def log_uniform(key: str, low: float, high: float) -> Distribution:
    """A number from low to high whose logarithm is uniform."""
    if low <= 0:
        raise Mistake(f"low is {low:g}; a logarithm needs numbers above 0")
    return Distribution("float", low=_below(low, high), high=high, log=True)


def integers(key: str, low: int, high: int, step: int = 1) -> Distribution:
    """A whole number from low to high, in steps."""
    return Distribution("integer", low=_below(low, high), high=_last(low, high, step), step=step)


DISTRIBUTIONS: dict[str, Callable[..., Distribution]] = {
    function.__name__: function for function in (uniform, log_uniform, integers)
}


def read_space(table: Mapping[str, Any], place: str, problems: list[str]) -> dict[str, Distribution]:
    """The distributions of a table, by key; what cannot be read is reported and left out."""
    space = {}
    for key, entry in table.items():
        try:
            space[key] = _distribution(key, entry)
        except Mistake as mistake:
            problems += [f"{place}.{key}: {text}" for text in mistake.args]
    return space


def _distribution(key: str, entry: Any) -> Distribution:
    if isinstance(entry, list):
        if not entry:
            raise Mistake("an empty choice; list the values, as [1, 3, 5]")
        others = [value for value in entry if not isinstance(value, int | float | str | bool)]
        twice = [value for at, value in enumerate(entry) if value in entry[:at]]
        if others or twice:
            raise Mistake(*(f"{value!r} is no number or text" for value in others), *(f"{v!r} twice" for v in twice))
        return Distribution("choice", choices=tuple(entry))
    if not isinstance(entry, str):
        raise Mistake(f"found {entry!r}; a list of values, or a distribution such as 'uniform(0.1, 0.35)'")
    word = parse(entry)
    if word.name not in DISTRIBUTIONS:
        raise Mistake(f"unknown distribution {word.name!r}; {did_you_mean(word.name, list(DISTRIBUTIONS))}")
    function = DISTRIBUTIONS[word.name]
    return function(key, **arguments(word, function))


def _below(low: float, high: float) -> float:
    if low >= high:
        raise Mistake(f"low is {low:g} and high is {high:g}; low must be below high")
    return low


def _last(low: float, high: float, step: float | None) -> float:
    """The greatest number that steps from low reach."""
    if step is None:
        return high
    if step <= 0:
        raise Mistake(f"step is {step:g}; it must be above 0")
    return round(low + int((high - low) / step + 1e-9) * step, 12)  # 0.3, not 0.30000000000000004
