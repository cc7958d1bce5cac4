"""Augmentation words: the table of them, reading `rotate(10)` by the grammar of layer words, and named sets of them."""

from collections.abc import Callable, Sequence
from typing import Any

from mien.augmentation.geometry import Maps, flip, flip_vertical, rotate, shear, shift, zoom
from mien.augmentation.pixels import brightness, contrast, cutmix, erase, mixup
from mien.augmentation.quality import blur, jpeg, noise, sharpen
from mien.errors import did_you_mean
from mien.nets.grammar import arguments
from mien.nets.parsing import Mistake, parse

GEOMETRY: dict[str, Callable[..., Maps]] = {
    word.__name__: word for word in (rotate, shift, zoom, shear, flip, flip_vertical)
}
"""The words that move pixels."""

QUALITY: dict[str, Callable[..., None]] = {word.__name__: word for word in (blur, sharpen, noise, jpeg)}
"""The words that change how good a picture is; teachers see faces without them."""

PIXELS: dict[str, Callable[..., None]] = {
    **{word.__name__: word for word in (brightness, contrast)},
    **QUALITY,
    **{word.__name__: word for word in (erase, mixup, cutmix)},
}
"""The words that change gray values or mix faces."""

WORDS: dict[str, Callable[..., Any]] = {**GEOMETRY, **PIXELS}
"""Every augmentation word, and the function that does it."""


GENERATORS: dict[str, dict[str, object]] = {
    "generator_1": {
        "augment": ("rotate(90)", "shift(0.2)", "flip", "flip_vertical"),
        "scaling": "featurewise",
        "whitening": "zca",
    },
    "generator_2": {"scaling": "featurewise"},
    "generator_3": {"whitening": "zca"},
    "generator_4": {"augment": ("rotate(90)",)},
    "generator_5": {"augment": ("shift(0.2)",)},
}
"""The five data generators of the course's study (2021): their entries of a recipe, where not its defaults."""


def check(words: Sequence[str]) -> list[str]:
    """Every mistake in a recipe's augmentation words, each with its place: `augment[1]: rotate needs degrees: ...`."""
    problems = []
    for index, text in enumerate(words):
        try:
            read_word(text)
        except Mistake as mistake:
            problems += [f"augment[{index}]: {problem}" for problem in mistake.args]
    return problems


def read_word(text: str) -> tuple[str, dict[str, Any]]:
    """A word's name and arguments; a Mistake with all that is wrong with it."""
    word = parse(text)
    if word.name not in WORDS:
        raise Mistake(f"unknown augmentation {word.name!r}; {did_you_mean(word.name, list(WORDS))}")
    return word.name, arguments(word, WORDS[word.name])
