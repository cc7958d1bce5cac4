import math

import pytest
from pydantic import ValidationError

from mien.runs.recipe import Recipe


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch", 0),
        ("optimizer", "rmsprop"),
        ("learning_rate", 0),
        ("learning_rate", -1e-3),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("momentum", -0.1),
        ("momentum", 1),
        ("scaling", "raw"),
        ("precision", "float8"),
        ("patience", -1),
        ("keep", "first"),
        ("batch_size", 32),
    ],
)
def test_a_value_out_of_bounds_or_an_unknown_key_is_refused_by_its_name(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({"optimizer": "sgd", key: value})
    assert [fault["loc"] for fault in caught.value.errors()] == [(key,)]


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 1, "batch": 1, "patience": 0, "momentum": 0},
        {"optimizer": "sgd", "momentum": 0.999, "learning_rate": 1e-30},
        {"scaling": "standardised", "precision": "bfloat16", "keep": "best"},
    ],
)
def test_what_lies_on_the_bounds_is_taken_as_it_is(settings: dict[str, object]) -> None:
    recipe = Recipe.model_validate(settings).model_dump()
    assert {key: recipe[key] for key in settings} == settings


def test_momentum_goes_with_sgd_alone() -> None:
    with pytest.raises(ValidationError, match="momentum and nesterov belong to optimizer = 'sgd'"):
        Recipe(optimizer="adam", momentum=0.9)
    assert Recipe(optimizer="sgd", momentum=0.9).momentum == 0.9


def test_the_learning_rate_is_the_given_one_or_kerass_default() -> None:
    assert Recipe().rate == 1e-3
    assert Recipe(optimizer="sgd").rate == 1e-2
    assert Recipe(optimizer="sgd", learning_rate=0.3).rate == 0.3


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"augment": 3}, "augment is a list of words"),
        ({"augment": ["flip", 3]}, "augment is a list of words"),
        ({"augment": ["flop"]}, "flop"),
        ({"nesterov": True, "optimizer": "sgd"}, "nesterov needs a momentum"),
        ({"warm_up": 3, "epochs": 2}, "warm_up = 3 is longer than the 2 epochs"),
    ],
)
def test_entries_that_do_not_fit_say_why(entries: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Recipe.model_validate(entries)


def test_a_recipe_names_the_runs_that_come_before_it() -> None:
    assert Recipe(teachers=("a", "b"), init_from="c").awaited == {"a", "b", "c"}
    assert Recipe(init_from="/out/runs/c-1").awaited == frozenset()
    assert not Recipe(init_from="/out/runs/c-1").initialised_within
