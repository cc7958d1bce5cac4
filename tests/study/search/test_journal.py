"""A search's journal: what a kill may leave in it, and who is at which trial."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from mien.study.search.journal import SearchLocks, storage

HOLD = """
import sys
from pathlib import Path
from mien.study.search.journal import SearchLocks
locks = SearchLocks(Path(sys.argv[1]))
print(locks.key, flush=True)
sys.stdin.read()
"""


def _study(journal: Path) -> optuna.Study:
    return optuna.create_study(storage=storage(journal), study_name="s", load_if_exists=True)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of two trials."""
    study = _study(tmp_path / "s.journal")
    for value in (1.0, 2.0):
        study.tell(study.ask(), value)
    return tmp_path / "s.journal"


def test_a_torn_last_line_is_cut_off_before_the_next(journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-20])
    study = _study(journal)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "RUNNING"]
    study.tell(1, 3.0)
    assert [trial.value for trial in _study(journal).trials] == [1.0, 3.0]
    assert journal.read_bytes().endswith(b"\n")


def test_a_journal_of_which_only_half_a_line_was_written_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "s.journal").write_bytes(b'{"op_code":0,"wor')
    study = _study(tmp_path / "s.journal")
    study.tell(study.ask(), 1.0)
    assert len(_study(tmp_path / "s.journal").trials) == 1


def test_a_process_takes_part_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "s.lock"
    call = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        key = other.stdout.readline().strip()
        with closing(SearchLocks(path)) as locks:
            assert locks.key != key
            with locks.handing_out:
                assert locks.is_held(key)
                other.kill()
                other.wait()
                assert not locks.is_held(key)
                assert not locks.is_held("")
    assert [file.name for file in tmp_path.iterdir()] == ["s.lock"]


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "s.journal.lock").touch()
    (tmp_path / "s.0123abcd.lock").touch()
    with closing(SearchLocks(tmp_path / "s.lock")) as one, closing(SearchLocks(tmp_path / "s.lock")) as other:
        names = {file.name for file in tmp_path.iterdir()}
    assert names == {"s.journal.lock", "s.lock", f"s.{one.key}.lock", f"s.{other.key}.lock"}
    assert {file.name for file in tmp_path.iterdir()} == {"s.journal.lock", "s.lock"}
