"""The documents: links lead somewhere, every page is reached, and commands, studies and Python in them work."""

import ast
import html
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from vocabulary import BANNED

from mien.cli import app
from mien.runs.metrics import Accuracy, Bin, ClassScore, McNemar
from mien.runs.results import Comparison, EnsembleResult, GroupResult, NetResult, Results, SplitAccuracies, SplitScores
from mien.runs.search_results import SearchResult, SpaceEntry, TrialResult
from mien.runs.study_faces import StudyFaces
from mien.study.config.schema import read_study

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *PAGES, *sorted((ROOT / "benchmarks").glob("*.md"))]
KINDS = ("tutorials", "how-to", "reference", "explanation", "decisions", "results")
TEXTS = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
MIEN = typer.main.get_command(app)
UsageError = typer.BadParameter.__base__


def blocks(text: str, *languages: str) -> Iterator[str]:
    """The fenced blocks of a document in one of the languages."""
    for block in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if block[1] in languages:
            yield block[2]


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


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """The targets of links and pictures that are no address of another site, outside of code spans."""
    text = re.sub(r"`[^`]*`", "code", text)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [target for target in targets if "://" not in target and not target.startswith("mailto:")]


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub and the site make them."""
    slugs: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", html.unescape(heading)).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        slugs.append(f"{slug}-{slugs.count(slug)}" if slug in slugs else slug)
    return set(slugs)


def dead(path: Path, text: str) -> list[str]:
    """The links of a document at `path` with this text that lead nowhere."""
    lost = []
    for target in links(text):
        name, _, anchor = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        if not page.exists() or (
            anchor and (page.suffix != ".md" or anchor not in anchors(text if page == path else prose(page)))
        ):
            lost.append(target)
    return lost


VERBS = dict(verbs(MIEN))
EXAMPLES = {verb: commands_in(re.sub(r"\[/?\w*\]", "", command.epilog or "")) for verb, command in VERBS.items()}
SHOWN = sorted(
    {line for text in TEXTS.values() for block in blocks(text, "", "sh") for line in commands_in(block)}
    | {line for path in (ROOT / "studies").glob("*.toml") for line in commands_in(path.read_text(encoding="utf-8"))}
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_and_anchors_lead_somewhere(path: Path) -> None:
    assert dead(path, prose(path)) == []


def test_a_dead_link_is_noticed() -> None:
    page = DOCS / "index.md"
    text = "# Here\n[a](nowhere.md) [b](#gone) [c](index.md#gone) ![d](images/gone.png) [e](#here) `[f](x)` [g](how-to)"
    assert dead(page, text) == ["nowhere.md", "#gone", "index.md#gone", "images/gone.png"]


def test_anchors_are_those_of_github() -> None:
    text = "# FER+'s majority of votes\n## `mien test`: how right\n## Twice\n### Twice\n## See [it](x.md)"
    assert anchors(text) == {"fers-majority-of-votes", "mien-test-how-right", "twice", "twice-1", "see-it"}


def test_every_page_is_of_a_kind_and_reached_from_the_index() -> None:
    names = {path.relative_to(DOCS).as_posix() for path in PAGES} - {"index.md"}
    assert {name.split("/")[0] for name in names} == set(KINDS)
    index = {target.partition("#")[0] for target in links(prose(DOCS / "index.md"))}
    assert names - index == set()


def test_every_page_is_in_the_sites_navigation_once() -> None:
    listed = re.findall(
        r"^\s+- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    names = {path.relative_to(DOCS).as_posix() for path in PAGES}
    assert len(listed) == len(set(listed))
    assert names - set(listed) == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_page_has_one_title_and_begins_with_what_it_is_for(path: Path) -> None:
    text = prose(path)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    title, blank, first = text.splitlines()[:3]
    assert title.startswith("# ")
    assert blank == ""
    assert re.match(r"[A-Z(*`]|mien ", first), "the first lines are not a sentence"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_headings_leave_no_level_out(path: Path) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(path), re.MULTILINE)]
    assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verbs_help_ends_with_an_example_of_it(verb: str) -> None:
    assert EXAMPLES[verb], f"{verb}: no example"
    assert all(line.startswith(verb) for line in EXAMPLES[verb])


@pytest.mark.parametrize("line", [*SHOWN, *(line for lines in EXAMPLES.values() for line in lines)])
def test_a_command_that_users_are_shown_is_understood(line: str) -> None:
    parse(line)


def test_a_command_that_is_none_is_noticed() -> None:
    for wrong in ("mien stduy studies/quick.toml", "mien study studies/quick.toml --dta x", "mien faces shwo drawn"):
        with pytest.raises(UsageError):
            parse(wrong)


def test_the_page_of_commands_has_every_verb() -> None:
    page = TEXTS[DOCS / "reference" / "commands.md"]
    assert [verb for verb in VERBS if verb not in page] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_studies_in_documents_are_valid(path: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(TEXTS[path], "toml")):
        if text.startswith("name"):
            file = tmp_path / f"{number}.toml"
            file.write_text(text, encoding="utf-8")
            assert read_study(file, [], []).nets


@pytest.mark.slow  # trains and exports a net
def test_the_python_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    names: dict[str, object] = {}
    code = list(blocks(TEXTS[DOCS / "tutorials" / "python.md"], "python"))
    assert code
    for block in code:
        exec(compile(block, "docs/tutorials/python.md", "exec"), names)


def test_make_has_every_target_that_is_named() -> None:
    named = {
        target for text in TEXTS.values() for target in re.findall(r"(?:`|^|\s)make ([a-z]+)(?:`|\s+#| [A-Z])", text)
    }
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"setup", "study", "test", "real", "bench", "docs"} <= named
    assert named <= known


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"make ([a-z]+)", done.stdout))
    assert listed == set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_python_that_the_site_lists_is_there() -> None:
    listed = re.findall(r"^::: (\S+)$", TEXTS[DOCS / "reference" / "python.md"], re.MULTILINE)
    assert listed
    for name in listed:
        place = ROOT / "src" / name.replace(".", "/")
        if not place.with_suffix(".py").exists():
            file, _, member = name.rpartition(".")
            tree = ast.parse((ROOT / "src" / file.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8"))
            assert member in {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}, name


def test_the_page_of_results_has_every_key() -> None:
    page = TEXTS[DOCS / "reference" / "results-file.md"]
    kinds = (Accuracy, Bin, ClassScore, Comparison, EnsembleResult, GroupResult, McNemar, NetResult, Results)
    kinds += (SearchResult, SpaceEntry, SplitAccuracies, SplitScores, StudyFaces, TrialResult)
    keys = {field.name for kind in kinds for field in fields(kind)}
    assert keys - set(re.findall(r"`(\w+)`", page)) == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_are_in_plain_words(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`|<!-- map.*end of the map -->", "", prose(path), flags=re.DOTALL)
    assert [match[0] for match in BANNED.finditer(text)] == []


@pytest.mark.parametrize(
    "path",
    [path for path in DOCUMENTS if path.parent.name != "decisions"],  # which also name what is gone
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_of_the_source_that_documents_name_are_there(path: Path) -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|js|toml|txt))`", prose(path))
    places = (ROOT, ROOT / "src" / "mien", path.parent)
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
