"""What an audit counts, and the examples that it picks."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.faces import VOTES, Faces, in_split_order, open_faces
from mien.faces.audit import Conflicts, Duplicates, LabelAgreement, audit, examples
from mien.faces.drawn import draw_faces
from mien.faces.duplicates import difference_hash, leaked, nearest

TRAIN, VALIDATION, TEST = 0, 1, 2


@pytest.fixture(scope="module")
def pool() -> NDArray[np.uint8]:
    """Twenty different pictures, uint8 [20, 48, 48]."""
    return draw_faces(20, seed=4).images


@pytest.fixture
def faulty(pool: NDArray[np.uint8]) -> Faces:
    """Faces with one of every fault."""
    black, white = np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)
    nearly = pool[3].copy()
    nearly[0, 0] ^= 1
    rows = [
        (pool[0], 0, TRAIN), (pool[0], 0, TRAIN), (pool[0], 3, TRAIN),  # three copies, labels differ
        (pool[1], 1, TRAIN), (pool[1], 1, TRAIN),  # two copies of one mind
        (black, 2, TRAIN), (black, 3, TRAIN), (white, 4, TRAIN), (pool[2], 4, TRAIN), (pool[3], 5, TRAIN),
        (pool[0], 0, VALIDATION), (black, 0, VALIDATION), (pool[4], 6, VALIDATION), (pool[5], 6, VALIDATION),
        (pool[1], 1, TEST), (pool[2], 0, TEST), (pool[4], 6, TEST), (nearly, 5, TEST), (black, 2, TEST),
        (pool[6], 3, TEST),
    ]  # fmt: skip
    images, labels, splits = zip(*rows, strict=True)
    return in_split_order(np.stack(images), labels, splits)


def test_every_fault_is_counted(faulty: Faces) -> None:
    result = audit(faulty)
    assert result.images == 20
    assert result.constant == {"train": 3, "validation": 1, "test": 1, "total": 5}
    assert result.duplicates == {
        "train": Duplicates(groups=2, images=5, conflicting_groups=1),
        "validation": Duplicates(groups=0, images=0, conflicting_groups=0),
        "test": Duplicates(groups=0, images=0, conflicting_groups=0),
    }
    assert result.leaks == {"validation_in_train": 1, "test_in_train": 2, "test_in_validation": 1}
    assert result.conflicts == Conflicts(groups=2, images=6)  # pool[0] four times, pool[2] in train and test
    assert result.near_duplicates == {"validation_in_train": 1, "test_in_train": 3, "test_in_validation": 1}
    assert result.votes is None


def test_leaked_marks_test_rows(faulty: Faces) -> None:
    assert leaked(faulty).tolist() == [True, True, False, False, False, False]


def test_leaked_without_test_or_train(faulty: Faces) -> None:
    assert leaked(faulty.split("train")).shape == (0,)
    assert leaked(faulty.split("test")).tolist() == [False] * 6


def test_audit_of_nothing() -> None:
    result = audit(draw_faces(0))
    assert result.images == result.constant["total"] == result.conflicts.groups == result.leaks["test_in_train"] == 0


def test_examples_show_what_is_wrong(faulty: Faces) -> None:
    rows = {example.problem: [] for example in examples(faulty)}
    for example in examples(faulty):
        rows[example.problem].append(example.rows.tolist())
    assert rows == {
        "same picture, different labels": [[0, 1, 2, 10], [8, 15]],
        "test image that is also in train": [[3, 14], [8, 15]],
        "test image much like one in train": [[9, 17]],
    }


def test_examples_of_faces_without_a_test_split(faulty: Faces) -> None:
    assert [(example.problem, example.rows.tolist()) for example in examples(faulty.split("train"))] == [
        ("same picture, different labels", [0, 1, 2])
    ]


def test_hash_is_that_of_the_images_reduced_one_by_one(pool: NDArray[np.uint8]) -> None:
    expected = []
    for image in pool:
        small = np.asarray(Image.fromarray(image).resize((9, 8), Image.Resampling.LANCZOS))
        bits = (small[:, 1:] > small[:, :-1]).ravel()
        expected.append(int("".join("01"[bit] for bit in bits.astype(int)), 2))
    assert difference_hash(pool).tolist() == expected


def test_nearest_counts_bits() -> None:
    hashes = np.array([0b1011, 0, 2**64 - 1], np.uint64)
    bits, places = nearest(hashes, np.array([2**64 - 1, 0b0001], np.uint64), block=2)
    assert bits.tolist() == [2, 1, 0]
    assert places.tolist() == [1, 1, 0]


def test_a_distance_finds_pictures_that_are_only_similar(pool: NDArray[np.uint8]) -> None:
    lighter = np.clip(pool.astype(np.int16) + np.random.default_rng(0).integers(-4, 5, pool.shape), 0, 255)
    faces = in_split_order(np.concatenate([pool, lighter.astype(np.uint8)]), [0] * 40, [TRAIN] * 20 + [TEST] * 20)
    near = [audit(faces, distance).near_duplicates["test_in_train"] for distance in (0, 4, 64)]
    assert near[0] < near[1] <= near[2] == 20


def votes_of(**numbers: int) -> list[int]:
    return [numbers.get(name, 0) for name in VOTES]


def test_votes_are_clear_only_when_one_emotion_leads_alone(pool: NDArray[np.uint8]) -> None:
    votes = [
        votes_of(anger=10),
        votes_of(happiness=6, anger=4),
        votes_of(anger=5, sadness=5),  # a tie
        votes_of(anger=4, unknown=6),
        votes_of(anger=4, contempt=6),  # contempt is no class
        votes_of(NF=10),
        votes_of(sadness=9),
    ]
    labels = [0, 0, 0, 0, 0, 0, 4]
    faces = in_split_order(pool[:7], labels, [0] * 7, votes=np.array(votes, np.uint8))
    agreement = audit(faces).votes
    assert agreement is not None
    assert (agreement.clear, agreement.agree, agreement.agreement) == (4, 3, 0.75)
    assert agreement.by_emotion["angry"] == LabelAgreement(clear=3, agree=2, agreement=0.6667)
    assert agreement.by_emotion["fear"] == LabelAgreement(clear=0, agree=0, agreement=0.0)
    assert (agreement.not_a_face, agreement.incomplete) == (1, 1)


@pytest.mark.real
@pytest.mark.usefixtures("cache")
def test_figures_of_fer2013(fer2013: Path) -> None:
    faces = open_faces(str(fer2013))
    result = audit(faces)
    assert result.constant == {"train": 11, "validation": 1, "test": 0, "total": 12}
    assert result.duplicates["train"] == Duplicates(groups=1034, images=2260, conflicting_groups=38)
    assert (result.duplicates["validation"].groups, result.duplicates["test"].groups) == (26, 16)
    assert result.leaks == {"validation_in_train": 279, "test_in_train": 288, "test_in_validation": 44}
    assert result.conflicts == Conflicts(groups=56, images=148)
    assert result.near_duplicates["test_in_train"] == 308
    assert result.votes is not None
    assert round(100 * result.votes.agreement, 1) == 65.6
    assert (result.votes.not_a_face, result.votes.incomplete) == (176, 1)
    assert leaked(faces).sum() == 288
    assert leaked(faces).shape == (3589,)
    assert {split: list(row.values()) for split, row in faces.counts().items()} == {
        "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "validation": [467, 56, 496, 895, 653, 415, 607],
        "test": [491, 55, 528, 879, 594, 416, 626],
    }
