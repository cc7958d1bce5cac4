"""`mien predict` on videos and cameras: told as they go, drawn and summed up at their end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mien.cli.predict_output import Answer
    from mien.predict.predictor import Predictor
    from mien.predict.timeline import Timeline
    from mien.predict.tracking import Moment
    from mien.predict.video import Every, Video

LISTED = 12
"""Faces of a summary: those seen longest."""

PICTURES = 10.0
"""Frames a second that are recorded of a camera."""


@dataclass(frozen=True)
class Watching:
    """How a video is watched: which frames, smoothed by which half-life in seconds, each frame a face or not."""

    every: Every
    smooth: float = 0.0
    crop: bool = False


def film(
    video: Video,
    predictor: Predictor,
    how: Watching,
    outputs: Sequence[Callable[[Answer], None]],
    place: Path | None = None,
    told: bool = True,
) -> bool:
    """Watch a video to its end, or until Ctrl-C; a camera also until q is pressed.

    Args:
        video: an opened file or camera; it is closed.
        predictor: finds and classifies the faces.
        how: what to look at.
        outputs: each is given every frame's answer, and at last what went wrong.
        place: of the pictures, without an ending: `place.faces.mp4` and `place.timeline.svg`; None: no pictures.
        told: print a summary.

    Returns:
        Whether the video was whole.

    Raises:
        UserError: there is not a single frame, or a picture cannot be written.
        KeyboardInterrupt: a file was stopped; what was read until then has been written.
    """
    from mien.cli.predict_output import Answer
    from mien.predict.timeline import Timeline, draw_timeline
    from mien.predict.tracking import watch

    path, timeline, frames, stopped = Path(video.name), Timeline(predictor.classes), 0, False
    with video, ExitStack() as stack:
        picture = None if place is None else stack.enter_context(_recorder(place, video, how.every))
        show = stack.enter_context(_live_line(video))
        asked_to_end = stack.enter_context(_keys()) if video.live else bool
        try:
            for moment in watch(video, predictor, how.every, how.smooth, how.crop):
                frames += 1
                timeline.add(moment.frame.time, moment.sightings)
                for output in outputs:
                    output(Answer(path, moment.prediction, time=moment.frame.time, tracks=moment.tracks))
                if picture:
                    picture(moment)
                show(moment)
                if asked_to_end():
                    break
        except KeyboardInterrupt:
            stopped = True
    timeline.end(1 / video.rate)
    if place is not None and frames:
        draw_timeline(timeline, place.with_name(f"{place.name}.timeline.svg"), video.name)
    if told:
        _sum_up(video.name, timeline, frames)
    if video.trouble:
        for output in outputs:
            output(Answer(path, error=video.trouble.removeprefix(f"{path}: ")))
    if stopped and not video.live:
        raise KeyboardInterrupt
    return not video.trouble


@contextmanager
def _recorder(place: Path, video: Video, every: Every) -> Iterator[Callable[[Moment], None]]:
    """Draws moments into `place.faces.mp4`, at the speed at which they happened."""
    import numpy as np

    from mien.predict.drawing import draw
    from mien.predict.recording import record

    rate = PICTURES if video.live else video.rate / every.frames
    slowest = 1 / every.seconds if every.seconds else rate
    with record(place.with_name(f"{place.name}.faces.mp4"), max(min(rate, slowest), 1.0)) as recording:
        yield lambda moment: recording.add(
            moment.frame.time, np.asarray(draw(moment.frame.pixels, moment.prediction, moment.tracks))
        )


@contextmanager
def _live_line(video: Video) -> Iterator[Callable[[Moment], None]]:
    """A line on the terminal that says where the video is and who is seen; nothing where nobody would see it."""
    from shutil import get_terminal_size

    from mien.predict.timeline import clock

    if not sys.stderr.isatty():
        yield lambda _: None
        return
    whole = f" of {clock(video.count / video.rate)}" if video.count else ""
    end = " (q ends)" if video.live else ""

    def show(moment: Moment) -> None:
        faces = (
            f"{track} {face.emotion} {100 * face.probabilities[face.emotion]:.0f} %"
            for track, face in zip(moment.tracks, moment.prediction, strict=True)
        )
        line = f"{clock(moment.frame.time)}{whole}{end}  {'   '.join(faces) or 'no face'}"
        sys.stderr.write(f"\r\x1b[K{line[: get_terminal_size().columns - 1]}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")


@contextmanager
def _keys() -> Iterator[Callable[[], bool]]:
    """Tells whether q was pressed since it was asked last; never, where there is no keyboard to be read."""
    import os

    try:
        import termios
        import tty
        from select import select
    except ImportError:
        yield lambda: False
        return
    keyboard = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else -1
    if keyboard < 0 or os.tcgetpgrp(keyboard) != os.getpgrp():  # a job in the background would be halted
        yield lambda: False
        return
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield lambda: bool(select([keyboard], [], [], 0)[0]) and b"q" in os.read(keyboard, 64).lower()
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _sum_up(name: str, timeline: Timeline, frames: int) -> None:
    """Print who was seen for how long, and how they looked."""
    from mien.predict.timeline import clock

    faces = timeline.summary()
    seen = "no face found" if not faces else "1 face" if len(faces) == 1 else f"{len(faces)} faces"
    typer.echo(f"{name}: {frames:,} frames looked at, {seen}")
    for one in faces[:LISTED]:
        most = sorted(one.shares.items(), key=lambda share: -share[1])
        looks = ", ".join(f"{emotion} {100 * share:.0f} %" for emotion, share in most if share >= 0.005)
        when = f"from {clock(one.first)} to {clock(one.last)}"
        typer.echo(f"  face {one.face:<4} {when:<24} seen {clock(one.seconds):>6}   {looks}")
    if len(faces) > LISTED:
        typer.echo(f"  and {len(faces) - LISTED} more, each seen for {clock(faces[LISTED].seconds)} at most")
