import csv
import io

import pytest

from mien.report.tables import Column, Table, area, duration, percent, probability, whole, with_spread
from mien.runs.metrics import Accuracy
from mien.runs.ranking import Area


def test_an_accuracy_takes_four_columns_and_nothing_is_rounded() -> None:
    columns = (Column("net", "net", lead=True), Column("accuracy", "accuracy, %", number=True))
    rows = (("a", Accuracy(1 / 3, (0.25, 0.4), 0.01, 20)), ("b", None), ("c", Accuracy(0.5, (0.4, 0.6), None, 20)))
    lines = list(csv.DictReader(io.StringIO(Table("t", "T", columns, rows).csv)))
    assert lines[0] == {
        "net": "a",
        "accuracy": str(1 / 3),
        "accuracy_low": "0.25",
        "accuracy_high": "0.4",
        "accuracy_sd": "0.01",
    }
    assert set(lines[1].values()) == {"b", ""}
    assert (lines[2]["accuracy"], lines[2]["accuracy_sd"]) == ("0.5", "")


def test_an_area_takes_three_columns_and_is_shown_with_three_digits() -> None:
    columns = (Column("net", "net", lead=True), Column("roc_auc", "area", area, number=True))
    table = Table("t", "T", columns, (("a", None), ("b", Area(0.9531, (0.25, 1.0)))))
    lines = list(csv.DictReader(io.StringIO(table.csv)))
    assert set(lines[0].values()) == {"a", ""}
    assert lines[1] == {"net": "b", "roc_auc": "0.9531", "roc_auc_low": "0.25", "roc_auc_high": "1.0"}
    assert table.shown(table.rows[1])[1][1:] == ("0.953 (0.250 to 1.000)", 0.9531)


def test_a_table_shows_what_it_holds() -> None:
    columns = (
        Column("net", "net", lead=True),
        Column("n", "n", whole, True),
        Column("accuracy", "%", with_spread, True),
    )
    table = Table("t", "T", columns, (("a", 1234567, Accuracy(0.5737, (0.5577, 0.5899), 0.004, 20)), ("b", None, None)))
    assert [text for _, text, _ in table.shown(table.rows[0])] == ["a", "1,234,567", "57.4 ± 0.4 (55.8 to 59.0)"]
    assert [order for _, _, order in table.shown(table.rows[0])] == ["a", 1234567, 0.5737]
    assert [(text, order) for _, text, order in table.shown(table.rows[1])][1:] == [("–", ""), ("–", "")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (145, "2 min 25 s"),
        (4321, "1 h 12 min"),
    ],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_shares_and_probabilities() -> None:
    assert percent(0.57365) == "57.4"
    assert probability(0.0312) == "0.031"
    assert probability(0.00099) == "< 0.001"
