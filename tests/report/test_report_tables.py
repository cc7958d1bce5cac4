import csv
import io
import json
from pathlib import Path

import pytest

from mien.report.tables import Column, Measure, Table, duration, percent, probability, whole


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "tables" / f"{name}.csv").read_text())))


def test_a_measure_takes_four_columns_and_nothing_is_rounded() -> None:
    columns = (Column("net", "net", lead=True), Column("accuracy", "accuracy, %", number=True))
    rows = (("a", Measure(1 / 3, (0.25, 0.4), 0.01)), ("b", None), ("c", Measure(0.5)))
    found = list(csv.DictReader(io.StringIO(Table("t", "T", columns, rows).csv)))
    assert found[0] == {
        "net": "a",
        "accuracy": str(1 / 3),
        "accuracy_low": "0.25",
        "accuracy_high": "0.4",
        "accuracy_sd": "0.01",
    }
    assert set(found[1].values()) == {"b", ""}
    assert found[2]["accuracy"] == "0.5"


def test_a_table_shows_what_it_holds() -> None:
    columns = (Column("net", "net", lead=True), Column("n", "n", whole, True), Column("accuracy", "%", number=True))
    table = Table("t", "T", columns, (("a", 1234567, Measure(0.5737, (0.5577, 0.5899), 0.004)), ("b", None, None)))
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


def test_the_comparison_csv_equals_the_results(study: Path) -> None:
    results = {net["name"]: net for net in json.loads((study / "results.json").read_text())["nets"]}
    rows = rows_of(study, "comparison")
    assert [row["name"] for row in rows] == list(results)
    for row in rows:
        net = results[row["name"]]
        assert float(row["validation_accuracy"]) == net["validation_accuracy"]
        assert [float(row["validation_accuracy_low"]), float(row["validation_accuracy_high"])] == net[
            "validation_accuracy_interval"
        ]
        assert float(row["validation_accuracy_sd"]) == net["validation_accuracy_sd"]
        assert float(row["train_accuracy"]) == net["train_accuracy"]
        assert float(row["seconds"]) == net["seconds"]
        assert int(row["parameters"]) == net["parameters"]
        assert bool(row["test_accuracy"]) == net["selected"]


def test_each_group_has_its_table(study: Path) -> None:
    assert [row["name"] for row in rows_of(study, "comparison-fnn")] == ["wide", "deep"]
    assert [row["name"] for row in rows_of(study, "comparison-cnn")] == ["conv_1", "conv_2"]


def test_nets_together_stand_beside_the_best_of_them(study: Path) -> None:
    results = {one["name"]: one for one in json.loads((study / "results.json").read_text())["ensembles"]}
    rows = rows_of(study, "ensembles")
    assert [row["name"] for row in rows] == list(results) == ["chosen", "all"]
    for row in rows:
        one = results[row["name"]]
        assert (
            row["nets"] == {"chosen": "wide, conv_1", "all": "wide 0.1, deep 0.1, conv_1 0.4, conv_2 0.4"}[row["name"]]
        )
        assert float(row["validation_accuracy"]) == one["validation_accuracy"]
        assert (row["best"], float(row["p"])) == (one["best"], one["against_best"]["p"])
        assert bool(row["test_accuracy"]) == ("test_accuracy" in one)
    assert f"{100 * results['all']['validation_accuracy']:.1f}" in (study / "report.html").read_text()


def test_the_other_tables_equal_the_results(study: Path) -> None:
    results = json.loads((study / "results.json").read_text())
    counts = results["faces"]["counts"]
    assert {row["emotion"]: int(row["train"]) for row in rows_of(study, "counts")[:-1]} == counts["train"]
    tests = {(one["a"], one["b"], one["split"]): one for one in results["comparisons"]}
    rows = rows_of(study, "mcnemar")
    assert len(rows) == len(tests)
    for row in rows:
        one = tests[row["a"], row["b"], row["split"]]
        # b10: a right and b wrong
        assert (int(row["a_alone"]), int(row["b_alone"]), float(row["p"])) == (one["b10"], one["b01"], one["p"])
    best = next(net for net in results["nets"] if net["name"] == results["best"])
    confusion = rows_of(study, f"confusion-{best['name']}")
    assert [[int(number) for number in list(row.values())[1:]] for row in confusion] == best["confusion"]
    scores = rows_of(study, f"per-class-{best['name']}")
    assert {row["emotion"]: float(row["recall"]) for row in scores} == {
        name: one["recall"] for name, one in best["per_class"].items()
    }
    layers = rows_of(study, f"layers-{best['name']}")
    assert int(layers[-1]["parameters"]) == best["parameters"] == sum(int(row["parameters"]) for row in layers[:-1])
