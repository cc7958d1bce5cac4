"""The report's section of a search: from its result to sentences, figures and a table."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mien.report import write_report
from mien.report.tuning import Setting, Tuning, tuning_of
from mien.report.tuning_figures import best_so_far, draw_tuning
from mien.report.tuning_narrative import narrate_tuning, trials_table
from mien.runs.results import read_results
from report.examples import reported
from report.searches import SEARCH, several, trial, tuning


def test_a_net_without_a_search_has_none() -> None:
    assert tuning_of(reported([], tuning={"wide": SEARCH}), "deep") is None
    assert tuning_of(reported([]), "wide") is None
    assert tuning_of(reported([], tuning={"wide": replace(SEARCH, best=None)}), "wide") is None


def test_the_best_and_the_front_are_known_by_their_numbers() -> None:
    assert tuning().best.values["kernel"] == 3
    assert tuning(several()).front == {1, 2}


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


def test_the_best_so_far_never_falls() -> None:
    assert best_so_far(tuning()) == [(1, 0.4), (2, 0.5), (5, 0.5)]


def test_the_best_so_far_of_what_is_made_small_never_rises() -> None:
    search = several()
    trials = tuple(replace(one, scores=one.scores[::-1]) for one in search.trials)
    search = replace(search, objectives=("parameters", "validation_accuracy"), trials=trials)
    assert best_so_far(tuning(search)) == [(1, 100), (2, 100), (5, 100)]


@pytest.mark.parametrize(
    ("setting", "value", "place"),
    [
        (Setting("kernel", (1, 3, 5)), 1, 0.0),
        (Setting("kernel", (1, 3, 5)), 3, 0.5),
        (Setting("act", ("relu",)), "relu", 0.5),
        (Setting("p", low=0.1, high=0.3), 0.15, 0.25),
        (Setting("recipe.learning_rate", low=1e-4, high=1e-2, log=True), 1e-3, 0.5),
    ],
)
def test_where_a_value_lies(setting: Setting, value: int | float | str, place: float) -> None:
    assert setting.place(value) == pytest.approx(place)


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


def labels(tuned: Tuning) -> dict[str, str]:
    """By figure, its label."""
    drawn = {one.name.removesuffix("-wide"): ElementTree.fromstring(one.svg) for one in draw_tuning(tuned)}
    return {name: svg.attrib["aria-label"] for name, svg in drawn.items()}


def test_figures_of_a_search() -> None:
    of_figure = labels(tuning())
    assert list(of_figure) == ["tuning-history", "tuning-importances", "tuning-slices", "tuning-parallel"]
    assert "trial 1 40.0 %; trial 2 50.0 %." in of_figure["tuning-history"]
    assert of_figure["tuning-importances"] == "Importance of each setting: kernel 70 %; p 20 %; learning rate 10 %."
    assert "against each of kernel, p, learning rate" in of_figure["tuning-slices"]
    assert "of 4 trials" in of_figure["tuning-parallel"]


def test_figures_of_several_objectives_have_the_front() -> None:
    of_figure = labels(tuning(several()))
    assert (
        "parameters 100 at validation accuracy, % 40; parameters 5,000 at validation accuracy, % 50"
        in (of_figure["tuning-front-parameters"])
    )
    assert "of 3 trials" in of_figure["tuning-parallel"]


def test_one_trial_can_be_drawn() -> None:
    tuned = tuning(replace(SEARCH, trials=SEARCH.trials[:1], best=1, importances={}, saved_epochs=0))
    assert narrate_tuning(tuned)[0].startswith("The only trial is trial 1 with 40.0 % on validation: kernel 1")
    assert set(labels(replace(tuned, settings=tuned.settings[:1]))) == {
        "tuning-history", "tuning-slices", "tuning-parallel"
    }  # fmt: skip


def test_the_page_shows_a_search_in_its_group_and_saves_it(built: Callable[..., Path]) -> None:
    folder = built()
    write_report(folder, replace(read_results(folder), tuning={"wide": SEARCH}))
    page = (folder / "report.html").read_text()
    group = page[page.index('id="group-fnn"') : page.index('id="group-cnn"')]
    assert 'id="tuning-wide"' in group
    assert "5 trials, 1 pruned, 1 failed" in re.sub(r"\s+", " ", group)
    assert "5 &lt;x&gt; is larger" in group
    assert 'id="tuning-deep"' not in page
    names = {path.stem for path in (folder / "figures").glob("tuning-*.svg")}
    assert names == {f"tuning-{one}-wide" for one in ("history", "importances", "slices", "parallel")}
    assert (folder / "tables" / "trials-wide.csv").read_text().count("\n") == 6
