"""Compiling by numba."""

import os
from pathlib import Path

import pytest

from mien.compiled import compiled


@pytest.mark.usefixtures("homeless")
def test_numba_makes_no_folder_called_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # as where the package belongs to somebody else

    def twice(x: int) -> int:
        return 2 * x

    assert compiled("int64(int64)")(twice)(4) == 8
    assert list(Path().iterdir()) == []
