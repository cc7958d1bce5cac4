"""The journal that a search's trials are stored in, and the locks by which processes share them.

It is Optuna's journal file. Its locks end with their process, however that ends; a torn last line that a kill has left
is cut off before the next line is written. `reading` opens a journal without writing anything.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from mien.errors import UserError


class _Lock(JournalFileOpenLock):
    """In place of Optuna's lock, a file that outlives a killed process and holds up the next for half a minute."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal
        self._file: BinaryIO | None = None

    def acquire(self) -> bool:
        """Wait for the exclusive lock of the file."""
        self._file = self._journal.open("r+b")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        if self._file.seek(0, os.SEEK_END) and not self._ends_with_a_line():
            self._file.truncate(self._journal.read_bytes().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        """Release the lock."""
        assert self._file is not None
        self._file.close()

    def _ends_with_a_line(self) -> bool:
        assert self._file is not None
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1) == b"\n"


class _ReadOnly(JournalFileBackend):
    """A journal file that is there, and that nobody writes through this."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Refuse."""
        raise PermissionError("this journal was opened for reading")


def storage(journal: Path) -> JournalStorage:
    """Optuna's storage in a journal file, which several processes may write; made if it is not there."""
    return JournalStorage(JournalFileBackend(str(journal), _Lock(journal)))


def reading(journal: Path) -> JournalStorage:
    """Optuna's storage in a journal file that is there, for reading alone: neither the file nor its folder changes.

    Raises:
        UserError: it is damaged or cannot be read.
    """
    try:
        return JournalStorage(_ReadOnly(str(journal), _Lock(journal)))
    except OSError as error:
        raise UserError(f"{journal}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{journal}: damaged; remove it, and run the study again: it keeps its runs") from None


class TrialLocks:
    """Which process works on which trial of a search: a byte of a file is locked for each.

    A process makes one such object for a search, as the system releases all of its locks on a file once it closes one.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def acquire(self, trial: int) -> bool:
        """Lock a trial, by Optuna's number; False where another process holds it, True again where this one does."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 1 + trial, os.SEEK_SET)
        except (BlockingIOError, PermissionError):
            return False
        return True

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock under which trials are handed out; waits for it."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, 0, os.SEEK_SET)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, 0, os.SEEK_SET)

    def close(self) -> None:
        """Release all trials."""
        self._file.close()
