"""Processes on this machine."""

import os
import sys


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
