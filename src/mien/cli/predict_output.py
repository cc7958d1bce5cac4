"""What `mien predict` says: text for people, JSON lines and csv for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from mien.predict.answers import Face, Prediction
    from mien.predict.paths import Named

BAR = 20
"""The width of a bar of probability on the terminal, in characters."""


@dataclass(frozen=True)
class Answer:
    """A photo's prediction, or why there is none."""

    path: Path
    prediction: Prediction | None = None
    error: str | None = None


def print_json(answer: Answer) -> None:
    """One object a line: `{"path": ..., "faces": [...]}` or `{"path": ..., "error": "..."}`."""
    told: dict[str, Any] = {"path": str(answer.path)}
    if answer.prediction is None:
        told["error"] = answer.error
    else:
        told |= {"size": list(answer.prediction.size), "faces": answer.prediction.as_json()}
    typer.echo(json.dumps(told, ensure_ascii=False))


def print_text(answer: Answer) -> None:
    """The photo's name, and a line for each face; a mistake goes to stderr."""
    if answer.prediction is None:
        typer.echo(f"mien: {answer.path}: {answer.error}", err=True)
        return
    count = len(answer.prediction)
    told = "no face found" if count == 0 else "1 face" if count == 1 else f"{count} faces"
    typer.echo(f"{answer.path}: {told}")
    for face in answer.prediction:
        typer.echo(_line(face))


def _line(face: Face) -> str:
    """`  happy     97.9 %  ####################  neutral 1.2 %, sad 0.4 %   at 203, 99: 109 x 150`."""
    first, *others = sorted(face.probabilities.items(), key=lambda entry: -entry[1])
    wide = max(map(len, face.probabilities))
    bar = ("#" * round(BAR * first[1])).ljust(BAR, ".")
    next_ones = ", ".join(f"{name} {100 * share:.1f} %" for name, share in others[:2])
    x, y, width, height = face.box
    return f"  {first[0]:<{wide}} {100 * first[1]:5.1f} %  {bar}  {next_ones:<32}  at {x}, {y}: {width} x {height}"


@contextmanager
def csv_file(path: Path, classes: Sequence[str]) -> Iterator[Callable[[Answer], None]]:
    """A csv file that appears whole at the end: a line for each face; for a photo without one, a line says why."""
    from mien.disk import whole_file

    columns = ["path", "face", "x", "y", "width", "height", "emotion", *classes, "found", "tilt", "error"]
    with whole_file(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()

        def write(answer: Answer) -> None:
            if not answer.prediction:
                writer.writerow({"path": answer.path, "error": answer.error or "no face found"})
                return
            for number, face in enumerate(answer.prediction):
                shares = {name: f"{share:.4f}" for name, share in face.probabilities.items()}
                facts = {"emotion": face.emotion, "found": f"{face.found:.3f}", "tilt": f"{face.tilt:.1f}"}
                writer.writerow({"path": answer.path, "face": number + 1} | face.box._asdict() | shares | facts)

        yield write


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
