"""Sampling: the values of a search's next trial, which follow from its seed, its number and the trials before it.

They are drawn in memory, and written to the journal in one line: whenever a kill comes, a search that is run again
draws what it would have drawn.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, product

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from mien.runs.search_results import Value
from mien.study.config.tune import Tune
from mien.study.search.cmaes import evolve

STARTUP = 1 / 3
"""The share of the trials that are drawn at random before a sampler begins to learn, ten at most."""


def draw(tune: Tune, begun: Sequence[FrozenTrial]) -> dict[str, Value] | None:
    """The values of the trial after those that have begun; None where a grid has no more."""
    number = len(begun)
    fixed = next(islice(_points(tune), number, None), None)
    if fixed is None and tune.sampler == "grid":
        return None
    if fixed is None and tune.sampler == "cmaes":
        finished = [(one.params, float(one.values[0])) for one in begun if one.state == TrialState.COMPLETE]
        fixed = evolve(tune.space, finished, tune.seed, number)
    study = optuna.create_study(directions=tune.directions, sampler=_sampler(tune, number))
    study.add_trials(begun)
    study.enqueue_trial(fixed or {})
    trial = study.ask()
    return {key: one.draw(trial, key) for key, one in tune.space.items()}


def _points(tune: Tune) -> Iterator[dict[str, Value]]:
    """The trials whose values are known beforehand; an enqueued one may leave some to the sampler."""
    enqueued = [dict(values) for values in tune.enqueue]
    yield from enqueued
    if tune.sampler == "grid":
        every = product(*(one.grid() for one in tune.space.values()))
        points = (dict(zip(tune.space, values, strict=True)) for values in every)
        yield from (point for point in points if point not in enqueued)


def _sampler(tune: Tune, number: int) -> BaseSampler:
    seed = (tune.seed * 100_003 + number) % 2**32
    startup = max(1, min(10, round(tune.trials * STARTUP)))
    match tune.sampler:
        case "tpe":
            return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
        case "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup, deterministic_objective=False)
    return optuna.samplers.RandomSampler(seed=seed)
