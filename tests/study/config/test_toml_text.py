import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mien.study.config.toml_text import toml_text, toml_value

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
PLAIN = st.one_of(st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), TEXTS)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
TABLES = st.dictionaries(TEXTS, VALUES, max_size=5)


def ordered(value: Any) -> Any:
    """A value that is equal only if the order of keys and the kind of every number are equal too."""
    if isinstance(value, dict):
        return [(key, ordered(inner)) for key, inner in value.items()]
    return [ordered(inner) for inner in value] if isinstance(value, list) else (type(value), value)


@given(TABLES)
def test_what_is_written_reads_back_the_same(table: dict[str, Any]) -> None:
    assert ordered(tomllib.loads(toml_text(table))) == ordered(table)


@given(VALUES)
def test_a_value_stands_on_one_line(value: Any) -> None:
    text = toml_value(value)
    assert "\n" not in text
    assert ordered(tomllib.loads(f"value = {text}")["value"]) == ordered(value)


def test_a_study_is_legible() -> None:
    layers = ["conv(16)", "relu", "pool", "flatten", "dense(64)", "relu", "classes"]
    table = {
        "name": "s",
        "seeds": [0, 1],
        "data": {"source": "drawn:200"},
        "nets": {"cnn": {"layers": layers, "recipe": {"epochs": 2}}, "long": {"layers": layers * 2}},
        "groups": {"a": {"nets": ["cnn"]}, "b c": ["long"]},
    }
    assert toml_text(table).startswith(
        """name = "s"
seeds = [0, 1]

[data]
source = "drawn:200"

[nets.cnn]
layers = ["conv(16)", "relu", "pool", "flatten", "dense(64)", "relu", "classes"]

[nets.cnn.recipe]
epochs = 2

[nets.long]
layers = [
  "conv(16)",
"""
    )
    assert toml_text(table).endswith('[groups]\na = { nets = ["cnn"] }\n"b c" = ["long"]\n')
