"""Limits: how much a server takes at once, and from one request."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from mien.errors import UserError, did_you_mean


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Limits:
    """What is refused beyond, each with the status of the refusal.

    Attributes:
        bytes: of a request's body (413).
        images: in a request (413).
        pixels: of a photo, by its header, before it is decoded (413).
        faces: in a photo (422).
        queue: photos that are accepted and not answered yet (429).
        held: bytes of all bodies that are held together (429).
        seconds: from a photo's acceptance to its answer (503).
        upload_seconds: that a body may take to arrive (408).
        threads: photos that are looked at at once.
    """

    bytes: int = 20_000_000
    images: int = 16
    pixels: int = 50_000_000
    faces: int = 256
    queue: int = 64
    held: int = 400_000_000
    seconds: int = 30
    upload_seconds: int = 60
    threads: int = _cores()

    @classmethod
    def of(cls, words: Sequence[str]) -> "Limits":
        """The limits with some set otherwise.

        Args:
            words: `name=number` each.

        Raises:
            UserError: a name is unknown, or what stands beside it is no whole number of at least 1.
        """
        known = [field.name for field in fields(cls)]
        changed = {}
        for word in words:
            name, _, number = word.partition("=")
            if name not in known:
                raise UserError(f"--limit {word}: no limit is called {name!r}; {did_you_mean(name, known)}")
            if not number.isdecimal() or int(number) < 1:
                raise UserError(f"--limit {word}: expected {name}=NUMBER, a whole number of at least 1")
            changed[name] = int(number)
        return replace(cls(), **changed)
