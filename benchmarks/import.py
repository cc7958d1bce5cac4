"""How much faster does mien read FER2013's train csv than a notebook does?

The notebook's way: pandas.read_csv, then every row's text split and turned into an array in Python. Both read the same
plain csv file, in turns, in one process; their pixels are compared. It also times how long packed faces take to open.

    python benchmarks/import.py path/to/train.csv [rounds]

The file may also be compressed: it is unpacked first, into a temporary file. pandas is no dependency of mien: `make
bench` prepares an environment that has both (pip install pandas mien).
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from mien.faces import Faces, read_packed, write_packed
from mien.faces.csv import read_csv
from mien.faces.streams import line_blocks

Result = TypeVar("Result")


def notebooks_way(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a csv file as notebooks do: x float32 [N, 48, 48, 1], y [N]."""
    table = pd.read_csv(path)
    x = np.array([np.array(row.split(), dtype="float32") for row in table["pixels"]])
    return x.reshape(-1, 48, 48, 1), table["emotion"].to_numpy()


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Call something; give the seconds it took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def told(times: list[float], unit: str = "s", scale: float = 1) -> str:
    """A median with its spread."""
    low, middle, high = (scale * value for value in (min(times), statistics.median(times), max(times)))
    return f"median {middle:.3g} {unit}, {low:.3g} to {high:.3g} {unit} (n={len(times)})"


def main(source: Path, rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        with path.open("wb") as file:
            file.writelines(line_blocks(source))
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            spent, (x, y) = timed(lambda: notebooks_way(path))
            theirs.append(spent)
            spent, faces = timed(lambda: read_csv(path, split=0))
            ours.append(spent)
            assert np.array_equal(x[..., 0], faces.images)
            assert np.array_equal(y, faces.labels)
            del x, y
        packed = Path(folder) / "packed"
        write_packed(faces, packed)
        opening = [timed(lambda: first_and_last(read_packed(packed)))[0] for _ in range(50)]

        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        print(f"{len(faces):,} faces, {path.stat().st_size / 1e6:.0f} MB of text, {os.cpu_count()} cores")
        print(f"the notebook's way   {told(theirs)}")
        print(f"mien                 {told(ours)}")
        print(f"ratio                {statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}")
        print(f"opening packed faces {told(opening, 'ms', 1000)}")


def first_and_last(faces: Faces) -> int:
    """Touch the images, so that opening them is not mere promise."""
    return int(faces.images[0, 0, 0]) + int(faces.images[-1, -1, -1])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
