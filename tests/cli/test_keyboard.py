"""The keyboard of a terminal, and of a Windows console."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import pytest

from mien.cli import keyboard


def test_q_ends_what_a_terminal_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    fingers, terminal = pty.openpty()
    with os.fdopen(fingers, "wb", buffering=0) as keys, os.fdopen(terminal, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with keyboard.q_pressed() as pressed:
            assert not pressed()
            keys.write(b"x")
            assert not pressed()
            keys.write(b"q")
            assert pressed()
            assert not pressed()


def test_q_ends_what_a_windows_console_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[bytes] = []
    console = SimpleNamespace(kbhit=lambda: bool(typed), getch=lambda: typed.pop(0))
    monkeypatch.setitem(sys.modules, "msvcrt", console)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = spec_from_file_location("windows_keyboard", keyboard.__file__)
    assert spec is not None
    assert spec.loader is not None
    windows = module_from_spec(spec)
    spec.loader.exec_module(windows)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    with windows.q_pressed() as pressed:
        typed += [b"x"]
        assert not pressed()
        typed += [b"\xe0", b"Q"]
        assert pressed()
        assert not pressed()
    monkeypatch.setattr("sys.stdin", None)
    with windows.q_pressed() as pressed:
        typed += [b"q"]
        assert not pressed()
