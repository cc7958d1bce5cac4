"""Every notebook runs from its first cell to its last; what it holds is small, and of no machine in particular."""

import json
import re
from pathlib import Path

import pytest
from run_notebooks import NOTEBOOKS, run

LARGEST = 500_000
"""Bytes that a notebook may have."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    @pytest.mark.slow
    def test_every_cell_runs(self, path: Path, tmp_path: Path) -> None:
        pytest.importorskip("nbclient")
        notebook = run(path, tmp_path, tmp_path / "cache")
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip())

    def test_it_is_small(self, path: Path) -> None:
        assert path.stat().st_size < LARGEST

    def test_it_holds_no_path_of_a_machine(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"(?<![\w.:/])/(?:home|root|tmp|work|usr|Users|var|opt|mnt)/[^\s\"'<]*", text) == []
        assert re.findall(r"[A-Z]:\\\\", text) == []

    def test_its_outputs_are_those_of_one_run_from_top_to_bottom_without_an_error(self, path: Path) -> None:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in code] == [*range(1, len(code) + 1)]
        kinds = {output["output_type"] for cell in code for output in cell["outputs"]}
        assert kinds <= {"display_data", "execute_result", "stream"}
        assert any(cell["outputs"] for cell in code)
        assert not [cell for cell in cells if "execution" in cell["metadata"]]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
