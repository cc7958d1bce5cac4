"""Predict photos by the model in use; photos wait in a queue of bounded length."""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TypeAlias

from mien.errors import UserError
from mien.faces.decode_errors import TooManyPixelsError, UnknownKindError
from mien.predict.stream import Seen
from mien.predict.types import Prediction
from mien.serve.limits import Limits
from mien.serve.metrics import Metrics
from mien.serve.models import Model, Models
from mien.serve.problem_details import Problem

Outcome: TypeAlias = Prediction | Problem
"""The result for a photo."""

PACE = 0.05
"""Seconds that a photo is thought to take before the first was seen."""


class Predicting:
    """Predicts photos in as many threads as there are cores; what comes faster waits, up to a limit.

    All but `close` is to be called in the event loop.

    Args:
        models: the one in use predicts.
        limits: `queue`, `seconds` and `threads`.
        metrics: where photos are counted.
    """

    def __init__(self, models: Models, limits: Limits, metrics: Metrics) -> None:
        self._models = models
        self._limits = limits
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="predict")
        self._waiting = 0
        self._pace = PACE

    async def predict(self, photos: Sequence[bytes], crop: bool = False) -> list[Outcome]:
        """Predict photos, each by itself.

        Args:
            photos: the contents of files.
            crop: they are faces already.

        Raises:
            Problem: no model is in use, too many wait already, or it takes too long.
        """
        model = self._in_use()
        return await self._answers([partial(model.predict, photo, crop) for photo in photos])

    async def predict_frame(self, content: bytes, time: float, seen: Seen | None, fast: bool) -> Outcome:
        """Predict a camera's frame.

        Args:
            content: of an image file.
            time: of the frame, in seconds.
            seen: in the frame before; None: this is the first.
            fast: by the bundled model `fast`, not by the one in use.

        Raises:
            Problem: there is no such model, too many wait already, or it takes too long.
        """
        model = self._models.fast if fast else self._in_use

        def predict() -> Prediction:
            return model().predict_frame(content, time, seen)

        (outcome,) = await self._answers([predict])
        return outcome

    def close(self) -> None:
        """Finish what was begun, and shut down the thread pool."""
        self._pool.shutdown(cancel_futures=True)

    def _in_use(self) -> Model:
        if self._models.current is None:
            raise Problem(503, "no model is in use; choose one on the page Models, or start with --model FILE")
        return self._models.current

    async def _answers(self, tasks: Sequence[Callable[[], Prediction]]) -> list[Outcome]:
        self._admit(len(tasks))
        loop = asyncio.get_running_loop()
        futures = [loop.run_in_executor(self._pool, self._run, task) for task in tasks]
        for future in futures:
            future.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await asyncio.gather(*futures)
        except TimeoutError:
            seconds = "1 second" if self._limits.seconds == 1 else f"{self._limits.seconds} seconds"
            detail = f"no answer within {seconds}; try again later"
            raise Problem(503, detail, {"Retry-After": self._later()}) from None

    def _admit(self, count: int) -> None:
        # A request of more photos than the queue holds is taken when nothing else waits.
        if self._waiting and self._waiting + count > self._limits.queue:
            later = self._later()
            detail = f"{self._waiting} photos are waiting already; try again in {later} s"
            raise Problem(429, detail, {"Retry-After": later})
        self._waiting += count
        self._metrics.waiting.set(self._waiting)

    def _leave(self, _: "asyncio.Future[Outcome]") -> None:
        self._waiting -= 1
        self._metrics.waiting.set(self._waiting)

    def _later(self) -> str:
        """In how many seconds all photos that wait now will have been answered."""
        return str(max(1, math.ceil(self._waiting * self._pace / self._limits.threads)))

    def _run(self, task: Callable[[], Prediction]) -> Outcome:
        started = perf_counter()
        try:
            prediction = task()
        except UserError as error:
            return self._refused(_problem(error))
        except Problem as problem:
            return self._refused(problem)
        self._pace += 0.1 * (perf_counter() - started - self._pace)
        self._metrics.photos.labels("answered").inc()
        self._metrics.faces.inc(len(prediction))
        return prediction

    def _refused(self, problem: Problem) -> Problem:
        self._metrics.photos.labels(f"refused {problem.status}").inc()
        return problem


def _problem(error: UserError) -> Problem:
    """Why a photo was refused, as a status."""
    status = 415 if isinstance(error, UnknownKindError) else 413 if isinstance(error, TooManyPixelsError) else 422
    # Some carry a second argument, what to do, which is for whoever started the program.
    return Problem(status, str(error.args[0]).removeprefix("the image: "))
