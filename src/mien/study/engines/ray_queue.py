"""The message queue of a RayEngine: workers send it their progress and their questions, the driver answers those.

Only plain values lie in it, so that its process starts without torch.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from mien.runs.run import Epoch


@dataclass(frozen=True)
class StepMessage:
    """The progress of a training on a worker; see `mien.training.loop.Progress` for the attributes.

    Attributes:
        run: the id of the run.
    """

    run: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    faces_per_second: float
    record: Epoch | None


@dataclass(frozen=True)
class PruneQuestion:
    """A worker's question whether to prune a run after an epoch.

    Attributes:
        run: the id of the run.
        record: the epoch.
        number: of the question, 1 for the first.
    """

    run: str
    record: Epoch
    number: int


Message = StepMessage | PruneQuestion


class MessageQueue:
    """Where workers send messages to the driver, and the driver its answers. A Ray actor, on the driver's machine."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._arrived = asyncio.Event()
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._numbers = count(1)

    async def put(self, message: Message) -> None:
        """Send a message to the driver."""
        self._messages.append(message)
        self._arrived.set()

    async def get(self, seconds: float) -> list[Message]:
        """All messages since the last call; where there are none, waits so long for a first."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)
        messages, self._messages = self._messages, []
        self._arrived.clear()
        return messages

    async def should_prune(self, run: str, record: Epoch) -> str:
        """Ask the driver whether to prune a run after an epoch, and wait for the reason; "": go on."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self.put(PruneQuestion(run, record, number))
        try:
            return await self._answers[number]
        finally:
            del self._answers[number]

    async def answer(self, question: int, reason: str) -> None:
        """Answer a question; where nobody waits for the answer any more, nothing happens."""
        if question in self._answers:
            self._answers[question].set_result(reason)
