"""Threads of one core each, among which faces are shared out."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import torch


def single_core_threads(count: int) -> ThreadPoolExecutor:
    """Threads in which torch uses one core each; it goes on using `count` in the calling thread."""
    threads = ThreadPoolExecutor(count)
    together = Barrier(count)

    def limit(_: int) -> None:
        torch.ones(2**16).add_(1)  # torch sets a thread's number of cores at its first parallel work: now
        torch.set_num_threads(1)
        together.wait()

    list(threads.map(limit, range(count)))
    torch.set_num_threads(count)
    return threads


def shares(count: int, parts: int) -> list[slice]:
    """Consecutive parts of so many things, each about as large as the others; none of them empty."""
    bounds = [count * part // parts for part in range(parts + 1)]
    return [slice(first, end) for first, end in pairwise(bounds) if first < end]
