"""What docs/reference/serve.md promises."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from serving import serving

from mien.serve.limits import Limits

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "serve.md").read_text(encoding="utf-8")


def test_every_limit_is_listed_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| .* \| ([\d,]+|the cores) \|$", TEXT, re.MULTILINE))
    assert list(listed) == [field.name for field in fields(Limits)]
    assert {name: default for name, default in listed.items() if name != "threads"} == {
        name: f"{value:,}" for name, value in vars(Limits()).items() if name != "threads"
    }


def test_the_client_works(
    model_file: Path, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(photo)
    match = re.search(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert match
    with serving("--model", str(model_file), "--no-open") as server:
        code = match[1].replace("http://127.0.0.1:8000", f"http://127.0.0.1:{server.port}")
        exec(compile(code, "docs/reference/serve.md", "exec"), {"__name__": "docs"})
    assert re.fullmatch(r"\(\d+, \d+, \d+, \d+\) \w+ \d+%\n", capsys.readouterr().out)
