"""Leaving images out of train, and labels by the majority of FER+'s votes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import EIGHT, EMOTIONS, VOTES, Faces, in_split_order, open_faces, read_packed, write_packed
from mien.faces.clean import CLEAN, clean, describe_left_out
from mien.faces.votes import keep_agreed, label_by_majority, majority


def votes(**cast: int) -> list[int]:
    """A row of votes: `votes(fear=6, contempt=4)`."""
    return [cast.get(name, 0) for name in VOTES]


def faces_of(pictures: str, labels: Sequence[int], splits: Sequence[int], cast: Sequence[list[int]] = ()) -> Faces:
    """Faces by letter: equal letters are equal images, "-" is an image of one gray."""
    drawn = {
        letter: np.random.default_rng(ord(letter)).integers(0, 256, (48, 48), np.uint8) for letter in set(pictures)
    }
    drawn["-"] = np.full((48, 48), 7, np.uint8)
    images = np.array([drawn[letter] for letter in pictures])
    return in_split_order(images, labels, splits, votes=np.array(cast, np.uint8) if cast else None)


@pytest.fixture
def messy() -> Faces:
    """Train abacdd--ef with d and -- labelled differently, e in validation and f in test; copies within these stay."""
    return faces_of(
        "abacdd--ef" + "eeg" + "ff-", [0, 1, 0, 2, 3, 4, 5, 6, 0, 1, 0, 0, 1, 1, 1, 2], [0] * 10 + [1] * 3 + [2] * 3
    )


@pytest.mark.parametrize(
    ("what", "left", "counts"),
    [
        ([], "abacdd--ef", {}),
        (["constant"], "abacddef", {"constant": 2}),
        (["copies"], "abcd--ef", {"copies": 2}),
        (["conflicts"], "abac--ef", {"conflicts": 2}),
        (["leaks"], "abacdd--", {"leaks": 2}),
        (["copies", "conflicts"], "abc--ef", {"conflicts": 2, "copies": 1}),
        (["copies", "leaks", "conflicts", "constant"], "abc", {"constant": 2, "conflicts": 2, "leaks": 2, "copies": 1}),
    ],
)
def test_what_is_left_of_train(messy: Faces, what: list[str], left: str, counts: dict[str, int]) -> None:
    result = clean(messy, what)
    expected = faces_of(left, [0] * len(left), [0] * len(left))
    np.testing.assert_array_equal(result.split("train").images, expected.images)
    assert result.left_out == {reason: {"train": n} for reason, n in counts.items()}
    for split in ("validation", "test"):
        np.testing.assert_array_equal(result.split(split).images, messy.split(split).images)
    assert (result.fingerprint != messy.fingerprint) == bool(what)


def test_images_and_labels_stay_together(messy: Faces) -> None:
    result = clean(messy, list(CLEAN)[:1] + list(CLEAN)[2:])
    assert result.labels.tolist() == [0, 1, 2, 0, 0, 1, 1, 1, 2]
    assert result.split("train").labels.tolist() == [0, 1, 2]


def test_cleaning_twice_is_cleaning_once(messy: Faces) -> None:
    once = clean(messy, ["copies", "leaks"])
    twice = clean(once, ["copies", "leaks"])
    assert twice.fingerprint == once.fingerprint
    assert twice.left_out == once.left_out


def test_no_face_by_votes() -> None:
    cast = [votes(NF=6, fear=4), votes(NF=5, fear=5), votes(NF=10), votes(NF=10)]
    faces = faces_of("abcd", [0, 0, 0, 0], [0, 0, 0, 1], cast)
    result = clean(faces, ["no_face"])
    assert result.left_out == {"no_face": {"train": 2}}
    assert result.votes is not None
    np.testing.assert_array_equal(result.votes, np.array([cast[1], cast[3]], np.uint8))
    with pytest.raises(UserError, match="has no votes, which say what is no face"):
        clean(replace(faces, votes=None), ["no_face"])


def test_what_cannot_be_cleaned(messy: Faces) -> None:
    with pytest.raises(UserError, match=r"cannot leave out 'copys'; known: constant, .*; did you mean 'copies'"):
        clean(messy, ["copys"])
    with pytest.raises(UserError, match="no image of train stays"):
        clean(faces_of("--a", [0, 1, 2], [0, 0, 1]), ["constant"])
    assert clean(messy.split("test"), list(CLEAN)[2:]).left_out == {}


@pytest.mark.parametrize(
    ("cast", "expected"),
    [
        ({"fear": 6, "surprise": 4}, "fear"),
        ({"contempt": 10}, "contempt"),
        ({"fear": 5, "surprise": 5}, None),
        ({"fear": 5, "surprise": 4, "neutral": 1}, "fear"),  # the single vote is an outlier: 5 of 9
        ({"fear": 4, "surprise": 3, "sadness": 3}, None),
        ({"unknown": 6, "fear": 4}, "unknown"),
        ({"NF": 10}, "NF"),
        ({"fear": 1, "surprise": 1}, None),
        ({}, None),
    ],
)
def test_majority_as_ferplus_counts_it(cast: dict[str, int], expected: str | None) -> None:
    result = majority(np.array([votes(**cast)], np.uint8))
    assert result.tolist() == [-1 if expected is None else VOTES.index(expected)]


def test_labels_by_majority_in_every_split() -> None:
    cast = [
        votes(happiness=9, neutral=1), votes(contempt=7, anger=3), votes(NF=10), votes(unknown=8, fear=2),
        votes(fear=5, anger=5), votes(neutral=10),
    ]  # fmt: skip
    faces = faces_of("abcdef", [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 2], cast)
    result = label_by_majority(faces)
    assert result.classes == EIGHT
    assert [EIGHT[label] for label in result.labels] == ["happy", "contempt", "neutral"]
    assert result.splits.tolist() == [0, 0, 2]
    np.testing.assert_array_equal(result.images, faces.images[[0, 1, 5]])
    assert result.left_out == {"no_face": {"train": 1}, "unknown": {"validation": 1}, "no_majority": {"validation": 1}}
    assert label_by_majority(result).fingerprint == result.fingerprint
    with pytest.raises(UserError, match="has no votes to label its faces by"):
        label_by_majority(replace(faces, votes=None))


def test_faces_that_ferplus_labels_alike_stay_in_every_split() -> None:
    cast = [
        votes(anger=9, neutral=1), votes(disgust=3, anger=7), votes(NF=10), votes(happiness=8, fear=2),
        votes(fear=5, anger=5), votes(neutral=10),
    ]  # fmt: skip
    faces = faces_of("abcdef", [0, 1, 2, 3, 0, 6], [0, 0, 0, 1, 1, 2], cast)
    result = keep_agreed(faces)
    assert result.classes == faces.classes
    assert (result.labels.tolist(), result.splits.tolist()) == ([0, 3, 6], [0, 1, 2])
    np.testing.assert_array_equal(result.images, faces.images[[0, 3, 5]])
    assert result.left_out == {"disagreed": {"train": 2, "validation": 1}}
    with pytest.raises(UserError, match="has no votes to label its faces by"):
        keep_agreed(replace(faces, votes=None))
    with pytest.raises(UserError, match="FER\\+ has no votes on bored; take their own labels"):
        keep_agreed(replace(faces, classes=(*EMOTIONS[:6], "bored")))


def test_what_was_left_out_is_packed_with_the_faces_and_described(messy: Faces, tmp_path: Path) -> None:
    write_packed(clean(messy, ["copies", "leaks"]), tmp_path / "faces")
    result = read_packed(tmp_path / "faces")
    assert result.left_out == {"leaks": {"train": 2}, "copies": {"train": 2}}
    assert describe_left_out(result.left_out) == [
        "2 images that are also in validation or test (train 2)",
        "2 copies of an image that stays (train 2)",
    ]


def test_the_spec_cleans_into_the_cache(tmp_path: Path, cache: Path) -> None:
    labels = [*range(7), 0, 6, 0]
    write_packed(faces_of("abcdefg-ga", labels, [0] * 9 + [1]), tmp_path / "faces")
    source = str(tmp_path / "faces")
    assert [len(open_faces(source, clean=what)) for what in ([], ["constant"], ["constant", "copies"])] == [10, 9, 8]
    assert open_faces(source, clean=["copies", "constant"]).left_out == {
        "constant": {"train": 1},
        "copies": {"train": 1},
    }
    assert len(list(cache.iterdir())) == 2
    with pytest.raises(UserError, match=r"faces: no image of angry in train, so no net can learn it"):
        open_faces(source, clean=["leaks", "constant"])


@pytest.mark.real
def test_the_real_votes_by_majority(fer2013: Path) -> None:
    faces = label_by_majority(open_faces(str(fer2013)))
    counts = {split: list(numbers.values()) for split, numbers in faces.counts().items()}
    assert counts == {
        "train": [2100, 119, 532, 7287, 3014, 3149, 8740, 119],
        "validation": [287, 24, 62, 865, 351, 415, 1182, 13],
        "test": [273, 18, 83, 893, 384, 396, 1090, 16],
    }
    assert faces.left_out["no_face"] == {"train": 150, "validation": 10, "test": 16}


@pytest.mark.real
def test_the_real_faces_that_ferplus_labels_alike(fer2013: Path) -> None:
    faces = open_faces(str(fer2013), labels="agreed")
    assert {split: sum(numbers.values()) for split, numbers in faces.counts().items()}["validation"] == 2_136
    assert list(faces.counts()["validation"].values()) == [216, 17, 50, 801, 217, 327, 508]


@pytest.mark.real
def test_the_real_train_cleaned(fer2013: Path) -> None:
    faces = open_faces(str(fer2013))
    alone = [clean(faces, [what]).left_out[what]["train"] for what in ("constant", "leaks", "copies")]
    assert alone == [11, 692, 2260 - 1034]
    everything = clean(faces, list(CLEAN))
    assert {what: counts["train"] for what, counts in everything.left_out.items()} == {
        "constant": 11, "no_face": 139, "conflicts": 96, "leaks": 669, "copies": 1021,
    }  # fmt: skip
    assert len(everything.split("train")) == 26_773
