"""How loud OpenCV is: its log level is one for the whole process, whoever sets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_ONE_AT_A_TIME = Lock()


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

    with _ONE_AT_A_TIME:  # or one thread takes another's level for the one to go back to
        before = logging.getLogLevel()
        logging.setLogLevel(level)
        try:
            yield
        finally:
            logging.setLogLevel(before)
