import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from report.searches import SEARCH

from mien.faces import read_packed, write_packed
from mien.report import write_report
from mien.report.study_data import read_reported_study
from mien.runs.results import read_results


def report(folder: Path) -> Path:
    return write_report(folder, read_results(folder))


VOID = {"meta", "img", "br", "link", "input", "hr"}


class Outline(HTMLParser):
    """Checks that tags are balanced, and gathers headings, ids, links and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if attributes.get("id"):
            self.ids.append(str(attributes["id"]))
        if tag == "a":
            self.links.append(str(attributes["href"]))
        if tag == "img":
            self.pictures.append(attributes)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


@pytest.fixture(scope="module")
def page(study: Path) -> str:
    return (study / "report.html").read_text(encoding="utf-8")


def test_the_page_shows_every_net(page: str) -> None:
    for name in ("wide", "deep", "conv_1", "conv_2"):
        assert f'id="net-{name}"' in page
        assert f"Layers of {name}" in page
        assert f"{name}: accuracy over epochs" in page
    assert "Thin: each of 2 seeds; thick: their mean." in page


def test_the_page_is_well_formed(page: str) -> None:
    parsed = outline(page)
    assert parsed.headings[0] == 1
    assert parsed.headings.count(1) == 1
    assert all(later - before <= 1 for before, later in zip(parsed.headings, parsed.headings[1:], strict=False))
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    assert all(picture["alt"] and str(picture["src"]).startswith("data:image/png") for picture in parsed.pictures)
    assert page.count("<caption>") == page.count("<table")


def test_the_page_needs_nothing_else(page: str) -> None:
    assert len(page.encode()) < 3_000_000
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "@import" not in page
    assert "url(http" not in page
    assert "default-src 'none'" in page


def test_the_page_gives_what_reproduces_it(page: str, study: Path) -> None:
    results = json.loads((study / "results.json").read_text(encoding="utf-8"))
    assert results["faces"]["fingerprint"] in page
    assert "mien study study.toml" in page
    assert results["versions"]["torch"] in page
    assert "dense(16, l2=1e-4)" in page


def test_pictures_of_faces_and_mistakes(page: str) -> None:
    alt = [str(picture["alt"]) for picture in outline(page).pictures]
    assert sum(text.startswith("A face from train") for text in alt) == 14
    mistakes = [text for text in alt if text.startswith("A face of test")]
    assert len(mistakes) == 28
    for text in mistakes:
        truth, answer = re.findall(r"(\w+) → (\w+)", text)[0]
        assert truth != answer


def test_every_cell_that_has_faces_leads_to_them(page: str, study: Path) -> None:
    selected = [net for net in read_reported_study(study, read_results(study)).nets if net.selected]
    cells = set()
    for net in selected:
        made = net.runs[0].predictions("test")
        assert made
        for truth, predicted in zip(made.labels.tolist(), made.predicted.tolist(), strict=True):
            cells.add(f"confusion-{net.name}-{truth}-{predicted}")
    links = {link[1:] for link in outline(page).links if re.search(r"^#confusion-\w+-\d-\d$", link)}
    assert links == cells
    assert page.count('class="cell-faces"') == len(cells)
    assert page.count("by the predictions of seed 0 alone") == len(selected)
    assert page.count("data:image/jpeg") == len(selected)
    assert not any("<a" in path.read_text(encoding="utf-8") for path in (study / "figures").iterdir())


def test_the_report_is_the_same_each_time(study: Path) -> None:
    before = (study / "report.html").read_bytes()
    assert report(study) == study / "report.html"
    assert (study / "report.html").read_bytes() == before


def test_missing_faces_are_explained(built: Callable[..., Path]) -> None:
    folder = built()
    for file in (folder.parent / "faces").iterdir():
        file.unlink()
    (folder.parent / "faces").rmdir()
    page = report(folder).read_text(encoding="utf-8")
    assert "The faces cannot be opened any more" in page
    assert "<img" not in page
    assert "data:image" not in page
    assert not any("confusion" in link for link in outline(page).links)
    assert "Choose a cell" not in page
    assert "Most confident mistakes of" in page


def test_other_faces_are_not_shown_as_these(built: Callable[..., Path]) -> None:
    folder = built()
    faces = read_packed(folder.parent / "faces")
    other = np.array(faces.images)
    other[0, 0, 0] ^= 255
    labels, splits = np.array(faces.labels), np.array(faces.splits)
    write_packed(type(faces)(other, labels, splits, faces.classes, None, faces.name), folder.parent / "faces")
    page = report(folder).read_text(encoding="utf-8")
    assert "their fingerprint differs" in page
    assert "<img" not in page


def test_failed_runs_have_their_reason(built: Callable[..., Path]) -> None:
    page = report(built(failing=["wide"])).read_text(encoding="utf-8")
    assert "wide</a> failed." in page
    assert "the loss of step 12 is nan &lt;learning rate 10&gt;" in page
    assert "deep is the only net that came to its end" in page


def test_a_study_where_all_failed_still_has_a_page(built: Callable[..., Path]) -> None:
    page = report(built(failing=["wide", "deep", "conv_1", "conv_2"])).read_text(encoding="utf-8")
    assert "No net came to its end." in page
    assert page.count("the loss of step 12 is nan") >= 4
    outline(page)


def strings(value: object, prefix: str) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from strings(part, prefix)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part, prefix)
    elif isinstance(value, str) and value.startswith(prefix):
        yield value


def test_names_are_escaped(built: Callable[..., Path]) -> None:
    folder = built()
    text = (
        (folder / "results.json")
        .read_text(encoding="utf-8")
        .replace('"wide"', '"<script>w"')
        .replace('"fnn"', '"<i>fnn"')
    )
    results = json.loads(text) | {"study": "<script>alert(1)</script>", "command": "mien <b>"}
    assert list(strings(results, "<script>"))
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    page = report(folder).read_text(encoding="utf-8")
    assert page.count("<script>") == 1  # the page's own
    assert "<i>" not in page
    assert "<b>&" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;script&gt;w" in page
    outline(page)


def test_the_page_shows_a_search_in_its_group_and_saves_it(built: Callable[..., Path]) -> None:
    folder = built()
    write_report(folder, replace(read_results(folder), tuning={"wide": SEARCH}))
    page = (folder / "report.html").read_text(encoding="utf-8")
    group = page[page.index('id="group-fnn"') : page.index('id="group-cnn"')]
    assert 'id="tuning-wide"' in group
    assert "5 trials, 1 pruned, 1 failed" in re.sub(r"\s+", " ", group)
    assert "5 &lt;x&gt; is larger" in group
    assert 'id="tuning-deep"' not in page
    names = {path.stem for path in (folder / "figures").glob("tuning-*.svg")}
    assert names == {f"tuning-{one}-wide" for one in ("history", "importances", "slices", "parallel")}
    assert (folder / "tables" / "trials-wide.csv").read_text(encoding="utf-8").count("\n") == 6


def test_every_figure_is_saved(study: Path) -> None:
    names = {path.stem for path in (study / "figures").iterdir()}
    assert {"counts", "accuracies", "costs", "samples", "loss-steps-wide", "loss-epochs-conv_1"} <= names
    assert {name for name in names if name.startswith("confusion-")} == {
        f"confusion-{name}" for name in ("wide", "deep", "conv_1", "conv_2") if f"reliability-{name}" in names
    }
    evaluated = {name.removeprefix("confusion-") for name in names if name.startswith("confusion-")}
    assert {f"{kind}-{name}" for kind in ("roc", "precision-recall") for name in evaluated} <= names
    for path in (study / "figures").iterdir():
        ElementTree.parse(path)
        assert "var(--" not in path.read_text(encoding="utf-8")
