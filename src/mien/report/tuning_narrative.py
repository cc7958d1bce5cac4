"""Sentences and the table of a search: which values are best, what pruning saved, how far scores can be trusted."""

from mien.report.narrative import count, listed
from mien.report.tables import Column, Table, duration, percent, whole
from mien.report.tuning import Setting, Tuning, shown
from mien.runs.search_results import TrialResult

FEW = 20
"""With fewer finished trials than this, importances are called rough."""

EDGE = 0.05
"""A number this near an end of its range, as a share of it, is called at its edge."""


def trials_table(tuning: Tuning) -> Table:
    """Every trial: what it set, its scores, how it ended, epochs and time; the best, or the Pareto front, marked."""
    accuracy = Column("validation_accuracy", "validation, %", percent, True)
    others = [one for one in tuning.objectives if one.name != "validation_accuracy"]
    columns = [
        Column("trial", "trial", whole, True, lead=True),
        *(
            Column(one.key, one.label, shown, number=not any(isinstance(value, str) for value in one.choices))
            for one in tuning.settings
        ),
        accuracy,
        *(Column(one.name, one.label, lambda score: whole(round(score)), True) for one in others),
        Column("state", "state"),
        Column("epochs", "epochs", whole, True),
        Column("seconds", "training time", duration, True),
        Column("reason", "reason"),
    ]
    places = {one.name: place for place, one in enumerate(tuning.objectives)}
    rows = [
        (
            trial.number,
            *(trial.values.get(one.key) for one in tuning.settings),
            _accuracy(tuning, trial),
            *(tuning.score(trial, places[one.name]) for one in others),
            trial.state,
            trial.epochs,
            trial.seconds if trial.epochs else None,
            trial.reason or None,
        )
        for trial in tuning.trials
    ]
    if not any(trial.reason for trial in tuning.trials):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    best = tuning.front or {tuning.best.number}
    marked = frozenset(place for place, trial in enumerate(tuning.trials) if trial.number in best)
    what = "the Pareto front" if tuning.front else "the best"
    cut = (
        " Of a trial that did not finish, the accuracy after its last epoch."
        if len(tuning.of("finished")) < len(rows)
        else ""
    )
    notes = f"Bold: {what}.{cut}"
    return Table(f"trials-{tuning.net}", "Every trial", tuple(columns), tuple(rows), notes, marked, sortable=True)


def narrate_tuning(tuning: Tuning) -> list[str]:
    """Which values a search selected, what pruning saved, and how far that can be trusted."""
    selected = _front(tuning) if tuning.front else _best(tuning)
    sentences = [selected, _edges(tuning), _weights(tuning), _pruned(tuning), _failed(tuning), _trust()]
    return [sentence for sentence in sentences if sentence]


def _best(tuning: Tuning) -> str:
    best, objective = tuning.best, tuning.objectives[0]
    on = " on validation" if objective.name == "validation_accuracy" else ""
    equal = sum(trial.scores == best.scores for trial in tuning.trials) - 1
    tied = f" {count(equal, 'later trial', 'later trials')} came to the same score." if equal else ""
    score, several = objective.text(best.scores[0]), len(tuning.trials) > 1
    trials = f"Best of {whole(len(tuning.trials))} trials is" if several else "The only trial is"
    together = "All of them together" if several else "It"
    return (
        f"{trials} trial {best.number} with {score}{on}: {tuning.values(best)}. "
        f"{together} trained for {duration(tuning.search.seconds)}.{tied}"
    )


def _front(tuning: Tuning) -> str:
    trials = [trial for trial in tuning.trials if trial.number in tuning.front]
    first = tuning.objectives[0]
    trials.sort(key=lambda trial: -first.sign * trial.scores[0])
    scores = "; ".join(f"trial {one.number} with {_scores(tuning, one)}" for one in trials)
    stand = "stands" if len(trials) == 1 else "stand"
    finished = count(len(tuning.of("finished")), "finished trial", "finished trials")
    return (
        f"Of {finished} {len(trials)} {stand} on the Pareto front, where no objective gains without a loss in another: "
        f"{scores}. {tuning.net} goes on with the best by {first.name.replace('_', ' ')}, trial {tuning.best.number}: "
        f"{tuning.values(tuning.best)}."
    )


def _edges(tuning: Tuning) -> str:
    at = [one for one in tuning.settings if _at_edge(one, tuning.best)]
    if not at:
        return ""
    edges = listed([f"{one.label} ({shown(one.low)} to {shown(one.high)})" for one in at])
    lie = "lies at the edge of its range" if len(at) == 1 else "lie at the edges of their ranges"
    return f"The best {edges} {lie}: where that can be widened, there may be better values."


def _at_edge(setting: Setting, best: TrialResult) -> bool:
    if setting.choices or setting.key not in best.values:
        return False
    place = setting.place(best.values[setting.key])
    return min(place, 1 - place) < EDGE


def _weights(tuning: Tuning) -> str:
    if not tuning.importances:
        return ""
    labels = {one.key: one.label for one in tuning.settings}
    shares = [f"{labels.get(key, key)} ({100 * share:.0f} %)" for key, share in list(tuning.importances.items())[:2]]
    finished = len(tuning.of("finished"))
    rough = f"; from {finished} finished trials that is a rough estimate" if finished < FEW else ""
    then = f", then on {shares[1]}" if len(shares) > 1 else ""
    return f"The score depended most on {shares[0]}{then}{rough}."


def _pruned(tuning: Tuning) -> str:
    """What pruning saved; and whether one that was pruned stood above the best at the same epoch."""
    pruned = tuning.of("pruned")
    if not pruned or tuning.search.saved_epochs <= 0:
        return "" if tuning.search.pruner == "none" else "No trial was pruned."
    whole_search = tuning.search.epochs * len(tuning.trials)
    were, saved = "was" if len(pruned) == 1 else "were", whole(tuning.search.saved_epochs)
    text = (
        f"{len(pruned)} of {count(len(tuning.trials), 'trial', 'trials')} {were} pruned, which saved {saved} "
        f"of {whole(whole_search)} epochs ({percent(tuning.search.saved_epochs / whole_search)} %)."
    )
    pairs = [(one.accuracies[-1], tuning.best.accuracies[one.epochs - 1 : one.epochs]) for one in pruned if one.epochs]
    ahead = sum(bool(then) and mine > then[0] for mine, then in pairs)
    if len(pruned) == 1:
        return (
            f"{text} When stopped it was {'' if ahead else 'not '}ahead of what the best trial had at the same epoch."
        )
    return f"{text} When stopped, {ahead or 'none'} of them stood above what the best trial had at the same epoch."


def _failed(tuning: Tuning) -> str:
    failed = len(tuning.of("failed"))
    return f"{count(failed, 'trial', 'trials')} failed; the table says why." if failed else ""


def _trust() -> str:
    return (
        "The choice looked at validation alone; no trial was shown a test face. The highest of many scores is partly "
        "luck on the validation faces, so expect a little less elsewhere."
    )


def _accuracy(tuning: Tuning, trial: TrialResult) -> float | None:
    for place, objective in enumerate(tuning.objectives):
        if objective.name == "validation_accuracy":
            return tuning.score(trial, place)
    return trial.accuracies[-1] if trial.accuracies else None


def _scores(tuning: Tuning, trial: TrialResult) -> str:
    return " and ".join(one.text(score) for one, score in zip(tuning.objectives, trial.scores, strict=True))
