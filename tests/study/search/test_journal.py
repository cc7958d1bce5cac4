"""A search's journal: what a kill may leave in it, and who is at which trial."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from mien.study.search.journal import TrialLocks, storage

HOLD = """
import sys
from pathlib import Path
from mien.study.search.journal import TrialLocks
claims = TrialLocks(Path(sys.argv[1]))
print(claims.acquire(int(sys.argv[2])), flush=True)
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


def test_a_claim_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "s.lock"
    call = [sys.executable, "-c", HOLD, str(path), "3"]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with closing(TrialLocks(path)) as claims:
            assert not claims.acquire(3)
            assert claims.acquire(2)
            other.kill()
            other.wait()
            assert claims.acquire(3)
            assert claims.acquire(3), "what one has, one may take again"
