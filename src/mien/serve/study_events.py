"""Changes of studies, sent to whoever listens to them; file times are looked at in one place for all listeners."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import asdict
from typing import Literal, NamedTuple

from mien.runs.files import Stamp
from mien.runs.study_folder import StudyFolder
from mien.runs.summary import summarise
from mien.serve.studies import Studies, study_detail

EVERY = 0.5
"""Seconds between two looks."""

LISTENERS = 64
"""More are refused."""

WAITING = 256
"""Messages that may wait for a listener. One that is further behind is dropped; it may come again for the whole."""

Stamps = dict[str, tuple[Stamp | str | None, ...]]


class Message(NamedTuple):
    """A change: a study whole, or one of its runs, as JSON."""

    kind: Literal["study", "run"]
    data: str


class StudyEvents:
    """Sends changes of studies to any number of listeners; looks only at studies that have a listener.

    Args:
        studies: the studies.
        every: seconds between two looks.
    """

    def __init__(self, studies: Studies, every: float = EVERY) -> None:
        self._studies = studies
        self._every = every
        self._listeners: dict[str, set[asyncio.Queue[Message | None]]] = {}
        self._seen: dict[str, Stamps] = {}
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether no more listeners are taken."""
        return self._closed or sum(map(len, self._listeners.values())) >= LISTENERS

    async def listen(self, study: StudyFolder) -> AsyncGenerator[Message]:
        """The study whole, then its changes as they happen, until the listener leaves or `close` is called."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue(WAITING)
        self._listeners.setdefault(study.name, set()).add(queue)
        try:
            if study.name not in self._seen:
                self._seen[study.name] = await asyncio.to_thread(_stamps, study)
            yield await asyncio.to_thread(_whole, study)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
            while (message := await queue.get()) is not None:
                yield message
        finally:
            self._leave(study.name, queue)

    def close(self) -> None:
        """End all listening; call it in the event loop."""
        self._closed = True
        for queues in self._listeners.values():
            for queue in queues:
                _end(queue)

    def _leave(self, name: str, queue: asyncio.Queue[Message | None]) -> None:
        self._listeners[name].discard(queue)
        if not self._listeners[name]:
            del self._listeners[name]
            self._seen.pop(name, None)
        if not self._listeners and self._task:
            self._task.cancel()
            self._task = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            studies = await asyncio.to_thread(self._studies.all)
            for name in list(self._listeners):
                if study := studies.get(name):
                    # A folder that changes while it is read is read again at the next look.
                    with suppress(OSError):
                        self._send(name, *await asyncio.to_thread(changes_since, study, self._seen.get(name, {})))

    def _send(self, name: str, stamps: Stamps, messages: list[Message]) -> None:
        if name not in self._listeners:
            return
        self._seen[name] = stamps
        for queue in self._listeners[name]:
            try:
                for message in messages:
                    queue.put_nowait(message)
            except asyncio.QueueFull:
                _end(queue)


def _stamps(study: StudyFolder) -> Stamps:
    """The stamps and states of a study's runs by id, and under "" its own. A kill changes a state, but no file."""
    runs = {name: (*run.stamps(), summarise(run).state) for name, run in study.runs.items()}
    return {"": (*study.stamps(), study.summarise().state), **runs}


def changes_since(study: StudyFolder, seen: Stamps) -> tuple[Stamps, list[Message]]:
    """A study's stamps now, and messages about what has other stamps than before."""
    stamps = _stamps(study)
    if stamps[""] != seen.get(""):
        return stamps, [_whole(study)]
    runs = study.runs
    changed = [runs[name] for name, stamp in stamps.items() if name in runs and stamp != seen.get(name)]
    return stamps, [Message("run", json.dumps(asdict(summarise(run, study.name)))) for run in changed]


def _whole(study: StudyFolder) -> Message:
    return Message("study", json.dumps(asdict(study_detail(study))))


def _end(queue: asyncio.Queue[Message | None]) -> None:
    """End a listener at once, whatever still waits for it."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)
