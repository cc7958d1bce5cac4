"""The journal that a search's trials are stored in, and the locks by which processes share them.

It is Optuna's journal file. Its locks end with their process, however that ends; a torn last line that a kill has left
is cut off before the next line is written. `reading` opens a journal without writing anything.
"""

import os
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from mien.disk import process_lock
from mien.errors import UserError


class _Lock(JournalFileOpenLock):
    """In place of Optuna's lock, a file that outlives a killed process and holds up the next for half a minute."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal
        self._lock = process_lock(journal.with_name(f"{journal.name}.lock"))

    def acquire(self) -> bool:
        """Wait for the lock, and cut off a torn last line."""
        self._lock.acquire()
        with self._journal.open("r+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.truncate(self._journal.read_bytes().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()


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


class SearchLocks:
    """By which processes share the trials of a search.

    Each process that takes part holds a lock of its own for as long as it does: a trial whose process holds none is
    taken up by another.

    Making one removes the files of processes that were killed.

    Attributes:
        handing_out: held while a trial is handed out, so that no budget is exceeded; `with` waits for it.
        key: of this process; its trials are marked with it.

    Args:
        path: the file of `handing_out`; those of the processes are NAME.KEY.lock beside NAME.lock.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.key = path, token_hex(4)
        self.handing_out, self._own = process_lock(path), process_lock(self._file(self.key))
        with self.handing_out:
            for file in path.parent.glob(f"{escape(path.stem)}.{'[0-9a-f]' * 8}.lock"):
                self.is_held(file.stem.rpartition(".")[2])
            self._own.acquire()

    def is_held(self, key: str) -> bool:
        """Whether the process of a key takes part; called with `handing_out` held. A dead one's file is removed."""
        file = self._file(key)
        if not key or not file.exists():
            return False
        other = process_lock(file)
        try:
            other.acquire(blocking=False)
        except TimeoutError:
            return True
        other.release()
        file.unlink(missing_ok=True)  # Windows has removed it
        return False

    def close(self) -> None:
        """Take part no more."""
        self._own.release()
        self._file(self.key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._path.with_name(f"{self._path.stem}.{key}.lock")
