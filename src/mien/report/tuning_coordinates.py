"""Figures of what a search tried: the score against each setting, and all settings of a trial in one line."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mien.report.palette import light
from mien.report.svg import legend, plain_ticks, role_colour, sheet, svg_text, upright
from mien.report.tuning import Objective, Setting, Tuning, shown
from mien.runs.search_results import TrialResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATES = {"finished": ("o", "validation", 6.0), "pruned": ("x", "gray", 6.0)}
"""How a trial's mark looks by its state: shape, colour role, size."""

BEST = "vermilion"
JITTER = 0.3
"""How far trials of the same choice are set apart, all in all, where choices lie 1 apart."""


def draw_slices(tuning: Tuning) -> str:
    """The first score against each setting, in small pictures of one height."""
    objective, columns = tuning.objectives[0], min(2, len(tuning.settings))
    rows = -(-len(tuning.settings) // columns)
    with sheet(30 + 132 * rows) as figure:
        figure.get_layout_engine().set(h_pad=0.09)  # type: ignore[union-attr, call-arg]
        every = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axes, setting in zip(every, tuning.settings, strict=False):
            dots(axes, tuning, lambda trial, setting=setting: _across(setting, trial))  # type: ignore[misc]
            axes.set_xlabel(setting.label)
            _scale(axes, setting)
        for axes in every[len(tuning.settings) :]:
            axes.axis("off")
        every[0].margins(y=0.12)
        figure.supylabel(objective.label, fontsize=11, color=light("muted"))
        legend(figure, 3)
        names = ", ".join(one.label for one in tuning.settings)
        return svg_text(figure, f"{objective.label} of the trials against each of {names}.")


def draw_parallel(tuning: Tuning) -> str:
    """A row for each setting and objective, and a line through them for each trial.

    Rows rather than columns, so that every name can be read however many there are.
    """
    trials = [(trial, score) for trial, score in tuning.scored if trial.scores or len(tuning.objectives) == 1]
    ordered = sorted(trials, key=lambda pair: tuning.objectives[0].sign * pair[1])
    bounds = [_bounds(tuning, place) for place in range(len(tuning.objectives))]
    names = [*(one.label for one in tuning.settings), *(_short(one) for one in tuning.objectives)]
    with sheet(34 + 46 * len(names)) as figure:
        axes = figure.subplots()
        for rank, (trial, _) in enumerate(ordered, 1):
            places = [one.place(trial.values[one.key]) for one in tuning.settings]
            scores = [tuning.score(trial, place) for place in range(len(bounds))]
            places += [_share(score, bound) for score, bound in zip(scores, bounds, strict=True)]
            best = trial.number == tuning.best.number
            colour = light(BEST if best else STATES.get(trial.state, STATES["pruned"])[1])
            opacity = 1.0 if best else 0.1 + 0.7 * rank / len(ordered) if trial.state == "finished" else 0.35
            axes.plot(places, range(len(names)), color=colour, lw=2.4 if best else 1.3, alpha=opacity, zorder=2 + best)
        for row in range(len(names)):
            axes.axhline(row, color=light("rule"), lw=0.8, zorder=1)
        ends = [_marks(one) for one in tuning.settings]
        ends += [
            [(0.0, _number(one, low)), (1.0, _number(one, high))]
            for one, (low, high) in zip(tuning.objectives, bounds, strict=True)
        ]
        for row, marks in enumerate(ends):
            for place, text in marks:
                box = {"facecolor": light("paper"), "edgecolor": "none", "pad": 1.0, "alpha": 0.75}
                axes.text(place, row + 0.12, text, ha="center", va="top", fontsize=9.5, color=light("muted"), bbox=box)
        axes.set(yticks=range(len(names)), yticklabels=names, xticks=[], xlim=(-0.07, 1.07))
        axes.set_ylim(len(names) - 0.45, -0.3)
        axes.spines["bottom"].set_visible(False)
        upright(axes, invert=False)
        number = f"{len(trials)} trial{'' if len(trials) == 1 else 's'}"
        return svg_text(figure, f"Parallel coordinates of {number}. The best: {tuning.values(tuning.best)}.")


def dots(axes: "Axes", tuning: Tuning, x: Callable[[TrialResult], float]) -> None:
    """Set the first score of each trial at its x, marked by its state; a ring about the best."""
    factor = tuning.objectives[0].factor
    for state, (mark, role, size) in STATES.items():
        points = [(x(trial), factor * score) for trial, score in tuning.scored if trial.state == state]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, mark, ms=size, color=role_colour(axes, role), alpha=0.75, mew=1.4, label=state)
    best = [x(tuning.best)], [factor * tuning.best.scores[0]]
    axes.plot(*best, "o", ms=11, color=role_colour(axes, BEST), mfc="none", mew=1.6, label="best")


def _across(setting: Setting, trial: TrialResult) -> float:
    """Where a trial stands on a setting's axis; those of one choice beside each other, the same way every time."""
    value = trial.values[setting.key]
    if not setting.choices:
        assert isinstance(value, int | float)
        return float(value)
    golden = (trial.number * 0.618034) % 1 - 0.5
    return setting.choices.index(value) + JITTER * golden


def _scale(axes: "Axes", setting: Setting) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator

    if setting.choices:
        texts = [shown(value) for value in setting.choices]
        crowded = sum(map(len, texts)) > 24
        axes.set_xticks(range(len(texts)), texts, rotation=30 if crowded else 0, ha="right" if crowded else "center")
        axes.set_xlim(-0.5, len(texts) - 0.5)
        axes.grid(False, axis="x")
    elif setting.log:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
        axes.xaxis.set_major_locator(LogLocator(subs=(1,) if setting.high >= 100 * setting.low else (1, 3)))
        axes.set_xlim(setting.low / 1.15, setting.high * 1.15)
    else:
        room = 0.05 * (setting.high - setting.low)
        axes.set_xlim(setting.low - room, setting.high + room)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=setting.whole))


def _marks(setting: Setting) -> list[tuple[float, str]]:
    """The values to write along a setting's row, and where."""
    values = setting.choices or (setting.low, setting.high)
    return [(setting.place(value), shown(value)) for value in values]


def _bounds(tuning: Tuning, place: int) -> tuple[float, float]:
    scores = [score for trial in tuning.trials if (score := tuning.score(trial, place)) is not None]
    return min(scores), max(scores)


def _share(score: float | None, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return 0.5 if score is None or low == high else (score - low) / (high - low)


def _number(objective: Objective, score: float) -> str:
    return f"{100 * score:.1f}" if objective.factor == 100 else f"{score:,.0f}"


def _short(objective: Objective) -> str:
    return "validation, %" if objective.name == "validation_accuracy" else objective.label
