"""CMA-ES proposes numbers that close in on the best."""

from itertools import islice

from mien.study.config.space import read_space
from mien.study.search.cmaes import evolve

SPACE = {"n": "integers(2, 64, step=2)", "p": "uniform(0.0, 1.0)", "rate": "log_uniform(1e-5, 1e-1)", "act": ["a", "b"]}


def test_evolution_closes_in_on_the_best() -> None:
    space, finished = read_space(SPACE, "space", []), []
    for number in range(90):
        values = evolve(space, finished, 0, number)
        assert set(values) == {"n", "p", "rate"}, "choices are left open"
        finished.append((values, -abs(values["p"] - 0.7) - abs(values["n"] - 50) / 62))  # type: ignore[operator]
    far = [abs(values["p"] - 0.7) for values, _ in finished]  # type: ignore[operator]
    assert sum(islice(reversed(far), 20)) < 0.4 * sum(far[:20])
