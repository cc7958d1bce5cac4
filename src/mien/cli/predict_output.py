"""The output of `mien predict`: text for people, JSON lines and csv for programs."""

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

from mien.errors import UserError, counted

if TYPE_CHECKING:
    from mien.predict.paths import InputFile
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
    line: dict[str, Any] = {"path": str(answer.path)}
    if answer.prediction is None:
        line["error"] = answer.error
    else:
        faces = answer.prediction.as_json()
        if answer.time is not None:
            line["time"] = round(answer.time, 3)
            faces = [{"face": track, **face} for track, face in zip(answer.tracks, faces, strict=True)]
        line |= {"size": list(answer.prediction.size), "faces": faces}
        if answer.error is not None:
            line["error"] = answer.error
    typer.echo(_json(line))


def _json(entries: dict[str, Any]) -> str:
    """One line of JSON; in ASCII if stdout's encoding lacks a letter of it, or a path has bytes that are no text."""
    line = json.dumps(entries, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding or "utf-8", "strict")
    except UnicodeEncodeError:
        return json.dumps(entries)
    return line


def print_text(answer: Answer) -> None:
    """Print a photo's name and a line for each face, an error to stderr; nothing for a video's frames."""
    from mien.predict.paths import shown

    name = shown(answer.path)
    if answer.prediction is not None and answer.time is None:
        typer.echo(f"{name}: {counted_faces(len(answer.prediction))}")
        for face in answer.prediction:
            typer.echo(_line(face))
    if answer.error is not None:
        typer.echo(f"mien: {name}: {answer.error}", err=True)


def counted_faces(number: int) -> str:
    """`no face found`, `1 face`, `2 faces`."""
    return counted(number, "face") if number else "no face found"


def _line(face: Face) -> str:
    """`  happy     97.9 %  ####################  neutral 1.2 %, sad 0.4 %   at 203, 99: 109 x 150`."""
    first, *rest = sorted(face.probabilities.items(), key=lambda entry: -entry[1])
    longest = max(map(len, face.probabilities))
    bar = ("#" * round(BAR * first[1])).ljust(BAR, ".")
    second = ", ".join(f"{name} {100 * share:.1f} %" for name, share in rest[:2])
    x, y, width, height = face.box
    return f"  {first[0]:<{longest}} {100 * first[1]:5.1f} %  {bar}  {second:<32}  at {x}, {y}: {width} x {height}"


@contextmanager
def csv_file(path: Path, classes: Sequence[str], films: bool = False) -> Iterator[Callable[[Answer], None]]:
    """Write a csv file: a line for each face; a photo without a face has a line that says why.

    The file appears when all is written, or when Ctrl-C stops the command, with what was printed until then. A csv file
    of videos has a column `time` and grows frame by frame, so that what is written stays. So does a link or a device
    such as /dev/stdout, which must not be replaced by a file.

    Raises:
        UserError: it is a folder, has the name of a photo or a video, or cannot be written.
    """
    from mien.disk import whole_file
    from mien.faces.decoding import SUFFIXES
    from mien.predict.paths import VIDEOS

    if path.suffix.lower() in SUFFIXES | VIDEOS:
        raise UserError(f"--csv {path}: the name of a photo or a video, which would be overwritten; name a csv file")
    timed = ["time"] if films else []
    columns = ["path", *timed, "face", "x", "y", "width", "height", "emotion", *classes, "score", "roll", "error"]
    stopped = None
    try:
        with ExitStack() as stack:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise UserError(f"--csv {path}: is a folder; name a file in it")
            grows = films or path.is_symlink() or (path.exists() and not path.is_file())
            written = path if grows else stack.enter_context(whole_file(path))
            # A file name may have bytes that are no text.
            file = stack.enter_context(written.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()

            def write(answer: Answer) -> None:
                writer.writerows(_rows(answer))
                if grows:
                    file.flush()

            try:
                yield write
            except KeyboardInterrupt as stop:  # what is done may have taken long, so it is saved
                stopped = stop
    except BrokenPipeError:  # the reader of stdout has gone; the csv file is not the cause
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    if stopped:
        typer.echo(f"mien: {path}: has the photos that were finished", err=True)
        raise stopped


def _rows(answer: Answer) -> Iterator[dict[str, Any]]:
    """The lines of a csv file for an answer; a video's frame without a face has none."""
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


def progress(files: Sequence[InputFile]) -> Iterator[InputFile]:
    """Give the files one by one; count them on stderr if that is a terminal and stdout is not."""
    shown = len(files) > 1 and sys.stderr.isatty() and not sys.stdout.isatty()
    for number, file in enumerate(files):
        if shown:
            sys.stderr.write(f"\r\x1b[K{number + 1:,} of {len(files):,}: {file.path.name}")
            sys.stderr.flush()
        yield file
    if shown:
        sys.stderr.write("\r\x1b[K")
