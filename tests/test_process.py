"""Processes on this machine."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mien.process import command_line, is_running


def test_a_process_is_running_until_it_ends() -> None:
    assert is_running(os.getpid())
    assert is_running(1)  # it may belong to somebody else
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        process.communicate(b"\n")
    assert not is_running(process.pid)


def test_on_windows_no_signal_asks_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, signal: int) -> None:
        raise AssertionError("on Windows, this ends the process")

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "psutil", SimpleNamespace(pid_exists=lambda pid: pid == 7))
    assert is_running(7)
    assert not is_running(8)


def test_a_command_is_quoted_as_the_systems_shells_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["mien", "study", "a b.toml", "--set", "seeds=[0]"]
    monkeypatch.setattr(sys, "platform", "linux")
    assert command_line(words) == "mien study 'a b.toml' --set 'seeds=[0]'"
    monkeypatch.setattr(sys, "platform", "win32")
    assert command_line(words) == 'mien study "a b.toml" --set seeds=[0]'
