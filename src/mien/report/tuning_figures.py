"""Figures of a search: its history, the settings' importances, the Pareto front, and what was tried."""

from typing import TYPE_CHECKING

import numpy as np

from mien.report.curves import STEEP
from mien.report.palette import light
from mien.report.plot import Plot
from mien.report.svg import Drawing, plain_ticks, role_colour, sheet, svg_text, upright
from mien.report.tuning import Tuning
from mien.report.tuning_coordinates import dots, draw_parallel, draw_slices

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_tuning(tuning: Tuning) -> list[Drawing]:
    """Every figure of a search that its trials allow."""
    label = tuning.objectives[0].label.removesuffix(", %")
    pruned = " A cross: pruned, at its last accuracy." if tuning.of("pruned") else ""
    grey = " Gray: pruned." if pruned else ""
    drawn = [
        Drawing(
            f"tuning-history-{tuning.net}",
            f"{tuning.net}: {label} by trial; the line is the best so far.{pruned}",
            search_plot(tuning).svg,
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
            f"{tuning.net}: how much of the variance of {label} each setting explains (fANOVA, Hutter et al. 2014)."
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
            f"{tuning.net}: a line a trial, from setting to setting down to its score. Fuller colour: better; "
            f"orange: the best.{grey}",
            draw_parallel(tuning),
        ),
    ]


def plot_search(axes: "Axes", tuning: Tuning) -> None:
    """The first score by trial, and the best so far."""
    from matplotlib.ticker import MaxNLocator

    objective, steps = tuning.objectives[0], best_so_far(tuning)
    ends = [*steps, (tuning.trials[-1].number, steps[-1][1])]
    x, y = zip(*ends, strict=True)
    colour = role_colour(axes, "validation")
    axes.plot(x, objective.factor * np.array(y), drawstyle="steps-post", color=colour, lw=1.4)
    dots(axes, tuning, lambda trial: float(trial.number))
    axes.set(xlabel="trial", ylabel=objective.label)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def search_plot(tuning: Tuning) -> Plot:
    """`plot_search` as a plot."""
    objective = tuning.objectives[0]
    bests = "; ".join(f"trial {number} {objective.text(score)}" for number, score in _rises(best_so_far(tuning)))
    label = f"{objective.label} by trial. The best so far: {bests}."
    return Plot(lambda axes: plot_search(axes, tuning), label, height=235, legend_columns=3)


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
        axes.set_xlim(0, 1.15 * max(shares.max(), 1.0))
        upright(axes)
        listed = "; ".join(f"{name} {share:.0f} %" for name, share in zip(names, shares, strict=True))
        return svg_text(figure, f"Importance of each setting: {listed}.")


def draw_front(tuning: Tuning, other: int) -> str:
    """The first score of each finished trial against another, the Pareto front filled and numbered.

    Args:
        tuning: with several objectives.
        other: the place of the one on the horizontal axis.
    """
    from matplotlib.ticker import StrMethodFormatter

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
        for point in dict.fromkeys(front):
            numbers = ", ".join(str(number) for number in sorted(tuning.front) if points[number] == point)
            axes.annotate(numbers, point, (5, 4), textcoords="offset points", fontsize=10.5)
        axes.set(xlabel=second.label, ylabel=first.label)
        axes.margins(0.12)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}" if second.factor == 1 else "{x:g}"))
        xs = [x for x, _ in points.values()]
        if min(xs) > 0 and max(xs) > STEEP * min(xs):
            axes.set_xscale("log")
            plain_ticks(axes.xaxis)
        points_of_front = "; ".join(f"{second.label} {x:,.0f} at {first.label} {y:.3g}" for x, y in front)
        return svg_text(figure, f"{first.label} against {second.label}. The Pareto front: {points_of_front}.")


def best_so_far(tuning: Tuning) -> list[tuple[int, float]]:
    """After each finished trial, its number and the best first score until then."""
    sign, best, steps = tuning.objectives[0].sign, None, []
    for trial in tuning.of("finished"):
        score = trial.scores[0]
        best = score if best is None or sign * score > sign * best else best
        steps.append((trial.number, best))
    return steps


def _rises(steps: list[tuple[int, float]]) -> list[tuple[int, float]]:
    return [step for at, step in enumerate(steps) if at == 0 or step[1] != steps[at - 1][1]]
