"""docs/reference/augmentation.md lists every word and every generator, and its examples work."""

import re
import tomllib
from pathlib import Path

from mien.augmentation import GENERATORS, WORDS, check
from mien.nets.grammar import usage
from mien.runs.recipe import Recipe

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "augmentation.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \|.*\| `([^`]+)` \|$", TEXT, re.MULTILINE)


def test_every_word_is_listed_with_its_arguments_and_every_example_is_valid():
    assert [actual for actual, _ in ROWS] == [usage(word) for word in WORDS.values()]
    assert [example.split("(")[0] for _, example in ROWS] == list(WORDS)
    assert check([example for _, example in ROWS]) == []


def test_the_recipe_shown_is_one():
    toml = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert toml is not None
    assert Recipe.model_validate(tomllib.loads(toml[1])["recipe"]).whitening == "zca"


def test_every_generator_is_listed():
    actual = re.findall(r"^\| `(generator_\d)` \| (.*?)\| (\w+) \| (\w*) ?\|$", TEXT, re.MULTILINE)
    actual = {
        name: (tuple(re.findall(r"`([^`]+)`", words)), scaling, whitening or "none")
        for name, words, scaling, whitening in actual
    }
    recipes = {name: Recipe.model_validate(entries) for name, entries in GENERATORS.items()}
    assert actual == {name: (one.augment, one.scaling, one.whitening) for name, one in recipes.items()}
