"""The desk of a RayEngine, where workers and the driver leave word for each other.

Only plain values lie there, so that its process starts without torch.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any


@dataclass(frozen=True)
class Word:
    """What a worker tells.

    Attributes:
        run: the id of the run it is of.
        facts: the entries of a Progress or, where `question` is not 0, of the Epoch after which the driver may stop.
        question: its number.
    """

    run: str
    facts: dict[str, Any]
    question: int = 0


class Desk:
    """Where workers leave word for the driver, and the driver its answers. A Ray actor, on the driver's machine."""

    def __init__(self) -> None:
        self._words: list[Word] = []
        self._arrived = asyncio.Event()
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._numbers = count(1)

    async def tell(self, word: Word) -> None:
        """Leave word."""
        self._words.append(word)
        self._arrived.set()

    async def listen(self, seconds: float) -> list[Word]:
        """All words since the last time; where there are none, waits so long for a first."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)
        words, self._words = self._words, []
        self._arrived.clear()
        return words

    async def ask(self, run: str, record: dict[str, Any]) -> str:
        """Ask whether to stop a run after an epoch, and wait for the reason; "": go on."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.tell(Word(run, record, number))
        try:
            return await self._answers[number]
        finally:
            del self._answers[number]

    async def answer(self, question: int, reason: str) -> None:
        """Answer a question; nobody may be waiting any more."""
        if question in self._answers:
            self._answers[question].set_result(reason)
