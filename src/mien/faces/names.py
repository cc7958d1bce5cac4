"""The words by which people name splits and emotions in columns, files and folders."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mien.faces.types import EIGHT, SPLITS

SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "public", "publictest"),
    "test": ("test", "testing", "private", "privatetest"),
}

EMOTION_WORDS = {
    "angry": ("angry", "anger"),
    "disgust": ("disgust", "disgusted"),
    "fear": ("fear", "fearful", "afraid", "scared"),
    "happy": ("happy", "happiness", "joy"),
    "sad": ("sad", "sadness"),
    "surprise": ("surprise", "surprised"),
    "neutral": ("neutral", "neutrality"),
    "contempt": ("contempt", "contemptuous"),
}

LABEL_COLUMNS = ("labels", "label", "emotion", "emotions", "y", "target")
"""What columns and arrays of labels are called, in small letters."""

USAGE_COLUMNS = ("split", "splits", "usage")
"""The same of splits."""

NEAR = 0.84
"""From which likeness on (`difflib.SequenceMatcher.ratio`) a word is another one misspelt; "unhappy" is none."""

_SPLIT_OF = {word: SPLITS.index(split) for split, words in SPLIT_WORDS.items() for word in words}
_EMOTION_OF = {word: emotion for emotion, words in EMOTION_WORDS.items() for word in words}


def split_of_word(word: str) -> int | None:
    """The split (index into `SPLITS`) that a whole word names, in any case: "Training", "PublicTest", "val"."""
    return _SPLIT_OF.get(word.strip().lower())


def split_of_file(name: str) -> int | None:
    """The split that one of the words in a file's name tells: "Q1_Train_Data.csv.bz2", "test-00000-of-00001.parquet".

    FER2013's "public test" is its validation split, so "test" counts only where no other split is named.
    """
    words = re.split(r"[^a-z]+", name.lower())
    found = {_SPLIT_OF[word] for word in words if word in _SPLIT_OF}
    if len(found) > 1:
        found -= {SPLITS.index("test")}
    return found.pop() if len(found) == 1 else None


def emotion_of_word(word: str) -> str | None:
    """The emotion that a word names, in any case and by common synonyms: "Anger", "joy"; None of any other word.

    A number names none: data sets number emotions differently (`mien.faces.classes.LAYOUTS`).
    """
    return _EMOTION_OF.get(word.strip().lower())


def number_of(word: str) -> int | None:
    """The whole number that a class's name is, which names no emotion: "3", "03", "3.0"; None of any other word."""
    found = re.fullmatch(r"\s*([0-9]{1,9})(\.0*)?\s*", word)
    return int(found[1]) if found else None


def misspelt(word: str) -> str | None:
    """The known word that an unknown one is nearly: "surprise" of "suprise" and of "surprsie"; None of any other."""
    word = word.strip().lower()
    if word in _EMOTION_OF:
        return None
    swapped = [known for known in _EMOTION_OF if sorted(known) == sorted(word)]
    return next(iter(swapped or get_close_matches(word, list(_EMOTION_OF), n=1, cutoff=NEAR)), None)


def classes_of(names: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes that a set of names stands for, and each name's index among them.

    Names that are all FER2013's (in any case, or as synonyms such as "anger") or contempt become its names in its
    order, contempt last. Numbers stay numbers, in their order. Any other set of names is taken as it is, sorted; names
    that differ in their case alone, or mean the same emotion, are one class.
    """
    names = set(names)
    known = {emotion for name in names if (emotion := emotion_of_word(name)) is not None}
    numbers = {name: number for name in names if (number := number_of(name)) is not None}
    if names and len(numbers) == len(names):
        rising = sorted(set(numbers.values()))
        return tuple(map(str, rising)), {name: rising.index(number) for name, number in numbers.items()}
    if all(emotion_of_word(name) for name in names):
        shown = {emotion: emotion for emotion in known}
        order: Sequence[str] = [emotion for emotion in EIGHT if emotion in known]
    else:
        shown = {_meaning(name): name for name in sorted(names, reverse=True)}
        order = sorted(shown.values())
    return tuple(order), {name: order.index(shown[_meaning(name)]) for name in names}


def _meaning(name: str) -> str:
    """What names of the same class share."""
    return emotion_of_word(name) or name.strip().casefold()
