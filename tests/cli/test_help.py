"""Each command's help: short, fast, and with examples that work."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mien.cli import app

ROOT = Path(__file__).parents[2]
RUN_HERE = {
    "mien nets cnn_1 --size 24",
    "mien augment words --json",
    "mien backbones --json",
    "mien models --json",
    "mien models show best",
}
"""Examples that need no file and little time."""


def commands(group: Any, name: str = "mien") -> Iterator[tuple[str, Any]]:
    """Every command and group, with the words that call it."""
    yield name, group
    for word, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {word}")


COMMANDS = dict(commands(typer.main.get_command(app)))
EXAMPLES = {
    name: re.findall(r"\[bold\](mien .*?)\[/(?:bold)?\]", command.epilog or "") for name, command in COMMANDS.items()
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_ends_with_an_example_of_its_command(name: str) -> None:
    assert EXAMPLES[name]
    assert all(example.startswith(name) for example in EXAMPLES[name])
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert EXAMPLES[name][-1] in shown.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(("name", "example"), [(name, one) for name, several in EXAMPLES.items() for one in several])
def test_every_example_is_understood(name: str, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(example)
    called = max((one for one in COMMANDS if words[: len(one.split())] == one.split()), key=len)
    assert called.startswith(name)
    context = COMMANDS[called].make_context(called, words[len(called.split()) :])
    assert context.args == []


@pytest.mark.parametrize("example", sorted(RUN_HERE))
def test_an_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert example in {one for examples in EXAMPLES.values() for one in examples}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    done = CliRunner().invoke(app, example.split()[1:], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout
