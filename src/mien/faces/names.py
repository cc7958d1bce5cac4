"""The words by which people name splits and emotions in columns, files and folders."""

import re
from collections.abc import Iterable, Sequence

from mien.faces.types import EIGHT, EMOTIONS, SPLITS

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

_SPLIT_OF = {word: SPLITS.index(split) for split, words in SPLIT_WORDS.items() for word in words}
_EMOTION_OF = {word: emotion for emotion, words in EMOTION_WORDS.items() for word in words}
_EMOTION_OF |= {str(number): emotion for number, emotion in enumerate(EMOTIONS)}


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
    """The emotion that a word names, in any case and by common synonyms: "Anger", "joy"; None of any other word."""
    return _EMOTION_OF.get(word.strip().lower())


def classes_of(names: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes that a set of emotion names stands for, and each name's index among them.

    Names that are all FER2013's (in any case, as synonyms such as "anger", or as numbers 0..6) or contempt become its
    names in its order, contempt last; any other set of names is taken as it is, sorted.
    """
    names = set(names)
    meant = {name: emotion_of_word(name) for name in names}
    known = {emotion for emotion in meant.values() if emotion is not None}
    if None in meant.values():
        classes: Sequence[str] = sorted(names)
        return tuple(classes), {name: classes.index(name) for name in names}
    classes = [emotion for emotion in EIGHT if emotion in known]
    return tuple(classes), {name: classes.index(emotion) for name, emotion in meant.items() if emotion is not None}
