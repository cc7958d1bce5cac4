"""How much faster does mien read FER2013's train csv than a notebook does?

The notebooks' ways: pandas.read_csv, then every row's text split and converted in Python, in the two forms that are
common. All read the same plain csv file, in turns, in one process, and their pixels are compared. It also times mien's
first reading in a process of its own, with its kernel compiled and then with it loaded from disk, and how long packed
faces take to open.

    python benchmarks/import.py path/to/train.csv [rounds]

The file may also be compressed: it is unpacked first, into a temporary file. pandas is no dependency of mien: `make
bench` prepares an environment that has both (pip install pandas mien).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from budget import rounds
from processor import processor_line

from mien.faces import Faces, read_packed, write_packed
from mien.faces.csv import read_csv
from mien.faces.text_files import read_text

Result = TypeVar("Result")


def arrays_of_words(table: pd.DataFrame) -> np.ndarray:
    """Split a row and let NumPy read the words."""
    return np.array([np.array(row.split(), dtype="float32") for row in table["pixels"]])


def lists_of_numbers(table: pd.DataFrame) -> np.ndarray:
    """Split a row and make each word a number."""
    return np.array([[int(word) for word in row.split(" ")] for row in table["pixels"]], dtype="float32")


NOTEBOOKS_WAYS = (arrays_of_words, lists_of_numbers)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Call something; give the seconds it took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def with_range(times: list[float], unit: str = "s", scale: float = 1) -> str:
    """A median with its spread."""
    low, middle, high = (scale * value for value in (min(times), statistics.median(times), max(times)))
    return f"median {middle:.3g} {unit}, {low:.3g} to {high:.3g} {unit} (n={len(times)})"


def first_reading(path: Path, cache: Path) -> float:
    """How long reading takes in a new process, numba's import included; compiled kernels are cached in `cache`."""
    code = f"""
import time
from pathlib import Path
from mien.faces.csv import read_csv
start = time.perf_counter()
read_csv(Path({str(path)!r}), split=0)
print(time.perf_counter() - start)
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    return float(subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout)


def main(source: Path, most: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        path.write_bytes(read_text(source))
        compiling = first_reading(path, Path(folder) / "compiled")
        first = [first_reading(path, Path(folder) / "compiled") for _ in rounds(most, 60)]
        ours: list[float] = []
        theirs: dict[str, list[float]] = {way.__name__: [] for way in NOTEBOOKS_WAYS}
        for _ in rounds(most):
            spent, faces = timed(lambda: read_csv(path, split=0))
            ours.append(spent)
            for way in NOTEBOOKS_WAYS:
                spent, pixels = timed(lambda way=way: way(pd.read_csv(path)))
                theirs[way.__name__].append(spent)
                assert np.array_equal(pixels.reshape(-1, 48, 48), faces.images)
                del pixels
        packed = Path(folder) / "packed"
        write_packed(faces, packed)
        opening = [timed(lambda: first_and_last(read_packed(packed)))[0] for _ in range(50)]

        print(processor_line())
        print(f"{len(faces):,} faces, {path.stat().st_size / 1e6:.0f} MB of text, {os.cpu_count()} cores")
        print(f"{'mien':<20} {with_range(ours)}")
        print(f"{'... at first':<20} {with_range(first)}; {compiling:.3g} s if it has to be compiled")
        for name, times in theirs.items():
            ratios = [their / our for their, our in zip(times, ours, strict=True)]
            print(f"{name:<20} {with_range(times)}: {with_range(ratios, 'times slower')}")
        print(f"opening packed faces {with_range(opening, 'ms', 1000)}")


def first_and_last(faces: Faces) -> int:
    """Touch the images, so that opening them is not mere promise."""
    return int(faces.images[0, 0, 0]) + int(faces.images[-1, -1, -1])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
