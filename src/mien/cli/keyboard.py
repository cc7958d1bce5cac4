"""The keyboard, while a command runs: whether q was pressed."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def q_pressed() -> Iterator[Callable[[], bool]]:
        """Give a function that says whether q was pressed since its last call; always False without a keyboard."""
        has_keyboard = sys.stdin is not None and sys.stdin.isatty()

        def pressed() -> bool:
            keys = b""
            while has_keyboard and msvcrt.kbhit():
                keys += msvcrt.getch()
            return b"q" in keys.lower()

        yield pressed

else:
    import termios
    import tty
    from select import select

    @contextmanager
    def q_pressed() -> Iterator[Callable[[], bool]]:
        """Give a function that says whether q was pressed since its last call; always False without a keyboard."""
        keyboard = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else -1
        if keyboard < 0 or _in_background(keyboard):
            yield lambda: False
            return
        before = termios.tcgetattr(keyboard)
        try:
            tty.setcbreak(keyboard)
            yield lambda: bool(select([keyboard], [], [], 0)[0]) and b"q" in os.read(keyboard, 64).lower()
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    def _in_background(terminal: int) -> bool:
        """Whether this process is a background job of its terminal: reading the keyboard would stop it."""
        try:
            return os.tcgetpgrp(terminal) != os.getpgrp()
        except OSError:  # a terminal, but not this process's own
            return False
