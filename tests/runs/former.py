"""Files of format 2 of results.json, as the code before wrote them."""

import json
from pathlib import Path
from typing import Any

from mien.disk import write_json
from mien.runs.results import Results, read_results

HERE = Path(__file__).parent


def former(name: str) -> dict[str, Any]:
    """A results.json of format 2, as the code before wrote it, with most nets and trials cut off."""
    content: dict[str, Any] = json.loads((HERE / f"format-2-{name}.json").read_text(encoding="utf-8"))
    return content


def read(content: Any, folder: Path) -> Results:
    write_json(folder / "results.json", content)
    return read_results(folder)
