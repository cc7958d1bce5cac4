"""Sentences and the table of a search."""

import csv
import io
from dataclasses import replace

from report.searches import SEARCH, several, trial, tuning

from mien.report.tuning_narrative import narrate_tuning, trials_table


def test_the_table_holds_every_trial_unrounded() -> None:
    table = trials_table(tuning())
    rows = list(csv.DictReader(io.StringIO(table.csv)))
    assert [row["state"] for row in rows] == ["finished", "finished", "pruned", "failed", "finished"]
    assert [row["validation_accuracy"] for row in rows] == ["0.4", "0.5", "0.2", "", "0.45"]
    assert [row["recipe.learning_rate"] for row in rows] == ["0.001", "0.001", "0.0001", "0.01", "0.002"]
    assert rows[2]["reason"] == "at 20.0 % on validation after epoch 2"
    assert rows[2]["epochs"] == "2"
    assert table.marked == {1}


def test_with_several_objectives_the_table_has_a_column_each_and_marks_the_front() -> None:
    table = trials_table(tuning(several()))
    rows = list(csv.DictReader(io.StringIO(table.csv)))
    assert [row["parameters"] for row in rows] == ["100", "5000", "6000"]
    assert "reason" not in rows[0]
    assert table.marked == {0, 1}


def test_the_narrative_has_the_best_settings_and_what_pruning_saved() -> None:
    text = " ".join(narrate_tuning(tuning()))
    assert "trial 2 with 50.0 % on validation: kernel 3, p 0.1 and learning rate 0.001." in text
    assert "1 of 5 trials was pruned, which saved 2 of 20 epochs (10.0 %)." in text
    assert "it was not ahead of what the best trial had at the same epoch" in text
    assert "most on kernel (70 %), then on p (20 %); from 3 finished trials that is a rough estimate" in text
    assert "The best p (0.1 to 0.3) lies at the edge of its range" in text
    assert "1 trial failed" in text
    assert "validation alone" in text


def test_the_narrative_admits_that_a_pruned_trial_was_ahead() -> None:
    trials = [*SEARCH.trials]
    trials[2] = trial(3, (5, 0.3, 1e-4), "pruned", (0.1, 0.41))
    text = " ".join(narrate_tuning(tuning(replace(SEARCH, trials=tuple(trials)))))
    assert "it was ahead of what the best trial had at the same epoch" in text


def test_the_narrative_of_a_search_that_pruned_nothing() -> None:
    trials = tuple(one for one in SEARCH.trials if one.state == "finished")
    search = replace(SEARCH, trials=trials, saved_epochs=0, importances={})
    assert "No trial was pruned." in narrate_tuning(tuning(search))
    assert "No trial was pruned." not in narrate_tuning(tuning(replace(search, pruner="none")))


def test_the_narrative_of_a_front_names_its_trials_and_the_one_that_goes_on() -> None:
    first = narrate_tuning(tuning(several()))[0]
    assert first.startswith("Of 3 finished trials 2 stand on the Pareto front")
    assert "trial 2 with 50.0 % and 5,000 parameters; trial 1 with 40.0 % and 100 parameters" in first
    assert "wide goes on with the best by validation accuracy, trial 2: kernel 3" in first


def test_the_narrative_of_a_single_trial() -> None:
    search = replace(SEARCH, trials=SEARCH.trials[:1], best=1, importances={}, saved_epochs=0, seconds=8.0)
    assert narrate_tuning(tuning(search))[0] == (
        "The only trial is trial 1 with 40.0 % on validation: kernel 1, p 0.2 and learning rate 0.001. It trained for "
        "8.0 s."
    )
