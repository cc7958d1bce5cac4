"""`mien predict` on videos and cameras: print, record and draw each frame, and a summary at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.errors import UserError, counted

if TYPE_CHECKING:
    from mien.cli.predict_output import Answer
    from mien.predict.paths import InputFile
    from mien.predict.predictor import Predictor
    from mien.predict.timeline import Timeline
    from mien.predict.tracking import Moment
    from mien.predict.video import Every, Video

LISTED = 12
"""How many faces a summary lists: those seen longest."""

PICTURES = 10.0
"""Frames per second of a camera's recording."""


@dataclass(frozen=True)
class Watching:
    """How videos are analysed.

    Attributes:
        every: which frames are analysed.
        smooth: half-life in seconds of the probabilities' average over time.
        crop: each frame is a face already.
        save: the folder of the pictures, `place.faces.mp4` and `place.timeline.svg`; None draws nothing.
    """

    every: Every
    smooth: float
    crop: bool
    save: Path | None

    @classmethod
    def of(cls, every: str, smooth: float, crop: bool, save: Path | None) -> Watching:
        """Make it of the command line's options.

        Raises:
            UserError: `every` is neither frames nor seconds.
        """
        from mien.predict.video import Every

        return cls(Every.of(every), smooth, crop, save)


Output = Callable[["Answer"], None]


def watch_file(file: InputFile, predictor: Predictor, how: Watching, outputs: Sequence[Output]) -> bool:
    """Analyse a video file to its end, and print what goes wrong with it.

    Returns:
        Whether all went well.

    Raises:
        KeyboardInterrupt: it was stopped; what was analysed until then has been written.
    """
    from mien.cli.predict_output import Answer
    from mien.predict.video import open_video

    try:
        video = open_video(file.path)
        stopped = _watch(video, file.path, file.place, predictor, how, outputs)
        trouble = video.trouble
    except UserError as error:
        stopped, trouble = False, str(error)
    if trouble:
        for output in outputs:
            output(Answer(file.path, error=trouble.removeprefix(f"{file.path}: ")))
    if stopped:
        raise KeyboardInterrupt
    return not trouble


def watch_camera(words: Sequence[str], predictor: Predictor, how: Watching, outputs: Sequence[Output]) -> None:
    """Analyse a camera's frames until Ctrl-C or the key q; `words` has the camera's number, by default 0.

    Raises:
        UserError: `words` is not one number, or there is no such camera.
    """
    from mien.predict.video import open_camera

    if len(words) > 1 or any(not (word.isascii() and word.isdigit() and len(word) < 4) for word in words):
        raise UserError(
            f"--webcam {' '.join(words)}: give nothing, or the number of one camera; videos without --webcam"
        )
    number = int(words[0]) if words else 0
    video = open_camera(number)
    _watch(video, Path(video.name), Path(f"camera-{number}"), predictor, how, outputs)
    if video.trouble:
        raise UserError(video.trouble)


def _watch(
    video: Video, path: Path, place: Path, predictor: Predictor, how: Watching, outputs: Sequence[Output]
) -> bool:
    """Analyse an opened video, and close it: print and draw each frame, and a summary at the end.

    Returns:
        Whether it was stopped by Ctrl-C.
    """
    from mien.cli.predict_output import Answer, print_json
    from mien.extras import install_command, is_installed
    from mien.predict.paths import shown
    from mien.predict.timeline import Timeline
    from mien.predict.timeline_plot import draw_timeline
    from mien.predict.tracking import track_video

    timeline, frames, stopped = Timeline(predictor.classes), 0, False
    with video, ExitStack() as stack:
        draw = stack.enter_context(_recorder(how.save / place, video, how.every)) if how.save else None
        show = stack.enter_context(_live_line(video))
        quit_pressed: Callable[[], bool] = bool
        if video.live:
            from mien.cli.keyboard import q_pressed

            quit_pressed = stack.enter_context(q_pressed())
        try:
            for moment in track_video(video, predictor, how.every, how.smooth, how.crop):
                frames += 1
                timeline.add(moment)
                for output in outputs:
                    output(Answer(path, moment.prediction, time=moment.frame.time, tracks=moment.tracks))
                if draw:
                    draw(moment)
                show(moment)
                if quit_pressed():
                    break
        except KeyboardInterrupt:
            stopped = True
    timeline.end(1 / video.rate)
    if how.save and frames:
        target = how.save / place
        if is_installed("matplotlib"):
            draw_timeline(timeline, target.with_name(f"{target.name}.timeline.svg"), shown(path))
        else:
            needed = f"it needs matplotlib, which the extra train brings: {install_command('train')}"
            typer.echo(f"note: no timeline is drawn; {needed}", err=True)
    if print_json not in outputs:
        _sum_up(path, timeline, frames)
    return stopped


@contextmanager
def _recorder(place: Path, video: Video, every: Every) -> Iterator[Callable[[Moment], None]]:
    """Record moments as `place.faces.mp4`, at the speed at which they happened."""
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
    """Show the time and the faces on one line of the terminal; nothing if stderr is no terminal."""
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


def _sum_up(path: Path, timeline: Timeline, frames: int) -> None:
    """Print how long each face was seen, and its emotions."""
    from mien.cli.predict_output import counted_faces
    from mien.predict.paths import shown
    from mien.predict.timeline import clock

    faces = timeline.summary()
    typer.echo(f"{shown(path)}: {counted(frames, 'frame')} looked at, {counted_faces(len(faces))}")
    for one in faces[:LISTED]:
        most = sorted(one.shares.items(), key=lambda share: -share[1])
        looks = ", ".join(f"{emotion} {100 * share:.0f} %" for emotion, share in most if share >= 0.005)
        when = f"from {clock(one.first)} to {clock(one.last)}"
        typer.echo(f"  face {one.face:<4} {when:<24} seen {clock(one.seconds):>6}   {looks}")
    if len(faces) > LISTED:
        typer.echo(f"  and {len(faces) - LISTED} more, each seen for {clock(faces[LISTED].seconds)} at most")
