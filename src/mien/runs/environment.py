"""The environment of a run: versions of the software that its numbers depend on, the machine and the time."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mien import __version__


@dataclass(frozen=True)
class Machine:
    """A machine that runs are made on.

    Attributes:
        system: operating system and its version.
        processor: its name, with the matrix instructions that matter for speed.
        cores: logical cores, at least 1.
    """

    system: str
    processor: str
    cores: int


def versions() -> dict[str, str]:
    """Versions of mien, Python, torch and numpy."""
    import torch

    return {
        "mien": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def machine() -> Machine:
    """This machine."""
    return Machine(platform.platform(), processor(), os.cpu_count() or 1)


def processor() -> str:
    """The processor's name, with the matrix instructions that matter for speed."""
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
