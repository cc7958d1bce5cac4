"""A search made by hand."""

from collections.abc import Sequence
from dataclasses import replace

from report.examples import reported

from mien.report.tuning import Tuning, tuning_of
from mien.runs.search_results import SearchResult, SpaceEntry, TrialResult, TrialStatus, Value

SPACE = {
    "kernel": SpaceEntry("choice", (1, 3, 5)),
    "p": SpaceEntry("float", low=0.1, high=0.3),
    "recipe.learning_rate": SpaceEntry("float", low=1e-4, high=1e-2, log=True),
}


def trial(
    number: int, values: Sequence[Value], state: TrialStatus, accuracies: Sequence[float], reason: str = ""
) -> TrialResult:
    scores = (accuracies[-1],) if state == "finished" else ()
    return TrialResult(
        number,
        state,
        dict(zip(SPACE, values, strict=True)),
        scores,
        tuple(accuracies),
        len(accuracies),
        2.0 * len(accuracies),
        f"wide-{number}",
        reason,
    )


SEARCH = SearchResult(
    sampler="tpe",
    pruner="median",
    objectives=("validation_accuracy",),
    space=SPACE,
    epochs=4,
    trials=(
        trial(1, (1, 0.2, 1e-3), "finished", (0.2, 0.3, 0.35, 0.4)),
        trial(2, (3, 0.1, 1e-3), "finished", (0.3, 0.4, 0.45, 0.5)),
        trial(3, (5, 0.3, 1e-4), "pruned", (0.1, 0.2), "at 20.0 % on validation after epoch 2"),
        trial(4, (5, 0.15, 1e-2), "failed", (), "conv(4, kernel): 5 <x> is larger than its input"),
        trial(5, (3, 0.25, 2e-3), "finished", (0.2, 0.3, 0.4, 0.45)),
    ),
    best=2,
    pareto=(),
    importances={"p": 0.2, "kernel": 0.7, "recipe.learning_rate": 0.1},
    seconds=28.0,
    saved_epochs=2,
)


def several() -> SearchResult:
    """The same with two objectives: nothing is pruned, and trials 1 and 2 are on the front."""
    sizes = {1: 100, 2: 5000, 5: 6000}
    trials = tuple(
        replace(one, scores=(one.scores[0], sizes[one.number])) for one in SEARCH.trials if one.number in sizes
    )
    objectives = ("validation_accuracy", "parameters")
    return replace(SEARCH, objectives=objectives, pruner="none", pareto=(1, 2), trials=trials, saved_epochs=0)


def tuning(search: SearchResult = SEARCH) -> Tuning:
    tuned = tuning_of(reported([], tuning={"wide": search}), "wide")
    assert tuned is not None
    return tuned
