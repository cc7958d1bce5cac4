"""Crops of several threads are classified by one inference, and each gets its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import UserError
from mien.predict.classifier import Classifier
from mien.serve.batching import BatchingClassifier
from mien.serve.metrics import Metrics

THREADS = 6


def crops(seed: int, count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def inferences(metrics: Metrics) -> tuple[float, float]:
    """How many there were, and the crops of all."""
    count = metrics.registry.get_sample_value("mien_inference_faces_count")
    total = metrics.registry.get_sample_value("mien_inference_faces_sum")
    assert count is not None
    assert total is not None
    return count, total


def test_what_threads_ask_together_is_answered_together(model_file: Path) -> None:
    metrics = Metrics()
    batching, alone = BatchingClassifier(model_file, metrics, wait=60), Classifier(model_file)
    together = Barrier(THREADS)

    def ask(number: int) -> NDArray[np.float32]:
        with batching.expected():
            together.wait()
            return batching.probabilities(crops(number, number))

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(ask, range(THREADS)))
    for number, answer in enumerate(answers):
        assert answer.shape == (number, 7)
        np.testing.assert_allclose(answer, alone.probabilities(crops(number, number)), atol=1e-6)
    # Nobody's crops are a batch of their own: the thread without any does not ask.
    assert inferences(metrics) == (1, sum(range(THREADS)))


def test_alone_nobody_waits(model_file: Path) -> None:
    batching = BatchingClassifier(model_file, Metrics(), wait=600)
    for _ in range(3):
        with batching.expected():
            assert batching.probabilities(crops(0, 2)).shape == (2, 7)


def test_who_is_late_is_not_waited_for_beyond_the_bound(model_file: Path) -> None:
    metrics = Metrics()
    batching = BatchingClassifier(model_file, metrics, wait=0.01)
    with ThreadPoolExecutor(1) as pool, batching.expected():

        def ask() -> int:
            with batching.expected():
                return len(batching.probabilities(crops(0, 3)))

        assert pool.submit(ask).result(timeout=60) == 3
    assert inferences(metrics) == (1, 3)


def test_a_failure_reaches_every_thread(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batching = BatchingClassifier(model_file, Metrics(), wait=60)
    together = Barrier(2)

    def ask(_: int) -> None:
        with batching.expected():
            together.wait()
            batching.probabilities(crops(0, 1))

    def broken(self: Classifier, given: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise UserError(f"{len(given)} crops too many")

    monkeypatch.setattr(Classifier, "probabilities", broken)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(ask, number) for number in range(2)]
        assert [str(one.exception(timeout=60)) for one in futures] == ["2 crops too many"] * 2
    monkeypatch.undo()
    assert len(batching.probabilities(crops(0, 1))) == 1


def test_crowds_are_answered_rightly(model_file: Path) -> None:
    batching, alone = BatchingClassifier(model_file, Metrics()), Classifier(model_file)

    def ask(number: int) -> bool:
        with batching.expected():
            time.sleep(number % 5 / 1000)
            given = crops(number, 1 + number % 3)
            return bool(np.allclose(batching.probabilities(given), alone.probabilities(given), atol=1e-6))

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(ask, range(90)))
