"""Watching studies: who listens is told of what changes in their folders, from one place that looks at file times."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import asdict
from typing import Literal, NamedTuple

from mien.serve.run_folders import Stamp
from mien.serve.studies import Studies, Study

EVERY = 0.5
"""Seconds between two looks."""

LISTENERS = 64
"""More are refused."""

WAITING = 256
"""Messages that a listener may be behind; beyond that it is let go, and may come again for the whole."""

Stamps = dict[str, tuple[Stamp | str | None, ...]]


class Message(NamedTuple):
    """A change: a study whole, or one of its runs, as JSON."""

    kind: Literal["study", "run"]
    data: str


class Watch:
    """Tells any number of listeners of changes; looks only at studies that somebody listens to.

    Args:
        studies: the studies.
        every: seconds between two looks.
    """

    def __init__(self, studies: Studies, every: float = EVERY) -> None:
        self._studies = studies
        self._every = every
        self._listeners: dict[str, set[asyncio.Queue[Message | None]]] = {}
        self._seen: dict[str, Stamps] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether nobody more may listen."""
        return self._closed or sum(map(len, self._listeners.values())) >= LISTENERS

    async def listen(self, study: Study) -> AsyncGenerator[Message]:
        """The study whole, then its changes as they happen, until the listener leaves or the watch is closed."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue(WAITING)
        self._listeners.setdefault(study.name, set()).add(queue)
        try:
            if study.name not in self._seen:
                self._seen[study.name] = await asyncio.to_thread(_stamps, study)
            yield await asyncio.to_thread(_whole, study)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            while (message := await queue.get()) is not None:
                yield message
        finally:
            self._leave(study.name, queue)

    def close(self) -> None:
        """Let everybody go; call it in the event loop."""
        self._closed = True
        for queues in self._listeners.values():
            for queue in queues:
                _end(queue)

    def _leave(self, name: str, queue: asyncio.Queue[Message | None]) -> None:
        self._listeners[name].discard(queue)
        if not self._listeners[name]:
            del self._listeners[name]
            self._seen.pop(name, None)
        if not self._listeners and self._looking:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            studies = await asyncio.to_thread(self._studies.all)
            for name in list(self._listeners):
                if study := studies.get(name):
                    # A folder that changes while it is read is read again at the next look.
                    with suppress(OSError):
                        self._tell(name, *await asyncio.to_thread(_changes, study, self._seen.get(name, {})))

    def _tell(self, name: str, stamps: Stamps, messages: list[Message]) -> None:
        if name not in self._listeners:
            return
        self._seen[name] = stamps
        for queue in self._listeners[name]:
            try:
                for message in messages:
                    queue.put_nowait(message)
            except asyncio.QueueFull:
                _end(queue)


def _stamps(study: Study) -> Stamps:
    """The stamps of a study's runs by their ids, and under "" its own."""
    return {"": (*study.stamps(), study.facts().state), **{name: run.stamps() for name, run in study.runs.items()}}


def _changes(study: Study, seen: Stamps) -> tuple[Stamps, list[Message]]:
    """A study's stamps now, and what to say of those that were others before."""
    stamps = _stamps(study)
    if stamps[""] != seen.get(""):
        return stamps, [_whole(study)]
    runs = study.runs
    changed = [runs[name] for name, stamp in stamps.items() if name in runs and stamp != seen.get(name)]
    return stamps, [Message("run", json.dumps(asdict(run.facts()))) for run in changed]


def _whole(study: Study) -> Message:
    return Message("study", json.dumps(asdict(study.detail())))


def _end(queue: asyncio.Queue[Message | None]) -> None:
    """Let a listener go at once, whatever it still waits for."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)
