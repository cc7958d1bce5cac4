from pathlib import Path

from runs.former import former, read

from mien.runs.metrics import McNemar


def test_accuracies_of_format_2_are_read_with_their_number_of_faces(tmp_path: Path) -> None:
    old = former("seeds")
    results = read(old, tmp_path)
    wide, failed = results.nets
    entry = old["nets"][0]
    for split, n in (("train", 210), ("validation", 105), ("test", 105)):
        accuracy = wide.accuracy.of(split)
        assert accuracy is not None
        assert (accuracy.mean, accuracy.sd, accuracy.n) == (
            entry[f"{split}_accuracy"],
            entry[f"{split}_accuracy_sd"],
            n,
        )
        assert accuracy.interval == tuple(entry[f"{split}_accuracy_interval"])
    clean = wide.accuracy.test_without_leaks
    assert clean is not None
    assert (clean.mean, clean.n) == (entry["test_accuracy_without_leaks"], 100)
    assert wide.scores is not None
    assert wide.scores.evaluated_on == entry["judged_on"] == "test"
    assert wide.scores.per_class["happy"].f1 == entry["per_class"]["happy"]["f1"]
    assert [list(row) for row in wide.scores.confusion] == entry["confusion"]
    assert wide.scores.reliability[0].count == entry["reliability"][0]["count"]
    assert (failed.state, failed.scores, failed.accuracy.validation) == ("failed", None, None)


def test_mcnemar_of_format_2_keeps_its_sides(tmp_path: Path) -> None:
    old = former("seeds")
    results = read(old, tmp_path)
    one, entry = results.comparisons[0], old["comparisons"][0]
    assert (one.a, one.b, one.split) == ("wide", "deep", "validation")
    # b01: faces that a has wrong and b correct
    assert one.mcnemar == McNemar(only_a=entry["b10"], only_b=entry["b01"], p=entry["p"])
    chosen, together = results.ensembles
    against = old["ensembles"][0]["against_best"]
    assert chosen.against_best == McNemar(only_a=against["b10"], only_b=against["b01"], p=against["p"])
    assert (together.best, together.reason) == (None, "not trained to the end: conv_2")
    assert together.members == "wide 0.1, deep 0.1, conv_1 0.4, conv_2 0.4"


def test_trials_of_format_2_count_from_1(tmp_path: Path) -> None:
    old = former("search")
    old["tuning"]["searched"]["pareto"] = [2, 3]
    search = read(old, tmp_path).tuning["searched"]
    entries = old["tuning"]["searched"]["trials"]
    assert [trial.number for trial in search.trials] == [entry["number"] + 1 for entry in entries] == [3, 4, 6]
    assert [trial.run for trial in search.trials] == [entry["run"] for entry in entries]
    assert (search.best, search.pareto) == (4, (3, 4))
    assert search.trials[0].values == entries[0]["values"]
    assert [type(value) for value in search.trials[0].values.values()] == [int, float, str, float]


def test_recipes_of_format_2_have_the_entries_of_today(tmp_path: Path) -> None:
    old = former("search")
    old["nets"][0]["recipe"] |= {"average": 0.9, "mirror": True}
    results = read(old, tmp_path)
    assert (results.nets[0].recipe.ema_decay, results.nets[0].recipe.tta_flip) == (0.9, True)
    assert results.previews["upright"].augment == ("flip", "rotate(5)", "shift(0.05)")
    frozen = results.by_name["frozen"].backbone
    assert frozen is not None
    assert (frozen.name, frozen.size) == ("mobilenet_v2", 224)


def test_format_2_of_before_titles_searches_and_ensembles_is_read(tmp_path: Path) -> None:
    old = former("seeds")
    for key in ("ensembles", "previews", "tuning"):
        del old[key]
    del old["groups"][0]["title"]
    results = read(old, tmp_path)
    assert (results.ensembles, results.tuning, results.groups[0].title) == ((), {}, "fnn")
