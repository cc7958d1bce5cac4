"""The type `Faces`."""

from dataclasses import replace

import numpy as np
import pytest

import mien.faces
from mien.faces import EMOTIONS, SPLITS, Faces, in_split_order


def test_a_split_is_a_slice_of_the_same_memory(small: Faces) -> None:
    assert [small.rows(split) for split in SPLITS] == [slice(0, 14), slice(14, 21), slice(21, 28)]
    part = small.split("validation")
    assert np.shares_memory(part.images, small.images)
    assert (len(part), part.size, part.counts()) == (7, 48, {"validation": dict.fromkeys(EMOTIONS, 1)})
    assert len(small.first(3)) == 3


def test_rows_in_any_order_are_sorted_by_split_and_stay_together(small: Faces) -> None:
    order = np.random.default_rng(1).permutation(28)
    faces = in_split_order(
        small.images[order], small.labels[order], small.splits[order], votes=small.votes[order], name="mixed"
    )
    assert faces.splits.tolist() == small.splits.tolist()
    place = {image.tobytes(): row for row, image in enumerate(small.images)}
    rows = [place[image.tobytes()] for image in faces.images]
    np.testing.assert_array_equal(faces.labels, small.labels[rows])
    np.testing.assert_array_equal(faces.votes, small.votes[rows])


def test_rows_that_are_not_in_the_order_of_their_splits_are_refused(small: Faces) -> None:
    with pytest.raises(AssertionError, match="order of their splits"):
        replace(small, splits=small.splits[::-1])


def test_faces_that_are_left_out_are_counted_by_reason_and_split(small: Faces) -> None:
    once = small.without(np.arange(28) % 7 == 0, "copies")
    assert once.left_out == {"copies": {"train": 2, "validation": 1, "test": 1}}
    twice = once.without(np.arange(len(once)) == 0, "copies").without(np.arange(len(once) - 1) == 0, "leaks")
    assert twice.left_out == {"copies": {"train": 3, "validation": 1, "test": 1}, "leaks": {"train": 1}}
    assert small.without(np.zeros(28, bool), "copies") is small


@pytest.mark.parametrize("name", ["images", "labels", "splits", "classes", "votes"])
def test_the_fingerprint_depends_on_everything_but_names(small: Faces, name: str) -> None:
    changed = {
        "images": small.images ^ 1,
        "labels": small.labels[::-1].copy(),
        "splits": np.maximum(small.splits, 1),
        "classes": tuple("abcdefg"),
        "votes": None,
    }
    assert replace(small, **{name: changed[name]}).fingerprint != small.fingerprint
    assert replace(small, name="other", notes=("a",)).fingerprint == small.fingerprint


def test_the_package_gives_its_names_when_they_are_used() -> None:
    assert all(hasattr(mien.faces, name) for name in mien.faces.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = mien.faces.nothing
