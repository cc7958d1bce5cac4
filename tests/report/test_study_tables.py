import csv
import io
from pathlib import Path

from mien.runs.results import read_results


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "tables" / f"{name}.csv").read_text(encoding="utf-8"))))


def test_the_comparison_csv_equals_the_results(study: Path) -> None:
    results = read_results(study).by_name
    rows = rows_of(study, "comparison")
    assert [row["name"] for row in rows] == list(results)
    for row in rows:
        net = results[row["name"]]
        validation = net.accuracy.validation
        assert float(row["validation_accuracy"]) == validation.mean
        low, high = float(row["validation_accuracy_low"]), float(row["validation_accuracy_high"])
        assert (low, high) == validation.interval
        assert float(row["validation_accuracy_sd"]) == validation.sd
        assert float(row["train_accuracy"]) == net.accuracy.train.mean
        assert float(row["seconds"]) == net.seconds
        assert int(row["parameters"]) == net.parameters
        assert bool(row["test_accuracy"]) == net.selected


def test_each_group_has_its_table(study: Path) -> None:
    assert [row["name"] for row in rows_of(study, "comparison-fnn")] == ["wide", "deep"]
    assert [row["name"] for row in rows_of(study, "comparison-cnn")] == ["conv_1", "conv_2"]


def test_nets_together_stand_beside_the_best_of_them(study: Path) -> None:
    ensembles = {one.name: one for one in read_results(study).ensembles}
    rows = rows_of(study, "ensembles")
    assert [row["name"] for row in rows] == list(ensembles) == ["chosen", "all"]
    for row in rows:
        one = ensembles[row["name"]]
        assert (
            row["nets"] == {"chosen": "wide, conv_1", "all": "wide 0.1, deep 0.1, conv_1 0.4, conv_2 0.4"}[row["name"]]
        )
        assert float(row["validation_accuracy"]) == one.accuracy.validation.mean
        assert (row["best"], float(row["p"])) == (one.best, one.against_best.p)
        assert bool(row["test_accuracy"]) == (one.accuracy.test is not None)
    assert f"{100 * ensembles['all'].accuracy.validation.mean:.1f}" in (study / "report.html").read_text(
        encoding="utf-8"
    )


def test_the_selected_csv_equals_the_results(study: Path) -> None:
    results = read_results(study)
    rows = rows_of(study, "selected")
    assert rows[0]["name"] == results.best
    for row in rows:
        net = results.by_name[row["name"]]
        assert row["evaluated_on"] == net.scores.evaluated_on == "test"
        assert float(row["accuracy"]) == net.accuracy.test.mean
        assert float(row["test_accuracy_without_leaks"]) == net.accuracy.test_without_leaks.mean
        assert (float(row["macro_f1"]), float(row["ece"])) == (net.scores.macro_f1, net.scores.ece)


def test_the_other_tables_equal_the_results(study: Path) -> None:
    results = read_results(study)
    counts = results.faces.counts
    assert {row["emotion"]: int(row["train"]) for row in rows_of(study, "counts")[:-1]} == counts["train"]
    tests = {(one.a, one.b, one.split): one.mcnemar for one in results.comparisons}
    rows = rows_of(study, "mcnemar")
    assert len(rows) == len(tests)
    for row in rows:
        one = tests[row["a"], row["b"], row["split"]]
        assert (int(row["only_a"]), int(row["only_b"]), float(row["p"])) == (one.only_a, one.only_b, one.p)
    best = results.by_name[results.best]
    confusion = rows_of(study, f"confusion-{best.name}")
    assert [tuple(int(number) for number in list(row.values())[1:]) for row in confusion] == [*best.scores.confusion]
    per_class = rows_of(study, f"per-class-{best.name}")
    assert {row["emotion"]: float(row["recall"]) for row in per_class} == {
        name: one.recall for name, one in best.scores.per_class.items()
    }
    for row in per_class:
        ranked = best.scores.areas[row["emotion"]]
        assert ranked is not None
        assert [float(row["roc_auc" + tail]) for tail in ("", "_low", "_high")] == [
            ranked.roc_auc.value,
            *ranked.roc_auc.interval,
        ]
        assert float(row["average_precision"]) == ranked.average_precision.value
    layers = rows_of(study, f"layers-{best.name}")
    assert int(layers[-1]["parameters"]) == best.parameters == sum(int(row["parameters"]) for row in layers[:-1])
