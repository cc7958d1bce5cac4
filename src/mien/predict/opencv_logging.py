"""OpenCV logging: set OpenCV's log level for a while. The level is shared by the whole process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()


def _renew_lock() -> None:
    """In a forked child: the thread that held the lock does not exist and cannot release it."""
    global _lock
    _lock = Lock()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_renew_lock)


@contextmanager
def errors_alone() -> Iterator[None]:
    """Let OpenCV print only errors: its new engine warns that it ignores targets, which nobody set."""
    from cv2.utils import logging

    with _level(logging.LOG_LEVEL_ERROR):
        yield


@contextmanager
def silent() -> Iterator[None]:
    """Let OpenCV print nothing: mien's own messages report the errors."""
    from cv2.utils import logging

    with _level(logging.LOG_LEVEL_SILENT):
        yield


@contextmanager
def _level(level: int) -> Iterator[None]:
    from cv2.utils import logging

    with _lock:  # otherwise one thread would restore the level that another has set
        before = logging.getLogLevel()
        logging.setLogLevel(level)
        try:
            yield
        finally:
            logging.setLogLevel(before)
