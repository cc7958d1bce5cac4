"""Validation taken from train."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import Faces, in_split_order
from mien.faces.validation_split import take_validation


@pytest.fixture
def two() -> Faces:
    """Train and test, without validation: 40 happy, 20 sad, one angry in train; images all different; with votes."""
    rng = np.random.default_rng(0)
    labels = np.array([1] * 40 + [2] * 20 + [0] + [0, 1, 2])
    splits = np.array([0] * 61 + [2] * 3)
    images = rng.integers(0, 256, (64, 8, 8)).astype(np.uint8)
    votes = rng.integers(0, 11, (64, 10)).astype(np.uint8)
    return in_split_order(images, labels, splits, ("angry", "happy", "sad"), votes=votes, name="two")


def images(faces: Faces, split: str) -> set[bytes]:
    return {image.tobytes() for image in faces.split(split).images}


def test_a_share_of_each_emotion_moves_and_nothing_else(two: Faces) -> None:
    faces = take_validation(two, 0.1)
    assert faces.counts() == {
        "train": {"angry": 1, "happy": 36, "sad": 18},
        "validation": {"angry": 0, "happy": 4, "sad": 2},
        "test": {"angry": 1, "happy": 1, "sad": 1},
    }
    assert images(faces, "train") | images(faces, "validation") == images(two, "train")
    assert images(faces, "test") == images(two, "test")
    label = {image.tobytes(): row for row, image in enumerate(two.images)}
    for row, image in enumerate(faces.images):
        before = label[image.tobytes()]
        assert faces.labels[row] == two.labels[before]
        np.testing.assert_array_equal(faces.votes[row], two.votes[before])
    assert faces.notes == ("validation: 6 of 61 train faces, 10% of each emotion, at random",)
    assert faces.fingerprint != two.fingerprint


def test_the_same_faces_give_the_same_validation(two: Faces) -> None:
    assert take_validation(two, 0.2).fingerprint == take_validation(two, 0.2).fingerprint
    assert images(take_validation(two, 0.2), "validation") != set(list(images(two, "train"))[:12])


def test_copies_stay_together(two: Faces) -> None:
    copied = two.images.copy()
    copied[:40] = np.repeat(copied[:10], 4, axis=0)
    faces = take_validation(replace(two, images=copied), 0.25)
    assert not images(faces, "train") & images(faces, "validation")
    assert faces.counts()["validation"]["happy"] == 12, "whole groups of four, until ten are there"


def test_an_emotion_whose_faces_are_all_alike_stays_in_train(two: Faces) -> None:
    copied = two.images.copy()
    copied[40:60] = copied[40]
    assert take_validation(replace(two, images=copied), 0.5).counts()["validation"] == {
        "angry": 0, "happy": 20, "sad": 0,
    }  # fmt: skip


def test_what_cannot_be_taken(two: Faces) -> None:
    with pytest.raises(UserError, match=r"validation 0\.9: give the share of train to take, .* at most 0\.5"):
        take_validation(two, 0.9)
    with pytest.raises(UserError, match="has no train faces to take validation from; it has: test"):
        take_validation(two.split("test"), 0.1)
    with pytest.raises(UserError, match="has 6 validation faces of its own; leave --validation"):
        take_validation(take_validation(two, 0.1), 0.1)
    with pytest.raises(UserError, match="too few train faces"):
        take_validation(two.first(1), 0.1)
