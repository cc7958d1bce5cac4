import copy
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UserError
from mien.study.config.overrides import apply_device, apply_setting, parse_setting

KEYS = st.lists(st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True), min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers(-(2**60), 2**60)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abcå 1=#.[]"),
    lambda inner: st.lists(inner, max_size=3),
)


def test_a_device_stands_in_for_those_of_all_recipes() -> None:
    table = {
        "recipe": {"epochs": 2, "device": "mps"},
        "nets": {"a": {"recipe": {"device": "cpu", "batch": 8}}, "b": {}},
    }
    apply_device(table, "cuda:1")
    assert table == {
        "recipe": {"epochs": 2, "device": "cuda:1"},
        "nets": {"a": {"recipe": {"batch": 8}}, "b": {}},
    }
    wrong = {"recipe": 3, "nets": ["a"]}
    apply_device(wrong, "cpu")
    assert wrong == {"recipe": 3, "nets": ["a"]}


@pytest.mark.parametrize(
    ("text", "keys", "value"),
    [
        ("recipe.epochs=2", ("recipe", "epochs"), 2),
        ("recipe.optimizer=sgd", ("recipe", "optimizer"), "sgd"),
        ("seeds=[0,1]", ("seeds",), [0, 1]),
        ("data.source=faces/train.csv", ("data", "source"), "faces/train.csv"),
        ("data.source=train=a.csv", ("data", "source"), "train=a.csv"),
        ('groups."Feed-forward nets"=["a"]', ("groups", "Feed-forward nets"), ["a"]),
        ("nets.a.recipe={epochs=3}", ("nets", "a", "recipe"), {"epochs": 3}),
        (" name = two words ", ("name",), "two words"),
        ("name=1\nseeds=[3]", ("name",), "1\nseeds=[3]"),
        ("name=", ("name",), ""),
        ("seeds=[0,", ("seeds",), "[0,"),
    ],
)
def test_a_setting_is_a_dotted_key_and_a_toml_value_or_text(text: str, keys: tuple[str, ...], value: Any) -> None:
    assert parse_setting(text) == (keys, value)


@pytest.mark.parametrize("text", ["", "epochs", "=3", ".a=3", "a..b=3", "[recipe]", "[a]#=1", "a b=3"])
def test_what_is_no_setting_is_reported(text: str) -> None:
    with pytest.raises(UserError, match=r"not of the form key=value, with a dotted key such as recipe\.epochs=2"):
        parse_setting(text)


@given(KEYS, VALUES)
def test_every_toml_value_comes_through(keys: list[str], value: Any) -> None:
    assert parse_setting(f"{'.'.join(keys)}={json.dumps(value, ensure_ascii=False)}") == (tuple(keys), value)


@given(KEYS, st.text())
def test_every_text_is_read_or_taken_as_it_is(keys: list[str], text: str) -> None:
    read_keys, value = parse_setting(f"{'.'.join(keys)}={text}")
    assert read_keys == tuple(keys)
    try:
        alone = tomllib.loads(f"x = {text.strip()}")
    except tomllib.TOMLDecodeError:
        alone = {}
    assert repr(value) == repr(alone["x"] if set(alone) == {"x"} else text.strip())


@given(st.text())
def test_no_text_does_more_than_set_one_entry_or_be_refused(text: str) -> None:
    table: dict[str, Any] = {"name": "a", "recipe": {"epochs": 1}}
    before = copy.deepcopy(table)
    try:
        keys, value = parse_setting(text)
        apply_setting(table, text)
    except UserError:
        assert table == before
        return
    place: Any = table
    for key in keys:
        place = place[key]
    assert repr(place) == repr(value)


def test_tables_on_the_way_are_made_and_others_stay() -> None:
    table: dict[str, Any] = {"recipe": {"epochs": 1}}
    apply_setting(table, "nets.a.recipe.batch=8")
    apply_setting(table, "recipe.batch=4")
    assert table == {"recipe": {"epochs": 1, "batch": 4}, "nets": {"a": {"recipe": {"batch": 8}}}}


def test_a_key_through_a_value_is_reported() -> None:
    with pytest.raises(UserError, match=r"--set name\.x=1: name is 'a', not a table"):
        apply_setting({"name": "a"}, "name.x=1")
