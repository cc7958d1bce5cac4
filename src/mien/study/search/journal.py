"""Journal: where a search's trials are kept, and which process is at which of them.

Optuna's journal file, with locks that go with their process however it ends, and a torn last line that a kill left cut
off before the next is written. Who only looks opens it by `reading`, which writes nothing.
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
        self._held: BinaryIO | None = None

    def acquire(self) -> bool:
        """Wait until no other process writes."""
        self._held = self._journal.open("r+b")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        if self._held.seek(0, os.SEEK_END) and not self._ends_with_a_line():
            self._held.truncate(self._journal.read_bytes().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        """Let others write."""
        assert self._held is not None
        self._held.close()

    def _ends_with_a_line(self) -> bool:
        assert self._held is not None
        self._held.seek(-1, os.SEEK_END)
        return self._held.read(1) == b"\n"


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


class Claims:
    """Which trials this process is at, and whether another is at one: a byte of a file locked for each trial.

    One object a process and search: the system lets go of all of a process's locks when it closes the file once.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def take(self, trial: int) -> bool:
        """Claim a trial; False where another process has it. One that this process has may be claimed again."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 1 + trial, os.SEEK_SET)
        except (BlockingIOError, PermissionError):
            return False
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who asks for trials."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, 0, os.SEEK_SET)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, 0, os.SEEK_SET)

    def close(self) -> None:
        """Let go of all trials."""
        self._file.close()
