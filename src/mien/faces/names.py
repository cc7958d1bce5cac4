"""The words that people use for splits and emotions in columns, files and folders."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mien.faces.fer2013 import EIGHT, SPLITS

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
"""Names of columns and arrays of labels, in lower case."""

USAGE_COLUMNS = ("split", "splits", "usage")
"""Names of columns and arrays of splits, in lower case."""

USAGE_EXPECTED = "Training, PublicTest or PrivateTest expected"
"""The end of a message about a wrong split in FER2013's column `Usage`."""

MIN_SIMILARITY = 0.84
"""The least similarity (`difflib.SequenceMatcher.ratio`) of a misspelt word to the correct one; "unhappy" is below."""

_SPLIT_OF = {word: SPLITS.index(split) for split, words in SPLIT_WORDS.items() for word in words}
_EMOTION_OF = {word: emotion for emotion, words in EMOTION_WORDS.items() for word in words}


def split_of_word(word: str) -> int | None:
    """The split (index into `SPLITS`) of a word, in any case: "Training", "PublicTest", "val"; None of other words."""
    return _SPLIT_OF.get(word.strip().lower())


def split_of_file(name: str) -> int | None:
    """The split (index into `SPLITS`) in a file's name: "Q1_Train_Data.csv.bz2", "test-00000-of-00001.parquet".

    FER2013's "public test" is its validation split, so "test" counts only where the name has no other split. None where
    the name has no split, or several.
    """
    words = re.split(r"[^a-z]+", name.lower())
    splits = {_SPLIT_OF[word] for word in words if word in _SPLIT_OF}
    if len(splits) > 1:
        splits -= {SPLITS.index("test")}
    return splits.pop() if len(splits) == 1 else None


def emotion_of_word(word: str) -> str | None:
    """The emotion of a word, in any case and by common synonyms: "Anger", "joy"; None of any other word.

    A number has none: data sets number emotions differently (`mien.faces.classes.LAYOUTS`).
    """
    return _EMOTION_OF.get(word.strip().lower())


def number_of(word: str) -> int | None:
    """The whole number that a class's name is: "3", "03", "3.0"; None of any other word."""
    match = re.fullmatch(r"\s*([0-9]{1,9})(\.0*)?\s*", word)
    return int(match[1]) if match else None


def misspelt(word: str) -> str | None:
    """The known word that a word misspells: "surprise" of "suprise" and "surprsie"; None of all others."""
    word = word.strip().lower()
    if word in _EMOTION_OF:
        return None
    swapped = [known for known in _EMOTION_OF if sorted(known) == sorted(word)]
    return next(iter(swapped or get_close_matches(word, list(_EMOTION_OF), n=1, cutoff=MIN_SIMILARITY)), None)


def classes_of(names: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes of a set of names, and each name's index among them.

    Names that are all FER2013's (in any case, or as synonyms such as "anger") or contempt become its names in its
    order, contempt last. Numbers stay numbers, in their order. Any other set of names stays as it is, sorted; names
    that differ only in case, or mean the same emotion, are one class.
    """
    names = set(names)
    known = {emotion for name in names if (emotion := emotion_of_word(name)) is not None}
    numbers = {name: number for name in names if (number := number_of(name)) is not None}
    if names and len(numbers) == len(names):
        rising = sorted(set(numbers.values()))
        return tuple(map(str, rising)), {name: rising.index(number) for name, number in numbers.items()}
    if all(emotion_of_word(name) for name in names):
        name_of = {emotion: emotion for emotion in known}
        order: Sequence[str] = [emotion for emotion in EIGHT if emotion in known]
    else:
        name_of = {_meaning(name): name for name in sorted(names, reverse=True)}
        order = sorted(name_of.values())
    return tuple(order), {name: order.index(name_of[_meaning(name)]) for name in names}


def _meaning(name: str) -> str:
    """The same text for all names of a class."""
    return emotion_of_word(name) or name.strip().casefold()
