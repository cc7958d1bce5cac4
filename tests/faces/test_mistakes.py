"""Mistakes gathered into one message."""

import pytest

from mien.errors import UserError
from mien.faces.mistakes import Mistakes, quoted


def test_no_mistake_is_no_error() -> None:
    Mistakes("a.csv", "correct it").raise_if_any()


@pytest.mark.parametrize(
    ("count", "title"), [(1, "1 problem:"), (10, "10 problems:"), (11, "11 problems, the first 10 are:")]
)
def test_all_are_counted_and_ten_are_listed(count: int, title: str) -> None:
    mistakes = Mistakes("a.csv", "correct it")
    for line in range(count):
        mistakes.add(f"line {line}", "wrong")
    with pytest.raises(UserError) as caught:
        mistakes.raise_if_any()
    listed = [f"  line {line}: wrong" for line in range(min(count, 10))]
    assert str(caught.value).split("\n") == [f"a.csv: {title}", *listed, "correct it"]


def test_a_long_word_is_cut_off() -> None:
    assert quoted("x" * 20) == repr("x" * 20)
    assert quoted("x" * 21) == repr("x" * 20 + "...")
