"""Names of classes: the meaning of numbers, misspelt names, and one set of classes for all parts of a source."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mien.errors import UserError, did_you_mean
from mien.faces.fer2013 import EIGHT, EMOTIONS
from mien.faces.names import classes_of, emotion_of_word, misspelt, number_of
from mien.faces.types import Faces

LAYOUTS: Mapping[str, Mapping[int, str]] = {
    "fer2013": dict(enumerate(EMOTIONS)),
    "ferplus": dict(enumerate(("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"))),
    "rafdb": dict(enumerate(("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), 1)),
    "affectnet7": dict(enumerate(("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"))),
    "affectnet8": dict(enumerate(("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"))),
    "ckplus": dict(enumerate(("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"))),
}
"""The emotion of each number in known data sets.

FER2013: Goodfellow et al. 2013, arXiv 1307.0414. FER+: Barsoum et al. 2016, arXiv 1608.01041. RAF-DB: Li, Deng, Du
2017, "Reliable crowdsourcing and deep locality-preserving learning for expression recognition in the wild". AffectNet:
Mollahosseini, Hasani, Mahoor 2017, arXiv 1708.03985. CK+: Lucey et al. 2010, "The extended Cohn-Kanade dataset".
"""


def check_classes(given: Sequence[str]) -> None:
    """Raise a UserError where `given` is neither one of `LAYOUTS` nor two names of classes or more."""
    if len(given) == 1 and given[0] not in LAYOUTS:
        raise UserError(
            f"classes: no layout is called {given[0]!r}; {did_you_mean(given[0], list(LAYOUTS))}; "
            "or give a name for each number, with commas"
        )
    if len(given) < 2:
        return
    for name in given:
        if not name.strip() or number_of(name) is not None:
            raise UserError(f"classes: {name!r} is no name of an emotion; expected names, as in neutral,happy,sad")
    if len(classes_of(given)[0]) < len(given):
        raise UserError(f"classes: {', '.join(given)}: one of them is there twice; give each number a name of its own")
    check_spelling(given, "classes")


def check_spelling(names: Collection[str], place: str) -> None:
    """Raise a UserError where, beside known emotions, a name misspells one that is not among them."""
    known = {emotion for name in names if (emotion := emotion_of_word(name)) is not None}
    for name in sorted(names) if known else []:
        correct = misspelt(name)
        if correct is not None and emotion_of_word(correct) not in known:
            emotions = ", ".join(EIGHT)
            raise UserError(f"{place}: no emotion is called {name!r}; known: {emotions}; did you mean {correct!r}?")


def name_classes(words: Collection[str], given: Sequence[str], place: str) -> dict[str, str]:
    """Name each class of a source.

    Args:
        words: the classes as the source has them, names or numbers.
        given: what numbers mean: one of `LAYOUTS`, or a name for each number in their order; () if not known.
        place: the source, for a message.

    Returns:
        the name of each word: that of its number, or the word itself.

    Raises:
        UserError: there are numbers and `given` is (), or `given` and no numbers, or a name is misspelt.
    """
    numbers = _numbers(words)
    if given and not numbers:
        named = ", ".join(sorted(words))
        raise UserError(f"{place}: its classes have names, {named}; leave --classes (data.classes) out")
    meanings = _meanings(sorted(set(numbers.values())), given, place) if numbers else {}
    check_spelling(set(words) - numbers.keys(), place)
    return {word: meanings[numbers[word]] if word in numbers else word for word in words}


def describe_numbers(names: Mapping[str, str]) -> tuple[str, ...]:
    """The note on numbers that `name_classes` named: `numbers read as 0 = neutral, 1 = happy`; () if there are none."""
    means = {number: names[word] for word, number in _numbers(names).items()}
    return ("numbers read as " + ", ".join(f"{number} = {means[number]}" for number in sorted(means)),) if means else ()


def match_classes(parts: Sequence[Faces], places: Sequence[object], given: Sequence[str], source: str) -> list[Faces]:
    """Give all parts of a source the same classes, the union of theirs, matched by name; numbers get names.

    Args:
        parts: of the source.
        places: the path of each part, for messages.
        given: what numbers mean, as `name_classes` takes it.
        source: the source's name, for messages.

    Raises:
        UserError: a number has no name, a name is misspelt, or a part shares no class with the others.
    """
    words = {word for part in parts for word in part.classes}
    names = name_classes(words, given, source)
    if not _numbers(words) and all(part.classes == parts[0].classes for part in parts):
        return list(parts)
    classes, index = classes_of(names.values())
    indices = [np.array([index[names[word]] for word in part.classes], np.uint8) for part in parts]
    for number in reversed(range(len(parts))):
        mine = indices[number]
        others = {one for other in indices[:number] + indices[number + 1 :] for one in other.tolist()}
        if others and not others & set(mine.tolist()) and not set(classes) <= set(EIGHT):
            theirs = ", ".join(classes[one] for one in sorted(others))
            raise UserError(
                f"{places[number]}: its classes are {', '.join(parts[number].classes)}, "
                f"but those of the other parts are {theirs}"
            )
    notes = describe_numbers(names)
    return [
        replace(part, labels=mine[part.labels], classes=classes, notes=(*part.notes, *notes))
        for part, mine in zip(parts, indices, strict=True)
    ]


def _numbers(words: Iterable[str]) -> dict[str, int]:
    """The words that are numbers, with these."""
    return {word: number for word in words if (number := number_of(word)) is not None}


def _meanings(numbers: Sequence[int], given: Sequence[str], place: str) -> Mapping[int, str]:
    """What each number means; `check_classes` has checked `given`."""
    listed = ", ".join(map(str, numbers))
    if not given:
        matching = [
            f"  --classes {layout}: " + ", ".join(f"{number} = {names[number]}" for number in names)
            for layout, names in sorted(LAYOUTS.items(), key=lambda one: set(one[1]) != set(numbers))
            if set(numbers) <= set(names)
        ]
        head = f"{place}: its classes are the numbers {listed}, which data sets use differently; say what they mean"
        last = "  --classes NAME,NAME,...: a name for each number, in their order"
        raise UserError("\n".join([f"{head} (in a study: data.classes):", *matching, last]))
    if len(given) == 1:
        layout = LAYOUTS[given[0]]
        if unknown := [number for number in numbers if number not in layout]:
            raise UserError(
                f"{place}: has the class {unknown[0]}, which {given[0]} does not: it has "
                f"{min(layout)} to {max(layout)}; known layouts: {', '.join(LAYOUTS)}"
            )
        return layout
    if len(given) == len(numbers):
        return dict(zip(numbers, given, strict=True))
    if numbers[0] == 0 and numbers[-1] < len(given):
        return dict(enumerate(given))
    if numbers[0] > 0 and numbers[-1] == len(given):
        return dict(enumerate(given, 1))
    raise UserError(
        f"{place}: {len(given)} classes are named, {', '.join(given)}, but the numbers are {listed}; "
        "give a name for each number, in their order"
    )
