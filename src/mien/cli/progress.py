"""Progress on stderr while a command works: a spinner, a bar, or a line every ten seconds."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVERY = 10.0
"""Seconds between the lines that are written where there is no terminal."""


@contextmanager
def reading_faces() -> Iterator[None]:
    """Show that faces are being read: the first time, FER2013's compressed csv takes some ten seconds."""
    from rich.console import Console

    with Console(stderr=True).status("reading the faces; the next time they come from the cache"):
        yield


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Count things on stderr: a bar with rate and time left on a terminal, a line every ten seconds elsewhere.

    Args:
        what: what is counted, as "photos".
        total: how many there are.

    Yields:
        the function to call after each; any thread may call it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    started = printed = time.monotonic()
    with Progress(TextColumn(what), *columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, rate="")

        def one_more() -> None:
            nonlocal printed
            bar.advance(task)
            now, done = time.monotonic(), int(bar.tasks[0].completed)
            rate = _rate(done, max(now - started, 1e-9))
            bar.update(task, rate=rate)
            if not console.is_terminal and now - printed > EVERY:
                printed = now
                console.print(f"{what}: {done:,} of {total:,}, {rate}", highlight=False)

        yield one_more


def _rate(done: int, seconds: float) -> str:
    return f"{done / seconds:,.1f}/s" if done >= seconds else f"{seconds / done:,.1f} s each"
