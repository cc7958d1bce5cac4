"""Timeline: when each face of a video was visible, and with which emotions; as a summary and as a plot."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.disk import whole_file
from mien.errors import UserError
from mien.faces.colours import colours
from mien.faces.sheet import FAINT, INK, picture_format
from mien.predict.tracking import Moment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_SPANS = 4096
"""The most spans of time in a timeline; in a long video neighbours are averaged."""

MAX_DRAWN = 8
"""The most faces in a plot: those visible longest."""

GAP = 1.0
"""Seconds without a face that are drawn as a gap."""

STEPS = 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400
"""Possible seconds between the ticks of a plot; there are about eight ticks at most."""

TITLE = 110
"""Letters of a title that fit above a plot; of a longer one the end is shown."""


@dataclass(eq=False)
class Span:
    """A face's probabilities, float64 [K], summed over seconds, between the times `start` and `end`."""

    start: float
    end: float
    seconds: float
    sums: NDArray[np.float64]


@dataclass(frozen=True)
class FaceTime:
    """A face in a video.

    Attributes:
        face: its number.
        first, last: times at which it was visible first and last, in seconds.
        seconds: how long it was visible.
        shares: of that time, in which each emotion was the most probable; they sum to 1.
    """

    face: int
    first: float
    last: float
    seconds: float
    shares: dict[str, float]


@dataclass(eq=False)
class _Record:
    shown: NDArray[np.float64]  # seconds in which each emotion was the most probable
    spans: list[Span] = field(default_factory=list)


class Timeline:
    """The faces of a video over time. Its memory grows with the number of faces, but not with the video's length.

    A frame lasts until the next one that is predicted, the last frame as long as the one before it.

    Args:
        classes: the emotions, in the order of the probabilities.

    Attributes:
        until: the time at which the last frame ends, in seconds, with or without a face.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes, self.until = tuple(classes), 0.0
        self._records: dict[int, _Record] = {}
        self._pending: Moment | None = None
        self._lasted, self._grain, self._count = 0.0, 0.0, 0

    def add(self, moment: Moment) -> None:
        """Add the faces of a frame, which is later than all before."""
        if self._pending:
            self._lasted = moment.frame.time - self._pending.frame.time
        self._store(self._lasted)
        self._pending = moment

    def end(self, lasts: float = 0.04) -> None:
        """End the timeline; a single frame lasts for `lasts` seconds."""
        self._store(self._lasted or lasts)

    def summary(self) -> list[FaceTime]:
        """Every face, those visible longest first."""
        faces = [
            FaceTime(
                number,
                record.spans[0].start,
                record.spans[-1].end,
                float(record.shown.sum()),
                dict(zip(self.classes, (record.shown / record.shown.sum()).tolist(), strict=True)),
            )
            for number, record in self._records.items()
        ]
        return sorted(faces, key=lambda one: (-one.seconds, one.face))

    def spans(self, face: int) -> list[Span]:
        """A face's probabilities over time."""
        return self._records[face].spans

    def _store(self, lasted: float) -> None:
        if self._pending is None:
            return
        moment, self._pending = self._pending, None
        time = moment.frame.time
        self.until = time + lasted
        for track, face in zip(moment.tracks, moment.prediction, strict=True):
            record = self._records.setdefault(track, _Record(np.zeros(len(self.classes))))
            record.shown[self.classes.index(face.emotion)] += lasted
            sums = lasted * np.array([face.probabilities[name] for name in self.classes])
            self._count += self._append(record.spans, Span(time, time + lasted, lasted, sums))
        while self._count > MAX_SPANS + 2 * len(self._records):
            self._coarsen()

    def _append(self, spans: list[Span], new: Span) -> int:
        """Add a span, or merge it into the last one where both are no longer than the grain; the number added."""
        if not spans or new.end - spans[-1].start > self._grain:
            spans.append(new)
            return 1
        last = spans[-1]
        last.end, last.seconds, last.sums = new.end, last.seconds + new.seconds, last.sums + new.sums
        return 0

    def _coarsen(self) -> None:
        """Double the grain and merge the spans within it."""
        longest = max(span.end - span.start for record in self._records.values() for span in record.spans)
        self._grain, self._count = 2 * max(self._grain, longest), 0
        for record in self._records.values():
            spans, record.spans = record.spans, []
            self._count += sum(self._append(record.spans, span) for span in spans)


def draw_timeline(timeline: Timeline, path: Path, title: str) -> None:
    """Draw the faces visible longest, a row each: its probabilities as areas stacked over time, into a PNG or SVG file.

    Raises:
        UserError: the file has another suffix, or it cannot be written.
    """
    from matplotlib import rc_context

    kind = picture_format(path)
    with (
        rc_context({"svg.hashsalt": "mien", "svg.fonttype": "none", "font.size": 9, "text.color": INK}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)  # the font may lack letters of the title
        figure = _figure(timeline, title)
        try:
            with whole_file(path) as temporary:
                figure.savefig(temporary, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def _figure(timeline: Timeline, title: str) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    faces = timeline.summary()
    drawn = sorted(faces[:MAX_DRAWN], key=lambda one: one.face)
    figure = Figure(figsize=(10, 1.1 * max(len(drawn), 1) + 1.3), facecolor="white", layout="constrained")
    rows = figure.subplots(max(len(drawn), 1), 1, sharex=True, squeeze=False)[:, 0]
    for axes, one in zip(rows, drawn, strict=False):
        _draw_row(axes, timeline.spans(one.face), timeline.classes)
        most = max(one.shares, key=lambda name: one.shares[name])
        label = f"face {one.face}\n{clock(one.seconds)} min\n{most} {100 * one.shares[most]:.0f} %"
        axes.set_ylabel(label, rotation=0, ha="right", va="center", color=INK)
    more = f"; of {len(faces)} faces the {MAX_DRAWN} seen longest" if len(faces) > MAX_DRAWN else ""
    heading = f"{title}{more}" if faces else f"{title}: no face was found"
    heading = heading if len(heading) <= TITLE else f"…{heading[1 - TITLE :]}"
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10, parse_math=False)
    for axes in rows:
        _hide_frame(axes)
    _draw_times(rows[-1], timeline.until)
    keys = [Patch(color=colour) for colour in colours(timeline.classes)]
    figure.legend(keys, timeline.classes, loc="outside lower center", ncols=len(keys), frameon=False)
    return figure


def _hide_frame(axes: "Axes") -> None:
    """Hide a row's frame except the line below it."""
    axes.set(ylim=(0, 1), yticks=[])
    axes.tick_params(color=FAINT, labelcolor=FAINT)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _draw_times(axes: "Axes", until: float) -> None:
    """Draw the time axis below a row, from 0 to the end."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    step = next((step for step in STEPS if until <= 8 * step), until / 8)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    axes.set_xlabel("minutes and seconds", color=FAINT)
    axes.set_xlim(0, until or 1)


def _draw_row(axes: "Axes", spans: Sequence[Span], classes: Sequence[str]) -> None:
    """Stack one face's probabilities; nothing is drawn where it was not visible."""
    begin = 0
    for place in range(1, len(spans) + 1):
        if place == len(spans) or spans[place].start - spans[place - 1].end > GAP:
            part = spans[begin:place]
            shares = np.array([span.sums / span.seconds for span in part])
            times = [part[0].start, *((span.start + span.end) / 2 for span in part), part[-1].end]
            shares = np.concatenate([shares[:1], shares, shares[-1:]])
            axes.stackplot(times, shares.T, colors=colours(classes), linewidth=0)
            begin = place


def clock(seconds: float) -> str:
    """A time as text: `1:05`, `2:01:05`; below one minute with tenths: `0:05.3`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    if round(seconds, 1) < 60:
        return f"0:{seconds:04.1f}".removesuffix(".0")
    return f"{whole // 60}:{whole % 60:02}"
