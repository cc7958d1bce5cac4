"""The environment of a run: versions of the software that its numbers depend on, the machine and the time."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mien import __version__


@dataclass(frozen=True)
class Machine:
    """A machine that runs are made on.

    Attributes:
        system: operating system and its version.
        processor: its name, with the instructions that torch computes by, where that is installed.
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
    """The processor's name, with the instructions that torch computes by, where that is installed."""
    if find_spec("torch") is None:
        return _processor_name()
    import torch

    return f"{_processor_name()} ({torch.backends.cpu.get_cpu_capability()})"


def _processor_name() -> str:
    """The processor's name as its maker sells it; its kind, as x86_64, where the system does not know that."""
    try:
        if sys.platform == "win32":
            import winreg

            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
                return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)  # noqa: S603
            return done.stdout.strip()
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, subprocess.SubprocessError, StopIteration):
        return platform.processor() or platform.machine()


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
