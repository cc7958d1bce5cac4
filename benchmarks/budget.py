"""The time budget of a benchmark: less is done on a slow machine, so that each ends within ten minutes on two cores."""

import statistics
import sys
import time
from collections.abc import Iterator

SECONDS = 420.0
"""Seconds that a benchmark measures, at most; preparing and warming up come on top."""


def rounds(most: int, seconds: float = SECONDS) -> Iterator[int]:
    """Numbers of rounds, 1 to `most`; stops before a round that would end later than `seconds`, but gives the first."""
    started = time.perf_counter()
    for number in range(1, most + 1):
        yield number
        spent = time.perf_counter() - started
        if number < most and spent * (number + 1) / number > seconds:
            print(f"{number} of {most} rounds, as the next would not end in time", file=sys.stderr)
            return


def repeats(one: float, seconds: float, most: int, least: int = 1) -> int:
    """How often something that takes `one` second is done in `seconds`, from `least` to `most` times."""
    return max(least, min(most, int(seconds / max(one, 1e-9))))


def spread(values: list[float]) -> dict[str, float]:
    """A sample as its median, range and size."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "n": len(values)}
