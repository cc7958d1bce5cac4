"""Turn what goes wrong in decoding an image into one clear error."""

import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from mien.errors import UserError

DECODE_ERRORS = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, OverflowError),
    *(RuntimeError, struct.error),
)
"""The errors that Pillow raises for damaged files."""


class UnknownKindError(UserError):
    """The file is no image, or one of a kind that cannot be read."""


class TooManyPixelsError(UserError):
    """The image has more pixels than are allowed. The first argument says so, the second what to do."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.args))


@contextmanager
def errors_translated(where: str) -> Iterator[None]:
    """Turn the errors of a broken image into UserErrors, and hide Pillow's warnings about it.

    Args:
        where: the image's name in messages.
    """
    from PIL import Image

    with _without_warnings():
        try:
            yield
        except Image.DecompressionBombError:
            raise TooManyPixelsError(
                f"{where}: more pixels than Pillow reads of this kind of file", "make it smaller, or save it as JPEG"
            ) from None
        except MemoryError:
            raise UserError(f"{where}: has more pixels than fit into this machine's memory; make it smaller") from None
        except DECODE_ERRORS as error:
            raise UserError(f"{where}: broken image ({error})") from None


_lock, _inside, _caught = threading.Lock(), 0, warnings.catch_warnings()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Hide Pillow's warnings inside, in all threads.

    `warnings.catch_warnings` works for one thread: if two threads enter it, and leave it in the same order, the filter
    stays for ever. So the first thread enters it for all of them, and the last one leaves it.
    """
    global _inside, _caught
    with _lock:
        _inside += 1
        if _inside == 1:
            _caught = warnings.catch_warnings()
            _caught.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _caught.__exit__(None, None, None)
