"""The figures of a search."""

from dataclasses import replace
from xml.etree import ElementTree

from report.searches import SEARCH, several, tuning

from mien.report.tuning import Tuning
from mien.report.tuning_figures import best_so_far, draw_tuning


def test_the_best_so_far_never_falls() -> None:
    assert best_so_far(tuning()) == [(1, 0.4), (2, 0.5), (5, 0.5)]


def test_the_best_so_far_of_what_is_made_small_never_rises() -> None:
    search = several()
    trials = tuple(replace(one, scores=one.scores[::-1]) for one in search.trials)
    search = replace(search, objectives=("parameters", "validation_accuracy"), trials=trials)
    assert best_so_far(tuning(search)) == [(1, 100), (2, 100), (5, 100)]


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
    assert set(labels(replace(tuned, settings=tuned.settings[:1]))) == {
        "tuning-history", "tuning-slices", "tuning-parallel"
    }  # fmt: skip
