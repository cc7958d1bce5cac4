"""How loud OpenCV is: its log level is one for the whole process, whoever sets it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_one_at_a_time = Lock()


def _free() -> None:
    """In a forked child: a thread that held the lock is not there to give it back."""
    global _one_at_a_time
    _one_at_a_time = Lock()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_free)


@contextmanager
def errors_alone() -> Iterator[None]:
    """Let OpenCV print errors, and no warnings: its new engine tells that it takes no targets, which nobody set."""
    from cv2.utils import logging

    with _level(logging.LOG_LEVEL_ERROR):
        yield


@contextmanager
def silent() -> Iterator[None]:
    """Let OpenCV print nothing: our own messages say it."""
    from cv2.utils import logging

    with _level(logging.LOG_LEVEL_SILENT):
        yield


@contextmanager
def _level(level: int) -> Iterator[None]:
    from cv2.utils import logging

    with _one_at_a_time:  # or one thread takes another's level for the one to go back to
        before = logging.getLogLevel()
        logging.setLogLevel(level)
        try:
            yield
        finally:
            logging.setLogLevel(before)
