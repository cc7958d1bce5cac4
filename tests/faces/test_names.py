"""The words for splits and emotions."""

import pytest

from mien.faces.names import classes_of, emotion_of_word, misspelt, number_of, split_of_file, split_of_word


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


def test_synonyms_in_any_case_become_the_houses_names_in_its_order() -> None:
    classes, index = classes_of(["Happiness", "anger", "CONTEMPT", "neutral"])
    assert classes == ("angry", "happy", "neutral", "contempt")
    assert index == {"anger": 0, "Happiness": 1, "neutral": 2, "CONTEMPT": 3}


def test_a_number_names_no_emotion() -> None:
    assert emotion_of_word("3") is None
    assert [number_of(word) for word in ("3", "03", " 3.0", "3.", "-3", "3.5", "\u0663", "c3", "")] == [3] * 4 + [
        None
    ] * 5
    assert classes_of(["3.0", "3", "1.0"])[1] == {"1.0": 0, "3": 1, "3.0": 1}
    assert classes_of(["10", "07", "8"]) == (("7", "8", "10"), {"07": 0, "8": 1, "10": 2})
    assert classes_of([str(number) for number in range(1, 8)])[0] == ("1", "2", "3", "4", "5", "6", "7")


def test_other_names_are_classes_of_their_own() -> None:
    assert classes_of(["smile", "anger"]) == (("anger", "smile"), {"anger": 0, "smile": 1})
    assert classes_of(["smile", "Smile", "angry", "ANGER"])[1] == {"smile": 1, "Smile": 1, "angry": 0, "ANGER": 0}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *(("suprise", "surprise"), ("Hapy", "happy"), ("nuetral", "neutral"), ("anrgy", "angry")),
        *(("digust", "disgust"), ("contemp", "contempt"), ("happy", None), ("Joy", None)),
        *(("unhappy", None), ("smile", None), ("calm", None), ("bored", None), ("3", None), ("", None)),
    ],
)
def test_a_word_that_is_nearly_an_emotion(word: str, meant: str | None) -> None:
    assert misspelt(word) == meant
