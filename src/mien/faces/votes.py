"""FER+ votes: what ten annotators called each FER2013 face.

E. Barsoum, C. Zhang, C. Canton Ferrer, Z. Zhang (2016). Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution. arXiv 1608.01041; code and votes: github.com/microsoft/FERPlus.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, counted
from mien.faces.fer2013 import EIGHT, SPLITS, VOTE_OF, VOTES
from mien.faces.mistakes import Mistakes, quoted
from mien.faces.names import USAGE_EXPECTED, split_of_word
from mien.faces.text_files import read_text

if TYPE_CHECKING:
    from mien.faces.types import Faces

_HEADER = ("Usage", "Image name", *VOTES)


def read_votes(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read FER+'s `fer2013new.csv`: columns `Usage`, `Image name` and one for each class of `VOTES`.

    Returns:
        votes uint8 [N, 10] and splits uint8 [N], in the file's order.

    Raises:
        UserError: the file cannot be read or holds mistakes; all are counted, the first ten listed.
    """
    text = bytes(read_text(path)).decode("utf-8-sig", errors="replace")
    header, *lines = text.split("\n")
    if [name.strip().lower() for name in header.split(",")] != [name.lower() for name in _HEADER]:
        raise UserError(f"{path}, line 1: wrong header; FER+'s is {','.join(_HEADER)}")
    mistakes = Mistakes(path, "fetch the file fer2013new.csv of FER+ again")
    votes, splits = [], []
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        usage, *rest = line.split(",")
        numbers = rest[1:]
        split = split_of_word(usage)
        if split is None:
            mistakes.add(f"line {number}", f"Usage {quoted(usage)}, {USAGE_EXPECTED}")
        if len(numbers) != len(VOTES):
            mistakes.add(f"line {number}", f"{counted(len(numbers), 'number')} of votes, {len(VOTES)} expected")
        elif wrong := [word for word in numbers if not (word.isascii() and word.isdigit() and int(word) <= 10)]:
            mistakes.add(f"line {number}", f"{quoted(wrong[0])} votes, 0..10 expected")
        else:
            votes.append([int(word) for word in numbers])
            splits.append(split)
    mistakes.raise_if_any()
    return np.array(votes, np.uint8).reshape(-1, len(VOTES)), np.array(splits, np.uint8)


def join_votes(faces: Faces, path: Path) -> Faces:
    """Give faces their FER+ votes: a split's nth face gets the votes in the file's nth row of that split.

    Raises:
        UserError: the file cannot be read, or has another number of rows for one of the faces' splits.
    """
    votes, splits = read_votes(path)
    picked = []
    for number, split in enumerate(SPLITS):
        rows = faces.rows(split)
        count, of_split = rows.stop - rows.start, votes[splits == number]
        if count and count != len(of_split):
            there = counted(len(of_split), f"{split} face")
            raise UserError(
                f"{path}: holds votes on {there}, but {faces.name} has {count:,} of them; "
                "votes are joined by row, so both must be the whole FER2013 in its own order"
            )
        picked.append(of_split if count else of_split[:0])
    return replace(faces, votes=np.concatenate(picked))


def majority(votes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The class that most annotators voted for, as FER+'s authors count: a single vote for a class does not count.

    Args:
        votes: uint8 [N, 10], columns as `VOTES`.

    Returns:
        int8 [N]: the index in `VOTES` of the class with more than half of the votes that count; -1 where none has.
    """
    counted = np.where(votes > 1, votes, 0).astype(np.int64)
    top = counted.argmax(axis=1)
    clear = 2 * counted[np.arange(len(counted)), top] > counted.sum(axis=1)
    return np.where(clear, top, -1).astype(np.int8)


def label_by_majority(faces: Faces) -> Faces:
    """Label faces by the majority of FER+'s votes, in eight classes: its authors' protocol for validation and test.

    Faces without a majority, and those that most annotators call unknown or no face, are left out of every split.

    Raises:
        UserError: the faces have no votes.
    """
    voted = majority(_votes(faces))
    label = np.zeros(len(VOTES), np.uint8)
    for number, name in enumerate(EIGHT):
        label[VOTES.index(VOTE_OF[name])] = number
    labelled = replace(faces, labels=label[voted], classes=EIGHT)
    reasons = {"no_majority": -1, "unknown": VOTES.index("unknown"), "no_face": VOTES.index("NF")}
    for reason, vote in reasons.items():
        labelled, voted = labelled.without(voted == vote, reason), voted[voted != vote]
    return labelled


def keep_agreed(faces: Faces) -> Faces:
    """Leave out the faces, of every split, whose own label differs from the majority of FER+'s votes.

    Two groups of people gave the same label to a face that stays, so it is seldom wrong.

    Raises:
        UserError: the faces have no votes, or classes that FER+ does not have.
    """
    voted = majority(_votes(faces))
    if unknown := [name for name in faces.classes if name not in VOTE_OF]:
        raise UserError(f"{faces.name}: FER+ has no votes on {', '.join(unknown)}; take their own labels")
    own = np.array([VOTES.index(VOTE_OF[name]) for name in faces.classes])[faces.labels]
    return faces.without(voted != own, "disagreed")


def _votes(faces: Faces) -> NDArray[np.uint8]:
    if faces.votes is None:
        raise UserError(f"{faces.name}: has no votes to label its faces by; name FER+'s file, fer2013new.csv, as votes")
    return faces.votes
