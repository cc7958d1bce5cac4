"""What a terminal shows while something is read that takes its time."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reading_faces() -> Iterator[None]:
    """Say that faces are being read: FER2013's compressed csv takes some ten seconds, the first time."""
    from rich.console import Console

    with Console(stderr=True).status("reading the faces; the next time they come from the cache"):
        yield
