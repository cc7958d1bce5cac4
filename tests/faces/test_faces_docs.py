"""docs/ lists every layout correctly, and its Python runs."""

import re
from pathlib import Path

import pytest

from mien.faces.classes import LAYOUTS

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "faces.md").read_text(encoding="utf-8")


def test_the_table_of_layouts_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", TEXT, re.MULTILINE)
    table = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows if name in LAYOUTS}
    assert table == {name: [numbers.get(number, "") for number in range(8)] for name, numbers in LAYOUTS.items()}


def test_the_python_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    for block in re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/how-to/faces.md", "exec"), {"__name__": "docs"})
    assert capsys.readouterr().out.splitlines()[-1] == "24"
