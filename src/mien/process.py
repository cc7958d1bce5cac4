"""Processes on this machine, and how a shell starts them."""

import os
import shlex
import sys
from collections.abc import Sequence
from subprocess import list2cmdline


def is_running(pid: int) -> bool:
    """Whether a process with this id exists, whoever owns it."""
    if sys.platform == "win32":
        from psutil import pid_exists  # what os.kill does there is to end the process

        return bool(pid_exists(pid))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(words: Sequence[str]) -> str:
    """The line that this system's shells read as these words; Windows' know no single quotes."""
    return list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
