"""What a search tries next: from seed, number and the trials before, and nothing else."""

import optuna
import pytest

from mien.study.config.space import Distribution, Values, read_space
from mien.study.config.tune import Tune
from mien.study.search.sampling import draw

SPACE = {"n": "integers(2, 64, step=2)", "p": "uniform(0.0, 1.0)", "rate": "log_uniform(1e-5, 1e-1)", "act": ["a", "b"]}


def space() -> dict[str, Distribution]:
    problems: list[str] = []
    space = read_space(SPACE, "space", problems)
    assert not problems
    return space


def tuned(sampler: str, seed: int = 0, enqueue: tuple[Values, ...] = ()) -> Tune:
    return Tune(space(), 12, None, sampler, "none", enqueue, seed, ("validation_accuracy",), lambda *_: None, "")


def searched(tune: Tune, trials: int) -> list[Values]:
    """The values of a search that scores by closeness to p = 0.7."""
    study = optuna.create_study(direction="maximize")
    for _ in range(trials):
        values = draw(tune, study.get_trials())
        assert values is not None
        study.enqueue_trial(values)
        trial = study.ask()
        for key, one in tune.space.items():
            assert one.draw(trial, key) == values[key]
        study.tell(trial, -abs(values["p"] - 0.7))  # type: ignore[operator]
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "cmaes"])
def test_draws_repeat_and_differ_by_seed_and_number(sampler: str) -> None:
    first = searched(tuned(sampler), 6)
    assert first == searched(tuned(sampler), 6)
    assert first != searched(tuned(sampler, seed=1), 6)
    assert len({tuple(values.values()) for values in first}) == 6
    assert all(one.holds(values[key]) for values in first for key, one in space().items())


def test_what_a_start_leaves_open_is_drawn() -> None:
    tune = tuned("tpe", enqueue=({"p": 0.25}, {"act": "b", "n": 8}))
    first, second, third = searched(tune, 3)
    assert first["p"] == 0.25
    assert (second["act"], second["n"]) == ("b", 8)
    assert third["p"] != 0.25
