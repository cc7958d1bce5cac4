"""The report's section of a search: from results.json's numbers to words, figures and a table."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mien.disk import read_json, write_json
from mien.report import write_report
from mien.report.study_data import Contents
from mien.report.tuning import Setting, Tuning, read_tuning
from mien.report.tuning_figures import best_so_far, draw_tuning
from mien.report.tuning_narrative import trials_table, tuning_words

NUMBER = {"choices": [], "step": None, "log": False}
SPACE = {
    "kernel": {"kind": "choice", "choices": [1, 3, 5], "low": 0.0, "high": 0.0, "step": None, "log": False},
    "p": NUMBER | {"kind": "float", "low": 0.1, "high": 0.3},
    "recipe.learning_rate": NUMBER | {"kind": "float", "low": 1e-4, "high": 1e-2, "log": True},
}


def trial(
    number: int, values: Sequence[Any], state: str, accuracies: Sequence[float], reason: str = ""
) -> dict[str, Any]:
    return {
        "number": number,
        "state": state,
        "values": dict(zip(SPACE, values, strict=True)),
        "scores": [accuracies[-1]] if state == "finished" else [],
        "accuracies": list(accuracies),
        "epochs": len(accuracies),
        "seconds": 2.0 * len(accuracies),
        "run": f"wide-{number}",
        "reason": reason,
    }


SEARCH: dict[str, Any] = {
    "sampler": "tpe",
    "pruner": "median",
    "objectives": ["validation_accuracy"],
    "space": SPACE,
    "epochs": 4,
    "trials": [
        trial(0, (1, 0.2, 1e-3), "finished", (0.2, 0.3, 0.35, 0.4)),
        trial(1, (3, 0.1, 1e-3), "finished", (0.3, 0.4, 0.45, 0.5)),
        trial(2, (5, 0.3, 1e-4), "pruned", (0.1, 0.2), "at 20.0 % on validation after epoch 2"),
        trial(3, (5, 0.15, 1e-2), "failed", (), "conv(4, kernel): 5 <x> is larger than its input"),
        trial(4, (3, 0.25, 2e-3), "finished", (0.2, 0.3, 0.4, 0.45)),
    ],
    "best": 1,
    "pareto": [],
    "importances": {"p": 0.2, "kernel": 0.7, "recipe.learning_rate": 0.1},
    "seconds": 28.0,
    "saved_epochs": 2,
}  # fmt: skip


def several() -> dict[str, Any]:
    """The same with two objectives: nothing is pruned, and trials 1 and 2 are on the front."""
    sizes = {0: 100, 1: 5000, 4: 6000}
    kept = [
        one | {"scores": [one["scores"][0], sizes[one["number"]]]} for one in SEARCH["trials"] if one["number"] in sizes
    ]
    changed = {"objectives": ["validation_accuracy", "parameters"], "pruner": "none", "pareto": [0, 1], "trials": kept}
    return SEARCH | changed | {"saved_epochs": 0}


def tuning(search: dict[str, Any] = SEARCH) -> Tuning:
    found = read_tuning(Contents({"tuning": {"wide": search}}, ()), "wide")
    assert found is not None
    return found


def test_a_net_without_a_search_has_none() -> None:
    assert read_tuning(Contents({"tuning": {"wide": SEARCH}}, ()), "deep") is None
    assert read_tuning(Contents({}, ()), "wide") is None


def test_trials_count_from_one_as_the_desk_lists_them() -> None:
    assert [one.number for one in tuning().trials] == [1, 2, 3, 4, 5]
    assert tuning().best.number == 2
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
    search = several() | {"objectives": ["parameters", "validation_accuracy"]}
    search["trials"] = [one | {"scores": one["scores"][::-1]} for one in search["trials"]]
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


def test_words_tell_the_best_settings_and_what_pruning_saved() -> None:
    said = " ".join(tuning_words(tuning()))
    assert "trial 2 with 50.0 % on validation: kernel 3, p 0.1 and learning rate 0.001." in said
    assert "1 of 5 trials was pruned, which saved 2 of 20 epochs (10.0 %)." in said
    assert "it was not ahead of what the best trial had at the same epoch" in said
    assert "most on kernel (70 %), then on p (20 %); from 3 finished trials that is a rough estimate" in said
    assert "The best p (0.1 to 0.3) lies at the edge of its range" in said
    assert "1 trial failed" in said
    assert "validation alone" in said


def test_words_admit_that_a_pruned_trial_was_ahead() -> None:
    trials = [*SEARCH["trials"]]
    trials[2] = trial(2, (5, 0.3, 1e-4), "pruned", (0.1, 0.41))
    said = " ".join(tuning_words(tuning(SEARCH | {"trials": trials})))
    assert "it was ahead of what the best trial had at the same epoch" in said


def test_words_of_a_search_that_pruned_nothing() -> None:
    trials = [one for one in SEARCH["trials"] if one["state"] == "finished"]
    search = SEARCH | {"trials": trials, "saved_epochs": 0, "importances": {}}
    assert "No trial was pruned." in tuning_words(tuning(search))
    assert "No trial was pruned." not in tuning_words(tuning(search | {"pruner": "none"}))


def test_words_of_a_front_name_its_trials_and_the_one_that_goes_on() -> None:
    first = tuning_words(tuning(several()))[0]
    assert first.startswith("Of 3 finished trials 2 stand on the Pareto front")
    assert "trial 2 with 50.0 % and 5,000 parameters; trial 1 with 40.0 % and 100 parameters" in first
    assert "wide goes on with the best by validation accuracy, trial 2: kernel 3" in first


def labels(found: Tuning) -> dict[str, str]:
    """By figure, what it says that it shows."""
    drawn = {one.name.removesuffix("-wide"): ElementTree.fromstring(one.svg) for one in draw_tuning(found)}
    return {name: svg.attrib["aria-label"] for name, svg in drawn.items()}


def test_figures_of_a_search() -> None:
    told = labels(tuning())
    assert list(told) == ["tuning-history", "tuning-importances", "tuning-slices", "tuning-parallel"]
    assert "trial 1 40.0 %; trial 2 50.0 %." in told["tuning-history"]
    assert told["tuning-importances"] == "Importance of each setting: kernel 70 %; p 20 %; learning rate 10 %."
    assert "against each of kernel, p, learning rate" in told["tuning-slices"]
    assert "of 4 trials" in told["tuning-parallel"]


def test_figures_of_several_objectives_have_the_front() -> None:
    told = labels(tuning(several()))
    assert (
        "parameters 100 at validation accuracy, % 40; parameters 5,000 at validation accuracy, % 50"
        in (told["tuning-front-parameters"])
    )
    assert "of 3 trials" in told["tuning-parallel"]


def test_one_trial_can_be_drawn() -> None:
    found = tuning(SEARCH | {"trials": SEARCH["trials"][:1], "best": 0, "importances": {}, "saved_epochs": 0})
    assert set(labels(replace(found, settings=found.settings[:1]))) == {
        "tuning-history", "tuning-slices", "tuning-parallel"
    }  # fmt: skip


def test_the_page_tells_of_a_search_in_its_group_and_saves_it(built: Callable[..., Path]) -> None:
    folder = built()
    facts = read_json(folder / "results.json")
    write_json(folder / "results.json", facts | {"tuning": {"wide": SEARCH}})
    write_report(folder)
    page = (folder / "report.html").read_text()
    group = page[page.index('id="group-fnn"') : page.index('id="group-cnn"')]
    assert 'id="tuning-wide"' in group
    assert "5 trials, 1 pruned, 1 failed" in re.sub(r"\s+", " ", group)
    assert "5 &lt;x&gt; is larger" in group
    assert 'id="tuning-deep"' not in page
    names = {path.stem for path in (folder / "figures").glob("tuning-*.svg")}
    assert names == {f"tuning-{one}-wide" for one in ("history", "importances", "slices", "parallel")}
    assert (folder / "tables" / "trials-wide.csv").read_text().count("\n") == 6
