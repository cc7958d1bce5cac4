"""What `mien predict` says: text for people, JSON lines and csv for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.errors import UserError

if TYPE_CHECKING:
    from mien.predict.paths import Named
    from mien.predict.types import Face, Prediction

BAR = 20
"""The width of a bar of probability on the terminal, in characters."""


@dataclass(frozen=True)
class Answer:
    """A photo's prediction, or why there is none.

    Attributes:
        path: the photo or video.
        prediction: of the photo or the frame.
        error: why there is none; or, beside a prediction, why a picture of it could not be written.
        time: of a video's frame, in seconds.
        tracks: the numbers of a frame's faces, the same from frame to frame.
    """

    path: Path
    prediction: Prediction | None = None
    error: str | None = None
    time: float | None = None
    tracks: Sequence[int] = ()


def print_json(answer: Answer) -> None:
    """One object a line: `{"path": ..., "faces": [...]}` or `{"path": ..., "error": "..."}`; a frame has its `time`."""
    told: dict[str, Any] = {"path": str(answer.path)}
    if answer.prediction is None:
        told["error"] = answer.error
    else:
        faces = answer.prediction.as_json()
        if answer.time is not None:
            told["time"] = round(answer.time, 3)
            faces = [{"face": track, **face} for track, face in zip(answer.tracks, faces, strict=True)]
        told |= {"size": list(answer.prediction.size), "faces": faces}
        if answer.error is not None:
            told["error"] = answer.error
    typer.echo(_json(told))


def _json(told: dict[str, Any]) -> str:
    """One line of JSON; ASCII alone where a path has bytes that are no text, or letters that stdout has not."""
    line = json.dumps(told, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "utf-8", "strict")
    except UnicodeEncodeError:
        return json.dumps(told)
    return line


def print_text(answer: Answer) -> None:
    """The photo's name, and a line for each face; a mistake goes to stderr. Of a video's frames none is told."""
    from mien.predict.paths import shown

    name = shown(answer.path)
    if answer.prediction is not None and answer.time is None:
        count = len(answer.prediction)
        told = "no face found" if count == 0 else "1 face" if count == 1 else f"{count} faces"
        typer.echo(f"{name}: {told}")
        for face in answer.prediction:
            typer.echo(_line(face))
    if answer.error is not None:
        typer.echo(f"mien: {name}: {answer.error}", err=True)


def _line(face: Face) -> str:
    """`  happy     97.9 %  ####################  neutral 1.2 %, sad 0.4 %   at 203, 99: 109 x 150`."""
    first, *others = sorted(face.probabilities.items(), key=lambda entry: -entry[1])
    wide = max(map(len, face.probabilities))
    bar = ("#" * round(BAR * first[1])).ljust(BAR, ".")
    next_ones = ", ".join(f"{name} {100 * share:.1f} %" for name, share in others[:2])
    x, y, width, height = face.box
    return f"  {first[0]:<{wide}} {100 * first[1]:5.1f} %  {bar}  {next_ones:<32}  at {x}, {y}: {width} x {height}"


@contextmanager
def csv_file(path: Path, classes: Sequence[str], films: bool = False) -> Iterator[Callable[[Answer], None]]:
    """A csv file: a line for each face; for a photo without one, a line says why.

    It appears whole at the end, or when Ctrl-C stops the command: with what was told until then. That of films has a
    column `time` and grows as it is written, frame by frame: what was seen stays, whatever ends it. So does a link or a
    device, as /dev/stdout, whose place no file must take.

    Raises:
        UserError: it is a folder, is called as a photo or a video is, or cannot be written.
    """
    from mien.disk import whole_file
    from mien.faces.decoding import SUFFIXES
    from mien.predict.paths import VIDEOS

    if path.suffix.lower() in SUFFIXES | VIDEOS:
        raise UserError(f"--csv {path}: a name for a photo or a video, which would be lost; name a csv file")
    timed = ["time"] if films else []
    columns = ["path", *timed, "face", "x", "y", "width", "height", "emotion", *classes, "score", "roll", "error"]
    stopped = None
    try:
        with ExitStack() as stack:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise UserError(f"--csv {path}: a folder; name a file in it")
            grows = films or path.is_symlink() or (path.exists() and not path.is_file())
            written = path if grows else stack.enter_context(whole_file(path))
            # Bytes of a name that are no text would make the whole file none.
            file = stack.enter_context(written.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()

            def write(answer: Answer) -> None:
                writer.writerows(_rows(answer))
                if grows:
                    file.flush()

            try:
                yield write
            except KeyboardInterrupt as stop:  # what is told is done, and was long work perhaps
                stopped = stop
    except BrokenPipeError:  # who reads stdout has gone; the csv file has no part in it
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    if stopped:
        typer.echo(f"mien: {path}: has the photos that were told", err=True)
        raise stopped


def _rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """The lines of a csv file that tell an answer; a film's frame without a face has none."""
    about: dict[str, Any] = {"path": answer.path}
    if answer.time is not None:
        about["time"] = f"{answer.time:.3f}"
    elif not answer.prediction:
        yield about | {"error": answer.error or "no face found"}
    for number, face in enumerate(answer.prediction or ()):
        shares = {name: f"{share:.4f}" for name, share in face.probabilities.items()}
        facts = {"emotion": face.emotion, "score": f"{face.score:.3f}", "roll": f"{face.roll:.1f}"}
        if answer.error is not None:
            facts["error"] = answer.error
        track = answer.tracks[number] if answer.tracks else number + 1
        yield about | {"face": track} | face.box._asdict() | shares | facts


def progress(files: Sequence[Named]) -> Iterator[Named]:
    """Give the files one by one; count them on a terminal that does not see the answers."""
    shown = len(files) > 1 and sys.stderr.isatty() and not sys.stdout.isatty()
    for number, file in enumerate(files):
        if shown:
            sys.stderr.write(f"\r\x1b[K{number + 1:,} of {len(files):,}: {file.path.name}")
            sys.stderr.flush()
        yield file
    if shown:
        sys.stderr.write("\r\x1b[K")
