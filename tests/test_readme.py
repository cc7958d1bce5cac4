"""What users are told works: commands in the help, the documents and the studies; links; Python; make's targets."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from mien.cli import app
from mien.study.config.schema import read_study

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
TEXTS = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
MIEN = typer.main.get_command(app)
UsageError = typer.BadParameter.__base__


def blocks(text: str, *languages: str) -> Iterator[str]:
    """The fenced blocks of a document in one of the languages."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if found[1] in languages:
            yield found[2]


def commands_in(text: str) -> list[str]:
    """Lines that call mien, from a shell block, a study's head or a help text."""
    lines = (re.sub(r"^(Examples?:|\$|#)\s*", "", line.strip()).partition("  #")[0] for line in text.splitlines())
    return [line.strip() for line in lines if re.match(r"(\S*/)?mien (?!is\b)[a-z-]", line)]


def verbs(group: TyperGroup, path: str = "mien") -> Iterator[tuple[str, TyperCommand]]:
    """Every verb with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from verbs(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def parse(line: str) -> str:
    """Read a command line as mien would, without running it; gives the verb's name."""
    words, command, context = shlex.split(line)[1:], MIEN, None
    while isinstance(command, TyperGroup) and not (command.invoke_without_command and not words):
        name, command, words = command.resolve_command(typer.Context(command, info_name=command.name), words)
        assert command is not None, line
        context = name
    if "--help" not in words:
        command.make_context(context, list(words))
    return str(context)


VERBS = dict(verbs(MIEN))
EXAMPLES = {verb: commands_in(re.sub(r"\[/?\w*\]", "", command.epilog or "")) for verb, command in VERBS.items()}
TOLD = sorted(
    {line for text in TEXTS.values() for block in blocks(text, "", "sh") for line in commands_in(block)}
    | {line for path in (ROOT / "studies").glob("*.toml") for line in commands_in(path.read_text(encoding="utf-8"))}
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verbs_help_ends_with_an_example_of_it(verb: str) -> None:
    assert EXAMPLES[verb], f"{verb}: no example"
    assert all(line.startswith(verb) for line in EXAMPLES[verb])


@pytest.mark.parametrize("line", [*TOLD, *(line for lines in EXAMPLES.values() for line in lines)])
def test_a_command_that_users_are_told_is_understood(line: str) -> None:
    parse(line)


def test_a_command_that_is_none_is_noticed() -> None:
    for wrong in ("mien stduy studies/quick.toml", "mien study studies/quick.toml --dta x", "mien faces shwo drawn"):
        with pytest.raises(UsageError):
            parse(wrong)


def test_the_readme_shows_every_verb() -> None:
    readme = TEXTS[ROOT / "README.md"]
    assert [verb for verb in VERBS if verb not in readme] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXTS[path])
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_studies_in_documents_are_right(path: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(TEXTS[path], "toml")):
        if text.startswith("name"):
            file = tmp_path / f"{number}.toml"
            file.write_text(text, encoding="utf-8")
            assert read_study(file, [], []).nets


def test_python_in_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = list(blocks(TEXTS[ROOT / "README.md"], "python"))
    assert found
    for block in found:
        exec(compile(block, "README.md", "exec"), {})


def test_make_has_every_target_that_is_told() -> None:
    told = {
        target for text in TEXTS.values() for target in re.findall(r"(?:`|^|\s)make ([a-z]+)(?:`|\s+#| [A-Z])", text)
    }
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"setup", "study", "test", "real", "bench"} <= told
    assert told <= known


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"make ([a-z]+)", done.stdout))
    assert listed == set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
