"""Time: how much of a benchmark is done on a slow machine, so that each ends within ten minutes on two AVX2 cores."""

import statistics
import sys
import time
from collections.abc import Iterator

SECONDS = 420.0
"""That a benchmark measures, at most; what it prepares and warms up comes on top."""


def rounds(asked: int, seconds: float = SECONDS) -> Iterator[int]:
    """Rounds from 1 on, as many as asked, but for those that would end later than `seconds`; the first in any case."""
    started = time.perf_counter()
    for number in range(1, asked + 1):
        yield number
        spent = time.perf_counter() - started
        if number < asked and spent * (number + 1) / number > seconds:
            print(f"{number} of {asked} rounds, as the next would not end in time", file=sys.stderr)
            return


def repeats(one: float, seconds: float, most: int, least: int = 1) -> int:
    """How often something that takes `one` second is done in `seconds`, from `least` to `most` times."""
    return max(least, min(most, int(seconds / max(one, 1e-9))))


def spread(values: list[float]) -> dict[str, float]:
    """A sample as its median, range and size."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "n": len(values)}
