"""The search behind a tuned net, as the report shows it."""

from dataclasses import replace

import pytest
from report.examples import reported
from report.searches import SEARCH, several, tuning

from mien.report.tuning import Setting, tuning_of


def test_a_net_without_a_search_has_none() -> None:
    assert tuning_of(reported([], tuning={"wide": SEARCH}), "deep") is None
    assert tuning_of(reported([]), "wide") is None
    assert tuning_of(reported([], tuning={"wide": replace(SEARCH, best=None)}), "wide") is None


def test_the_best_and_the_front_are_known_by_their_numbers() -> None:
    assert tuning().best.values["kernel"] == 3
    assert tuning(several()).front == {1, 2}


@pytest.mark.parametrize(
    ("setting", "value", "place"),
    [
        (Setting("kernel", (1, 3, 5)), 1, 0.0),
        (Setting("kernel", (1, 3, 5)), 3, 0.5),
        (Setting("act", ("relu",)), "relu", 0.5),
        (Setting("p", low=0.1, high=0.3), 0.15, 0.25),
        (Setting("recipe.learning_rate", low=1e-4, high=1e-2, log=True), 1e-3, 0.5),
    ],
)
def test_where_a_value_lies(setting: Setting, value: int | float | str, place: float) -> None:
    assert setting.place(value) == pytest.approx(place)
