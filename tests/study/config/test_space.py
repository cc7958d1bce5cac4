"""Distributions of a space: which values they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.study.config.space import read_space

SPACE = {"n": "integers(2, 64, step=2)", "p": "uniform(0.0, 1.0)", "rate": "log_uniform(1e-5, 1e-1)"}


@given(st.sampled_from(["n", "p", "rate"]), st.floats(0, 1))
def test_a_share_of_the_way_is_a_value_and_back(key: str, share: float) -> None:
    one = read_space(SPACE, "space", [])[key]
    value = one.at(share)
    assert one.holds(value)
    assert one.share(value) == pytest.approx(share, abs=0.5 / 31 if key == "n" else 1e-9)


@given(low=st.floats(-1e6, 1e6), high=st.floats(-1e6, 1e6))
def test_a_uniform_distribution_holds_what_lies_between_its_ends(low: float, high: float) -> None:
    problems: list[str] = []
    space = read_space({"x": f"uniform({low!r}, {high!r})"}, "space", problems)
    if low >= high:
        assert len(problems) == 1
    else:
        assert space["x"].holds(low)
        assert space["x"].holds(high)
        assert space["x"].holds((low + high) / 2)
        assert not space["x"].holds(high + 1)


@given(low=st.integers(-50, 50), span=st.integers(1, 50), step=st.integers(1, 7))
def test_integers_are_counted_by_their_step(low: int, span: int, step: int) -> None:
    space = read_space({"x": f"integers({low}, {low + span}, step={step})"}, "space", [])
    assert space["x"].grid() == tuple(range(low, low + span + 1, step))


def test_a_range_ends_where_its_steps_do() -> None:
    space = read_space({"p": "uniform(0.1, 0.35, step=0.1)"}, "space", [])
    assert space["p"].high == 0.3
    assert space["p"].grid() == (0.1, 0.2, 0.3)
