"""Batching: crops that several threads classify at the same moment go into one inference."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock, get_ident
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.predict.classifier import Classifier
from mien.serve.metrics import Metrics

WAIT = 0.003
"""Seconds that crops wait at most for those of photos whose faces are still being detected."""


class _Request(NamedTuple):
    thread: int
    crops: NDArray[np.uint8]
    answer: "Future[NDArray[np.float32]]"


class BatchingClassifier(Classifier):
    """A classifier for many threads.

    The first thread leads: it waits a little for the threads that are expected, at most until all of them have come,
    then classifies the crops of all. Threads that come meanwhile form the next batch. A lone thread does not wait.

    Args:
        model: the name of a bundled model, or the path of a file that `mien export` wrote.
        metrics: where inferences are noted.
        wait: seconds to wait at most for others.

    Raises:
        UserError: there is no such model, or the file is none of mien's.
    """

    def __init__(self, model: str | Path, metrics: Metrics, wait: float = WAIT) -> None:
        super().__init__(model)
        self._metrics = metrics
        self._wait = wait
        self._lead = Lock()
        self._changed = Condition()
        self._waiting: list[_Request] = []
        self._expected: set[int] = set()

    @contextmanager
    def expected(self) -> Iterator[None]:
        """Mark a thread that will classify crops soon: whoever leads waits for it."""
        with self._changed:
            self._expected.add(get_ident())
        try:
            yield
        finally:
            with self._changed:
                self._expected.discard(get_ident())
                self._changed.notify_all()

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify ready face crops, with those of other threads; as `Classifier.probabilities`."""
        if len(crops) == 0:
            return super().probabilities(crops)
        mine = _Request(get_ident(), crops, Future())
        with self._changed:
            self._waiting.append(mine)
            self._changed.notify_all()
        with self._lead:
            if not mine.answer.done():
                self._answer(self._gathered())
        return mine.answer.result()

    def _gathered(self) -> list[_Request]:
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) >= len(self._expected), self._wait)
            gathered, self._waiting = self._waiting, []
            self._expected.difference_update(one.thread for one in gathered)
        return gathered

    def _answer(self, requests: list[_Request]) -> None:
        started = perf_counter()
        try:
            shares = super().probabilities(np.concatenate([one.crops for one in requests]))
        except BaseException as error:
            for one in requests:
                one.answer.set_exception(error)
            return
        self._metrics.inference_seconds.observe(perf_counter() - started)
        self._metrics.inference_faces.observe(len(shares))
        ends = np.cumsum([len(one.crops) for one in requests])
        for one, own in zip(requests, np.split(shares, ends[:-1]), strict=True):
            one.answer.set_result(own)
