"""The faces of a cell of a run's confusion matrix, in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from browsing import axe_source, chromium, faults, opened, playwright, served
from studied import gray_faces

from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.runs.study_folder import StudyFolder
from mien.serve.server_config import ServerConfig

expect = playwright.expect

CLASSES = gray_faces().classes


@pytest.fixture(scope="module")
def runs(built_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two finished studies; the faces of `lost` are gone."""
    folder = tmp_path_factory.mktemp("out")
    for name in ("small", "lost"):
        copytree(built_study, folder / name)
    record = folder / "lost" / "faces.json"
    facts = json.loads(record.read_text(encoding="utf-8")) | {"source": ["gone"], "fingerprint": "f" * 64}
    record.write_text(json.dumps(facts), encoding="utf-8")
    for file in (folder / "lost" / "runs").glob("*/run.json"):
        fingerprint = gray_faces().fingerprint
        file.write_text(file.read_text(encoding="utf-8").replace(fingerprint, "f" * 64), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(runs: Path, model_file: Path) -> Iterator[str]:
    with served(ServerConfig(runs=runs, model=str(model_file))) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def run(runs: Path) -> Run:
    return next(run for name, run in StudyFolder(runs / "small").runs.items() if name.startswith("strong"))


@pytest.fixture(scope="module")
def made(run: Run) -> Predictions:
    predictions = run.predictions("validation")
    assert predictions is not None
    return predictions


def cell_of(page: Any, label: str, predicted: str) -> Any:
    """A cell of the matrix on validation."""
    return page.locator(".confusion").first.locator(f'[data-cell="{label} {predicted}"]')


def test_a_cell_shows_its_faces_the_most_confident_first(
    browser: Any, address: str, run: Run, made: Predictions
) -> None:
    happy = CLASSES.index("happy")
    places = made.most_confident((made.labels == happy) & (made.predicted == happy))
    with opened(browser, f"{address}/#/studies/small/{run.id}") as page:
        cells = page.locator(".confusion").first.get_by_role("button")
        pairs = set(zip(made.labels.tolist(), made.predicted.tolist(), strict=True))
        expect(cells).to_have_count(len(pairs))
        cell = cell_of(page, "happy", "happy")
        share = round(100 * len(places) / np.sum(made.labels == happy))
        words = f"{len(places)} happy faces predicted as happy"
        expect(cell).to_have_attribute("aria-label", f"{words}, {share} %")
        cell.focus()
        page.keyboard.press("Enter")
        panel = page.get_by_role("region", name=words)
        expect(panel).to_be_focused()
        expect(panel.locator("canvas.here")).to_have_count(len(places))
        expect(cell).to_have_attribute("aria-expanded", "true")
        shown = [f"{100 * made.confidence[place]:.1f} %validation {place}" for place in places]
        assert [text.replace("\n", "") for text in panel.get_by_role("listitem").all_inner_texts()] == shown
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        expect(cell).to_be_focused()
        assert page.troubles == []


def test_a_cell_is_closed_by_back_by_its_button_and_by_another(browser: Any, address: str, run: Run) -> None:
    with opened(browser, f"{address}/#/studies/small/{run.id}") as page:
        panel = page.locator(".cell-faces")
        first, second = cell_of(page, "happy", "happy"), cell_of(page, "sad", "sad")
        for close in (page.go_back, panel.get_by_role("button", name="Close").click, first.click):
            first.click()
            expect(panel).to_be_visible()
            close()
            expect(panel).to_have_count(0)
            expect(first).to_be_focused()
        first.click()
        second.click()
        expect(panel.get_by_role("heading")).to_contain_text("sad faces predicted as sad")
        expect(first).to_have_attribute("aria-expanded", "false")
        page.reload()
        expect(panel.get_by_role("heading")).to_contain_text("sad faces predicted as sad")
        page.go_back()
        expect(panel).to_have_count(0)
        expect(page.get_by_role("heading", level=1, name="strong")).to_be_visible()


def test_more_faces_come_when_wanted(browser: Any, address: str, run: Run, made: Predictions) -> None:
    count = int(np.sum(made.correct & (made.labels == CLASSES.index("happy"))))
    with opened(browser, f"{address}/#/studies/small/{run.id}") as page:
        fewer = lambda route: route.continue_(url=route.request.url.replace("count=24", "count=3"))  # noqa: E731
        page.route("**/predictions?*", fewer)
        cell_of(page, "happy", "happy").click()
        faces = page.locator(".cell-faces li")
        more = page.get_by_role("button", name="More")
        for shown in range(3, count, 3):
            expect(faces).to_have_count(shown)
            expect(page.locator(".cell-faces").get_by_role("status")).to_contain_text(
                f"{shown} of them, most confident first"
            )
            expect(more).to_have_text(f"More ({count - shown} left)")
            more.click()
            expect(faces.nth(shown)).to_be_focused()
        expect(faces).to_have_count(count)
        expect(page.locator(".cell-faces").get_by_role("status")).to_contain_text("All of them")
        expect(more).to_be_hidden()


def test_where_the_faces_are_gone_the_cell_says_so(browser: Any, address: str, run: Run) -> None:
    with opened(browser, f"{address}/#/studies/lost/{run.id}") as page:
        cell_of(page, "happy", "happy").click()
        expect(page.locator(".cell-faces").get_by_role("status")).to_contain_text(
            "faces of this run cannot be opened any more: gone"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_cells_are_accessible_and_fit_a_phone(
    browser: Any, address: str, run: Run, scheme: str, pytestconfig: pytest.Config
) -> None:
    axe = axe_source(pytestconfig)
    options = {"color_scheme": scheme, "bypass_csp": True, "viewport": {"width": 360, "height": 760}}
    with opened(browser, f"{address}/#/studies/small/{run.id}", **options) as page:
        cell_of(page, "happy", "happy").click()
        expect(page.locator(".cell-faces canvas.here").first).to_be_visible()
        assert faults(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
