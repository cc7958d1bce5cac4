"""CMA-ES (Hansen & Ostermeier 2001, Evolutionary Computation 9:159-195): the numbers of a search's next trial.

Optuna's own sampler keeps its state as a pickle in the journal, and mien unpickles nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from mien.runs.search_results import Value
from mien.study.config.space import Distribution, Values


def evolve(
    space: Mapping[str, Distribution], finished: Sequence[tuple[Values, float]], seed: int, number: int
) -> dict[str, Value]:
    """The numbers of the next trial; its choices are left open.

    The strategy is built anew for each trial, from the finished ones in their order.

    Args:
        space: where values come from, two numbers or more among them.
        finished: values and score of the finished trials, in their order; the higher the score the better.
        seed: of the search.
        number: of the trial.
    """
    numbers = {key: one for key, one in space.items() if one.kind != "choice"}
    sides = np.array([[0.0, 1.0]] * len(numbers))
    strategy = CMA(mean=np.full(len(numbers), 0.5), sigma=1 / 6, bounds=sides, seed=seed % 2**32)
    size = strategy.population_size
    points = [(_unit(numbers, values), -score) for values, score in finished]
    for first in range(0, len(points) - size + 1, size):
        strategy.tell(points[first : first + size])
    strategy.reseed_rng((seed * 100_003 + number) % 2**32)
    return {key: one.at(float(share)) for (key, one), share in zip(numbers.items(), strategy.ask(), strict=True)}


def _unit(numbers: Mapping[str, Distribution], values: Values) -> NDArray[np.float64]:
    return np.array([one.share(values[key]) for key, one in numbers.items()])
