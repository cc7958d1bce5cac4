"""FER+ votes and how they are joined."""

from pathlib import Path

import numpy as np
import pytest

from mien.errors import UserError
from mien.faces import VOTES, Faces
from mien.faces.votes import join_votes, read_votes

HEADER = "Usage,Image name," + ",".join(VOTES)
USAGES = ("Training", "PublicTest", "PrivateTest")


def write(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    path = folder / "fer2013new.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def rows_of(faces: Faces) -> list[str]:
    assert faces.votes is not None
    return [
        f"{USAGES[split]},fer{row:07}.png," + ",".join(map(str, votes))
        for row, (split, votes) in enumerate(zip(faces.splits, faces.votes, strict=True))
    ]


def test_votes_are_joined_by_row(tmp_path: Path, small: Faces) -> None:
    bare = Faces(small.images, small.labels, small.splits)
    joined = join_votes(bare, write(tmp_path, rows_of(small)))
    np.testing.assert_array_equal(joined.votes, small.votes)
    assert joined.fingerprint == small.fingerprint != bare.fingerprint


def test_a_single_split_takes_its_own_votes(tmp_path: Path, small: Faces) -> None:
    joined = join_votes(small.split("test"), write(tmp_path, rows_of(small)))
    np.testing.assert_array_equal(joined.votes, small.votes[small.splits == 2])


def test_rows_in_any_order_of_splits(tmp_path: Path, small: Faces) -> None:
    rows = rows_of(small)
    joined = join_votes(small, write(tmp_path, rows[21:] + rows[:21]))
    np.testing.assert_array_equal(joined.votes, small.votes)


def test_another_number_of_rows(tmp_path: Path, small: Faces) -> None:
    with pytest.raises(UserError, match="holds votes on 13 train faces, but small has 14"):
        join_votes(small, write(tmp_path, rows_of(small)[1:]))


def test_wrong_header(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 1: wrong header; FER\+'s is Usage,Image name,neutral"):
        read_votes(write(tmp_path, [], "emotion,pixels"))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Holdout,a.png,1,2,3,4,0,0,0,0,0,0", "Usage 'Holdout'"),
        ("Training,a.png,1,2,3", "3 numbers of votes, 10 expected"),
        ("Training,a.png,11,2,3,4,0,0,0,0,0,0", "'11' votes, 0..10 expected"),
        ("Training,a.png,-1,2,3,4,0,0,0,0,0,0", "'-1' votes, 0..10 expected"),
        ("Training", "0 numbers of votes"),
    ],
)
def test_a_wrong_row(tmp_path: Path, small: Faces, row: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        read_votes(write(tmp_path, [rows_of(small)[0], row]))
    assert "1 problem:\n  line 3: " in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.real
def test_the_real_votes(fer2013: Path) -> None:
    votes, splits = read_votes(fer2013 / "fer2013new.csv")
    assert np.bincount(splits).tolist() == [28709, 3589, 3589]
    assert np.count_nonzero(votes[:, VOTES.index("NF")] == 10) == 176
    assert votes[0].tolist() == [4, 0, 0, 1, 3, 2, 0, 0, 0, 0]
