"""The documents: links and anchors lead somewhere, every page is reached and begins with what it is for."""

import html
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *PAGES, *sorted((ROOT / "benchmarks").glob("*.md"))]
KINDS = ("tutorials", "how-to", "reference", "explanation", "decisions", "results")


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
