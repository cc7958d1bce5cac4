"""The type `Faces`."""

import json
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import mien.faces
from mien.errors import UserError
from mien.faces import EMOTIONS, SPLITS, Faces, in_split_order
from mien.faces.audit import audit


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


def test_faces_are_selected_by_split_and_emotion(small: Faces) -> None:
    assert small["validation"].fingerprint == small.split("validation").fingerprint
    assert np.shares_memory(small["train"].images, small.images)
    happy = small["happy"]
    assert happy.counts() == {
        split: {name: count * (name == "happy") for name in EMOTIONS}
        for split, count in (("train", 2), ("validation", 1), ("test", 1))
    }
    np.testing.assert_array_equal(small["train", "happy"].images, small.images[[3, 10]])
    np.testing.assert_array_equal(small["happy", "train"].votes, small.votes[[3, 10]])


@pytest.mark.parametrize("rows", [[2, 5, 20], [20, 2, 5], [-8, 2, 5], np.isin(np.arange(28), [2, 5, 20])])
def test_rows_that_are_selected_are_sorted_by_split(small: Faces, rows: object) -> None:
    chosen = small[rows]  # type: ignore[call-overload]
    np.testing.assert_array_equal(chosen.images, small.images[[2, 5, 20]])
    assert chosen.splits.tolist() == [0, 0, 1]


def test_a_fingerprint_that_is_known_does_not_outlast_a_change(small: Faces) -> None:
    known = small.with_fingerprint("f" * 64)
    assert known.fingerprint == "f" * 64
    assert pickle.loads(pickle.dumps(known)).fingerprint == "f" * 64
    changed = replace(known, labels=np.roll(known.labels, 1))
    assert changed.fingerprint not in (small.fingerprint, "f" * 64)
    assert known[:].fingerprint == small.fingerprint


def test_a_slice_may_have_steps(small: Faces) -> None:
    np.testing.assert_array_equal(small[:9].images, small.images[:9])
    np.testing.assert_array_equal(small[::7].labels, [0, 0, 0, 0])
    backwards = small[::-1]
    assert backwards.splits.tolist() == small.splits.tolist()
    np.testing.assert_array_equal(backwards["train"].images, small["train"].images[::-1])
    assert len(small[5:5]) == len(small[[]]) == 0


def test_a_number_gives_an_image_and_its_label(small: Faces) -> None:
    image, label = small[10]
    np.testing.assert_array_equal(image, small.images[10])
    assert (label, type(label)) == (3, int)
    assert small[np.int64(-1)][1] == 6
    assert [label for _, label in small] == small.labels.tolist()
    for beyond in (28, -29):
        with pytest.raises(IndexError, match=rf"there is no face {beyond}: small has 28"):
            _ = small[beyond]
    with pytest.raises(IndexError):
        _ = small[[1, 28]]


def test_torch_takes_them_as_a_data_set(small: Faces) -> None:
    data = pytest.importorskip("torch.utils.data")
    images, labels = small.images.copy(), small.labels
    images.flags.writeable = False  # as a memory map
    batches = list(data.DataLoader(replace(small, images=images)["train"], batch_size=10))
    assert [tuple(batch.shape) for batch, _ in batches] == [(10, 48, 48), (4, 48, 48)]
    assert [int(label) for _, part in batches for label in part] == labels[:14].tolist()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("hapy", "small: no split and no emotion 'hapy'; known: train, .*, neutral; did you mean 'happy'"),
        (("train", "hapy"), "no emotion 'hapy'"),
        (("train", "test"), r'give a split, an emotion, or both, as faces\["train", "angry"\]'),
        (("happy", "sad"), "give a split, an emotion, or both"),
        ((), "give a split, an emotion, or both"),
        (1.5, r"float64 \[\] selects no faces; give a number, a slice, numbers \[n\], bools \[28\], or names: train,"),
        ([True, False], r"bool \[2\] selects no faces"),
        ([[1, 2]], r"int64 \[1, 2\] selects no faces"),
    ],
)
def test_what_selects_nothing_is_explained(small: Faces, key: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _ = small[key]  # type: ignore[call-overload]


def test_they_are_described_in_one_line(small: Faces) -> None:
    assert repr(small) == "Faces 'small': 28 faces of 48x48 pixels, 7 classes; train 14, validation 7, test 7"
    assert repr(small.first(0)) == "Faces 'small': 0 faces of 48x48 pixels, 7 classes"


def test_counts_are_a_plain_dictionary(small: Faces) -> None:
    counts = small.counts()
    assert counts == {"train": dict.fromkeys(EMOTIONS, 2)} | {split: dict.fromkeys(EMOTIONS, 1) for split in SPLITS[1:]}
    assert json.loads(json.dumps(counts)) == counts


def test_some_are_drawn(small: Faces) -> None:
    picture = small.show(3)
    assert picture.size == small.show(3, split="train").size
    assert picture.tobytes() == small.show(3, split="train").tobytes() != small.show(3, seed=1).tobytes()
    assert picture.tobytes() != small.show(3, standardise=True).tobytes()
    assert small["test"].show(1).tobytes() == small.show(1, split="test").tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "trian"}, "no split 'trian'; known: train, validation, test; did you mean 'train'"),
        ({"split": "test"}, "small: no faces in test, only in train"),
        ({"n": 0}, "n=0: give the number of faces"),
    ],
)
def test_what_cannot_be_drawn_is_explained(small: Faces, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        small["train"].show(**options)
    with pytest.raises(UserError, match="small: no faces at all"):
        small.first(0).show()


def test_they_are_audited(small: Faces) -> None:
    assert small.audit(3) == audit(small, 3)


def test_keys_and_distances_that_mean_nothing_are_refused_in_words() -> None:
    faces = mien.open_faces("drawn:200")
    with pytest.raises(UserError, match=r"^drawn: bool \[\] selects no faces"):
        faces[True]
    with pytest.raises(UserError, match=r"^drawn: no split and no emotion 3; known: train"):
        faces["train", 3]
    with pytest.raises(UserError, match=r"^no split 1; known: train"):
        faces.show(split=1)
    for distance in (-1, 65):
        with pytest.raises(UserError, match=rf"^distance={distance}: give a number of bits, from 0 to 64"):
            faces.audit(distance)
