"""Parts of messages."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mien.errors import counted, did_you_mean


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 groups"), (1, "1 group"), (2, "2 groups"), (1_234, "1,234 groups")]
)
def test_a_number_with_its_noun(number: int, text: str) -> None:
    assert counted(number, "group") == text


def test_a_noun_with_a_plural_of_its_own() -> None:
    assert [counted(number, "copy", "copies") for number in (1, 2)] == ["1 copy", "2 copies"]


def test_an_unknown_word_gets_the_known_ones_and_a_hint_where_one_is_similar() -> None:
    assert did_you_mean("tests", ["train", "test"]) == "known: train, test; did you mean 'test'?"
    assert did_you_mean("x", ["train", "test"]) == "known: train, test"


def test_a_notebook_shows_the_message_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    shell = InteractiveShell()
    shell.run_cell("from mien.errors import UserError\nraise UserError('train.csv, row 3: 47 pixels; expected 2304')")
    assert capsys.readouterr().out.strip() == "UserError: train.csv, row 3: 47 pixels; expected 2304"
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out
