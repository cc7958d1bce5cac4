"""The words for splits and emotions."""

import pytest

from mien.faces.names import classes_of, split_of_file, split_of_word


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Q1_Train_Data.csv.bz2", 0),
        ("Q1_Validation_Data.csv", 1),
        ("Q1_Test_Data.csv", 2),
        ("train-00000-of-00002.parquet", 0),
        ("PublicTest.csv", 1),
        ("public_test.csv", 1),
        ("private test.csv", 2),
        ("val.csv", 1),
        ("x.dev.csv", 1),
        ("fer2013.csv", None),
        ("train_and_validation.csv", None),
        ("restraining.csv", None),
    ],
)
def test_splits_in_file_names(name: str, split: int | None) -> None:
    assert split_of_file(name) == split


def test_a_split_as_a_whole_word() -> None:
    assert [split_of_word(word) for word in ("Training", " PublicTest ", "PRIVATETEST", "trains")] == [0, 1, 2, None]


def test_synonyms_and_numbers_become_the_seven() -> None:
    classes, index = classes_of(["Happiness", "anger", "6"])
    assert classes == ("angry", "happy", "neutral")
    assert index == {"anger": 0, "Happiness": 1, "6": 2}


def test_other_names_are_classes_of_their_own() -> None:
    assert classes_of(["smile", "anger"]) == (("anger", "smile"), {"anger": 0, "smile": 1})
    assert classes_of([str(number) for number in range(1, 8)])[0] == ("1", "2", "3", "4", "5", "6", "7")
