"""The page as a browser shows it."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        own = started.chromium.executable_path
        executable = next(filter(None, map(shutil.which, (own, "chromium", "chromium-browser", "google-chrome"))), None)
        if executable is None:
            pytest.skip("no Chromium; `playwright install chromium` gets one")
        running = started.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: playwright.Browser, study: Path) -> Iterator[playwright.Page]:
    shown = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    shown.troubles, shown.requested = [], []
    shown.on("console", lambda message: shown.troubles.append(message.text))
    shown.on("pageerror", lambda error: shown.troubles.append(str(error)))
    shown.on("request", lambda request: shown.requested.append(request.url))
    shown.goto((study / "report.html").as_uri())
    yield shown
    shown.close()


def test_nothing_fails_and_nothing_is_requested_from_a_network(page: playwright.Page, study: Path) -> None:
    page.wait_for_load_state("networkidle")
    assert page.troubles == []
    assert [url for url in page.requested if not url.startswith("data:")] == [(study / "report.html").as_uri()]


def column(page: playwright.Page, number: int) -> list[str]:
    return page.locator(f"#comparison table >> nth=0 >> tbody tr > :nth-child({number})").all_inner_texts()


def test_tables_are_sorted_by_click_and_by_keyboard(page: playwright.Page) -> None:
    table = page.locator("#comparison table").first
    heading = table.locator("th", has_text="parameters")
    place = 1 + table.locator("thead th").all_inner_texts().index(heading.inner_text())
    before = column(page, place)
    heading.get_by_role("button").click()
    numbers = [int(text.replace(",", "")) for text in column(page, place)]
    assert heading.get_attribute("aria-sort") == "descending"
    assert numbers == sorted(numbers, reverse=True)
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [int(text.replace(",", "")) for text in column(page, place)] == sorted(numbers)
    names = table.locator("th", has_text="net").first
    names.get_by_role("button").focus()
    page.keyboard.press("Space")
    assert names.get_attribute("aria-sort") == "ascending"
    assert heading.get_attribute("aria-sort") is None
    assert column(page, 1) == sorted(column(page, 1))
    assert sorted(column(page, place)) == sorted(before)


def test_empty_cells_stay_last_whichever_way(page: playwright.Page) -> None:
    table = page.locator("#comparison table").first
    heading = table.locator("th", has_text="test, %")
    place = 1 + table.locator("thead th").all_inner_texts().index(heading.inner_text())
    for _ in range(2):
        heading.get_by_role("button").click()
        cells = column(page, place)
        assert cells[2:] == ["–", "–"]
        assert "–" not in cells[:2]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(page: playwright.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach((box) => (box.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_figures_follow_the_dark_scheme(page: playwright.Page) -> None:
    def colours() -> list[str]:
        return page.evaluate(
            """() => [getComputedStyle(document.body).backgroundColor,
                      getComputedStyle(document.querySelector("#faces svg text")).fill,
                      getComputedStyle(document.querySelector(".net svg path[style*='--validation']")).stroke]"""
        )

    light = colours()
    page.emulate_media(color_scheme="dark")
    assert all(one != other for one, other in zip(light, colours(), strict=True))


def test_links_unfold_what_they_lead_to(page: playwright.Page) -> None:
    closed = page.locator("details.net:not([open])").first
    name = closed.get_attribute("id")
    page.locator(f"nav a[href='#{name}']").click()
    playwright.expect(page.locator(f"#{name}")).to_have_attribute("open", "")


def test_what_is_folded_prints(page: playwright.Page) -> None:
    assert page.locator("details:not([open])").count() > 0
    page.emulate_media(media="print")
    hidden = page.locator("details.net:not([open]) figure").first
    assert hidden.bounding_box()["height"] > 50
    assert not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0


def a_cell(page: playwright.Page) -> playwright.Locator:
    """A cell of the open confusion matrix that has faces."""
    return page.locator("details[open] .linked figure a").first


def test_a_cell_of_the_confusion_matrix_opens_its_faces(page: playwright.Page) -> None:
    cell, shown = a_cell(page), page.locator(".cell-faces:visible")
    playwright.expect(shown).to_have_count(0)
    cell.click()
    playwright.expect(shown).to_have_count(1)
    playwright.expect(shown).to_be_in_viewport()
    some, every = re.search(r"(\d+) of (\d+) by seed 0", shown.locator("p").inner_text()).groups()
    assert shown.locator("li").count() == int(some) == min(8, int(every))
    shares = [float(text.removesuffix(" %")) for text in shown.locator("li").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    picture = shown.locator("li svg").first
    assert picture.bounding_box()["width"] > 40
    assert len(set(picture.screenshot())) > 100  # more than one colour
    other = page.locator("details[open] .linked figure a").nth(3)
    other.click()
    playwright.expect(shown).to_have_count(1)
    playwright.expect(other).to_have_attribute("aria-current", "true")
    assert cell.get_attribute("aria-current") is None
    page.go_back()
    page.go_back()
    playwright.expect(shown).to_have_count(0)
    assert page.troubles == []


def test_cells_are_opened_and_closed_by_keyboard(page: playwright.Page) -> None:
    cell, shown = a_cell(page), page.locator(".cell-faces:visible")
    name = cell.get_attribute("aria-label")
    truth, predicted = re.fullmatch(r"[\d,]+ (\w+) faces? predicted as (\w+)", name).groups()
    cell.focus()
    ring = "(link) => getComputedStyle(link.querySelector('path')).stroke"
    assert cell.evaluate(ring) != "none"
    for close in ("Escape", "Enter"):
        page.keyboard.press("Enter")
        region = page.get_by_role("region", name=f"Labelled {truth}, predicted as {predicted}")
        playwright.expect(region).to_be_focused()
        page.keyboard.press("Tab")
        playwright.expect(region.get_by_role("link", name="Close")).to_be_focused()
        page.keyboard.press(close)
        playwright.expect(shown).to_have_count(0)
        playwright.expect(cell).to_be_focused()


def test_cells_open_without_scripts(browser: playwright.Browser, study: Path) -> None:
    with closing(browser.new_page(java_script_enabled=False)) as page:
        page.goto((study / "report.html").as_uri())
        a_cell(page).click()
        playwright.expect(page.locator(".cell-faces:visible li").first).to_be_visible()
        page.locator(".cell-faces:visible").get_by_role("link", name="Close").click()
        playwright.expect(page.locator(".cell-faces:visible")).to_have_count(0)


def test_the_faces_of_cells_do_not_print(page: playwright.Page) -> None:
    a_cell(page).click()
    playwright.expect(page.locator(".cell-faces:visible")).to_have_count(1)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    playwright.expect(page.locator(".cell-faces:visible")).to_have_count(0)
    playwright.expect(page.locator(".hint:visible")).to_have_count(0)
    assert page.locator(".linked figure").first.is_visible()
