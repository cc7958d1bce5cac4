"""The learning rate of each step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.runs.recipe import Recipe
from mien.training.optimizer import rate_at

SCHEDULES = ("constant", "cosine", "one_cycle")


def rates(steps: int = 100, **entries: object) -> list[float]:
    recipe = Recipe.model_validate({"epochs": 10} | entries)
    return [rate_at(recipe, step, steps) for step in range(1, steps + 1)]


def test_without_a_schedule_the_rate_stays() -> None:
    assert rates() == [1.0] * 100


def test_warm_up_rises_in_equal_steps_and_then_the_rate_stays() -> None:
    assert rates(warm_up=2) == pytest.approx([step / 20 for step in range(1, 21)] + [1.0] * 80)


def test_warm_up_may_be_a_part_of_an_epoch() -> None:
    assert rates(warm_up=0.5)[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_cosine_falls_from_the_whole_rate_over_a_half_to_almost_nothing() -> None:
    actual = rates(schedule="cosine")
    assert actual[0] == 1.0
    assert actual[50] == pytest.approx(0.5)
    assert 0 < actual[-1] < 0.001
    assert actual == sorted(actual, reverse=True)


def test_cosine_begins_where_the_warm_up_ends() -> None:
    actual = rates(schedule="cosine", warm_up=2)
    assert actual[:20] == pytest.approx([step / 20 for step in range(1, 21)])
    assert actual[20] == 1.0
    assert actual[60] == pytest.approx(0.5)


def test_one_cycle_rises_for_three_tenths_and_falls() -> None:
    actual = rates(schedule="one_cycle")
    assert 0.04 < actual[0] < 0.05
    assert max(actual) == actual[29] == pytest.approx(1.0)
    assert actual[:30] == sorted(actual[:30])
    assert actual[30:] == sorted(actual[30:], reverse=True)
    assert actual[-1] < 0.001


def test_one_cycle_rises_as_long_as_the_warm_up_says() -> None:
    actual = rates(schedule="one_cycle", warm_up=1)
    assert actual.index(max(actual)) in (9, 10)


@given(
    schedule=st.sampled_from(SCHEDULES), warm_up=st.floats(0, 10), epochs=st.integers(10, 20), steps=st.integers(1, 300)
)
def test_every_rate_is_a_share(schedule: str, warm_up: float, epochs: int, steps: int) -> None:
    recipe = Recipe.model_validate({"schedule": schedule, "warm_up": warm_up, "epochs": epochs})
    assert all(0 <= rate_at(recipe, step, steps) <= 1 for step in range(1, steps + 1))
