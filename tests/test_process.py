"""Processes on this machine."""

import os
import subprocess
import sys

from mien.process import is_running


def test_a_process_is_running_until_it_ends() -> None:
    assert is_running(os.getpid())
    assert is_running(1)  # it may belong to somebody else
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        process.communicate(b"\n")
    assert not is_running(process.pid)
