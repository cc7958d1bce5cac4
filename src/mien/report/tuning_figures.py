"""Figures of a search: its history, importances, slices, parallel coordinates, the Pareto front."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mien.report.curves import STEEP
from mien.report.palette import light
from mien.report.svg import Drawing, legend, plain_ticks, sheet, svg_text, upright
from mien.report.tuning import Objective, Setting, Trial, Tuning, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STATES = {"finished": ("o", "validation", 6.0), "pruned": ("x", "gray", 6.0)}
"""How a trial's mark looks by its state: shape, colour role, size."""

BEST = "vermilion"
JITTER = 0.3
"""How far trials of the same choice are set apart, all in all, where choices lie 1 apart."""


def draw_tuning(tuning: Tuning) -> list[Drawing]:
    """Every figure of a search that its trials allow."""
    label = tuning.objectives[0].label.removesuffix(", %")
    pruned = " A cross: pruned, at its last accuracy." if tuning.of("pruned") else ""
    drawn = [
        Drawing(
            f"tuning-history-{tuning.net}",
            f"{tuning.net}: {label} by trial; the line is the best so far.{pruned}",
            draw_search(tuning),
        )
    ]
    if len(tuning.objectives) > 1:
        drawn += [
            Drawing(
                f"tuning-front-{other.name.replace('_', '-')}-{tuning.net}",
                f"{tuning.net}: {label} against {other.label}. Filled, with its trial's number: on the Pareto front.",
                draw_front(tuning, place),
            )
            for place, other in enumerate(tuning.objectives[1:], 1)
        ]
    if tuning.importances:
        caption = (
            f"{tuning.net}: the share of the variance of {label} that each setting explains, by fANOVA over trees."
        )
        drawn.append(Drawing(f"tuning-importances-{tuning.net}", caption, draw_importances(tuning)))
    return [
        *drawn,
        Drawing(
            f"tuning-slices-{tuning.net}",
            f"{tuning.net}: {label} against each setting.{pruned}",
            draw_slices(tuning),
        ),
        Drawing(
            f"tuning-parallel-{tuning.net}",
            f"{tuning.net}: a line a trial, from setting to setting down to its score: the darker, the better.",
            draw_parallel(tuning),
        ),
    ]


def draw_search(tuning: Tuning) -> str:
    """The first score by trial, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    objective = tuning.objectives[0]
    with sheet(235) as figure:
        axes = figure.subplots()
        steps = best_so_far(tuning)
        ends = [*steps, (tuning.trials[-1].number, steps[-1][1])]
        x, y = zip(*ends, strict=True)
        axes.plot(x, objective.factor * np.array(y), drawstyle="steps-post", color=light("validation"), lw=1.4)
        _dots(axes, tuning, lambda trial: float(trial.number))
        axes.set(xlabel="trial", ylabel=objective.label)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        legend(figure, 3)
        told = "; ".join(f"trial {number} {objective.text(score)}" for number, score in _rises(steps))
        return svg_text(figure, f"{objective.label} by trial. The best so far: {told}.")


def draw_importances(tuning: Tuning) -> str:
    """A bar for each setting, the longest on top."""
    labels = {one.key: one.label for one in tuning.settings}
    names = [labels[key] for key in tuning.importances]
    shares = 100 * np.array(list(tuning.importances.values()))
    with sheet(54 + 27 * len(names)) as figure:
        axes = figure.subplots()
        axes.barh(range(len(names)), shares, 0.6, color=light("validation"))
        for row, share in enumerate(shares):
            axes.text(share + 0.02 * shares.max(), row, f"{share:.0f}", va="center", fontsize=10.5)
        axes.set(yticks=range(len(names)), yticklabels=names, xlabel="share of the variance, %")
        axes.set_xlim(0, 1.15 * shares.max())
        upright(axes)
        told = "; ".join(f"{name} {share:.0f} %" for name, share in zip(names, shares, strict=True))
        return svg_text(figure, f"Importance of each setting: {told}.")


def draw_slices(tuning: Tuning) -> str:
    """The first score against each setting, in small pictures of one height."""
    objective, columns = tuning.objectives[0], min(2, len(tuning.settings))
    rows = -(-len(tuning.settings) // columns)
    with sheet(30 + 132 * rows) as figure:
        every = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axes, setting in zip(every, tuning.settings, strict=False):
            _dots(axes, tuning, lambda trial, setting=setting: _across(setting, trial))  # type: ignore[misc]
            axes.set_xlabel(setting.label)
            _scale(axes, setting)
        for axes in every[len(tuning.settings) :]:
            axes.axis("off")
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
        told = tuning.best.told(tuning.settings)
        return svg_text(figure, f"Parallel coordinates of {len(trials)} trials. The best: {told}.")


def draw_front(tuning: Tuning, other: int) -> str:
    """The first score of each finished trial against another, the Pareto front filled and numbered.

    Args:
        tuning: with several objectives.
        other: the place of the one on the horizontal axis.
    """
    first, second = tuning.objectives[0], tuning.objectives[other]
    points = {
        trial.number: (second.factor * trial.scores[other], first.factor * trial.scores[0])
        for trial in tuning.of("finished")
    }
    front = sorted(points[number] for number in tuning.front)
    with sheet(270) as figure:
        axes = figure.subplots()
        if len(tuning.objectives) == 2:
            drawstyle = "steps-post" if second.sign < 0 else "steps-pre"
            axes.plot(*zip(*front, strict=True), color=light("validation"), lw=1.4, drawstyle=drawstyle)
        for number, (x, y) in points.items():
            on_it = number in tuning.front
            fill = light("validation") if on_it else light("paper")
            axes.plot([x], [y], "o", ms=6.5, color=light("validation"), mfc=fill, alpha=1 if on_it else 0.6)
            if on_it:
                axes.annotate(str(number), (x, y), (5, 4), textcoords="offset points", fontsize=10.5)
        axes.set(xlabel=second.label, ylabel=first.label)
        axes.margins(0.12)
        xs = [x for x, _ in points.values()]
        if min(xs) > 0 and max(xs) > STEEP * min(xs):
            axes.set_xscale("log")
            plain_ticks(axes.xaxis)
        told = "; ".join(f"{second.label} {x:,.0f} at {first.label} {y:.3g}" for x, y in front)
        return svg_text(figure, f"{first.label} against {second.label}. The Pareto front: {told}.")


def best_so_far(tuning: Tuning) -> list[tuple[int, float]]:
    """After each finished trial, its number and the best first score until then."""
    sign, found, steps = tuning.objectives[0].sign, None, []
    for trial in tuning.of("finished"):
        score = trial.scores[0]
        found = score if found is None or sign * score > sign * found else found
        steps.append((trial.number, found))
    return steps


def _rises(steps: list[tuple[int, float]]) -> list[tuple[int, float]]:
    return [step for at, step in enumerate(steps) if at == 0 or step[1] != steps[at - 1][1]]


def _dots(axes: "Axes", tuning: Tuning, x: Callable[[Trial], float]) -> None:
    factor = tuning.objectives[0].factor
    for state, (mark, role, size) in STATES.items():
        points = [(x(trial), factor * score) for trial, score in tuning.scored if trial.state == state]
        if points:
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, mark, ms=size, color=light(role), alpha=0.75, mew=1.4, label=state)
    best = [x(tuning.best)], [factor * tuning.best.scores[0]]
    axes.plot(*best, "o", ms=11, color=light(BEST), mfc="none", mew=1.6, label="best")


def _across(setting: Setting, trial: Trial) -> float:
    """Where a trial stands on a setting's axis; those of one choice beside each other, the same way every time."""
    value = trial.values[setting.key]
    if not setting.choices:
        return float(value)
    golden = (trial.number * 0.618034) % 1 - 0.5
    return setting.choices.index(value) + JITTER * golden


def _scale(axes: "Axes", setting: Setting) -> None:
    from matplotlib.ticker import MaxNLocator

    if setting.choices:
        texts = [shown(value) for value in setting.choices]
        crowded = sum(map(len, texts)) > 24
        axes.set_xticks(range(len(texts)), texts, rotation=30 if crowded else 0, ha="right" if crowded else "center")
        axes.set_xlim(-0.5, len(texts) - 0.5)
        axes.grid(False, axis="x")
    elif setting.log:
        axes.set_xscale("log")
        axes.set_xlim(setting.low / 1.15, setting.high * 1.15)
    else:
        room = 0.05 * (setting.high - setting.low)
        axes.set_xlim(setting.low - room, setting.high + room)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=setting.whole))


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
