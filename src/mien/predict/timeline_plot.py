"""A timeline as a plot: a band for each face, its probabilities as areas stacked over time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.disk import whole_file
from mien.errors import UserError
from mien.faces.colours import colours
from mien.faces.sheet import FAINT, INK, picture_format
from mien.predict.timeline import Span, Timeline, clock

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from mien.notebook_figure import NotebookFigure

MAX_DRAWN = 8
"""The most faces in a plot: those visible longest."""

GAP = 1.0
"""Seconds without a face that are drawn as a gap."""

BAND = 0.86
"""The height of a face's band; the next face's begins at 1."""

STEPS = 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400
"""Possible seconds between the ticks of a plot; there are about eight ticks at most."""

TITLE = 110
"""Letters of a title that fit above a plot; of a longer one the end is shown."""

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mien",
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
}
"""matplotlib's settings for a plot that has a figure of its own."""


def plot_timeline(axes: Axes, timeline: Timeline) -> list[Artist]:
    """Draw the faces visible longest into axes, in their own style.

    Returns:
        a patch for each emotion, for a legend.
    """
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    drawn = sorted(timeline.summary()[:MAX_DRAWN], key=lambda one: one.face)
    labels = []
    for row, one in enumerate(drawn):
        _draw_band(axes, row, timeline.spans(one.face), timeline.classes)
        axes.axhline(row + BAND, color=FAINT, linewidth=0.8)
        share = 100 * one.shares[one.most_frequent]
        labels.append(f"face {one.face}\n{clock(one.seconds)} min\n{one.most_frequent} {share:.0f} %")
    axes.set_ylim(max(len(drawn), 1) - 1 + BAND, BAND - 1)
    axes.set_yticks([row + BAND / 2 for row in range(len(drawn))], labels)
    until = timeline.until
    step = next((step for step in STEPS if until <= 8 * step), until / 8)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    axes.set_xlabel("minutes and seconds")
    axes.set_xlim(0, until or 1)
    return [
        Patch(color=colour, label=name)
        for colour, name in zip(colours(timeline.classes), timeline.classes, strict=True)
    ]


def timeline_figure(timeline: Timeline, title: str) -> NotebookFigure:
    """The plot in a figure of its own, with a title and a legend."""
    from matplotlib import rc_context

    from mien.notebook_figure import NotebookFigure

    faces = timeline.summary()
    rows = min(max(len(faces), 1), MAX_DRAWN)
    more = f"of {len(faces)} faces the {MAX_DRAWN} seen longest" if len(faces) > MAX_DRAWN else ""
    heading = "; ".join(filter(None, (title, more if faces else "no face was found")))
    label = "; ".join([heading, *(f"face {one.face}: {one.most_frequent}" for one in faces[:MAX_DRAWN])])
    figure = NotebookFigure(720, 72 * (1.1 * rows + 1.3), label, STYLE)
    with rc_context(STYLE):
        keys = plot_timeline(figure.subplots(), timeline)
        heading = heading if len(heading) <= TITLE else f"…{heading[1 - TITLE :]}"
        figure.suptitle(heading, x=0.01, ha="left", fontsize=10, parse_math=False)
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False)
    return figure


def draw_timeline(timeline: Timeline, path: Path, title: str) -> None:
    """Draw the faces visible longest into a PNG or SVG file.

    Raises:
        UserError: the file has another suffix, or it cannot be written.
    """
    from matplotlib import rc_context

    kind = picture_format(path)
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the font may lack letters of the title
        figure = timeline_figure(timeline, title)
        try:
            with whole_file(path) as temporary:
                figure.savefig(temporary, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def _draw_band(axes: Axes, row: int, spans: Sequence[Span], classes: Sequence[str]) -> None:
    """Stack one face's probabilities from the band's lower edge up; nothing is drawn where it was not visible."""
    begin = 0
    for place in range(1, len(spans) + 1):
        if place == len(spans) or spans[place].start - spans[place - 1].end > GAP:
            part = spans[begin:place]
            shares = np.array([span.sums / span.seconds for span in part])
            times = [part[0].start, *((span.start + span.end) / 2 for span in part), part[-1].end]
            shares = np.concatenate([shares[:1], shares, shares[-1:]])
            edges = row + BAND * (1 - np.pad(shares.cumsum(axis=1), ((0, 0), (1, 0))))  # y grows downwards
            for label, colour in enumerate(colours(classes)):
                axes.fill_between(times, edges[:, label], edges[:, label + 1], color=colour, linewidth=0)
            begin = place
