"""The page for everybody: accessibility, phones, light and dark, the keyboard alone; and what it says when refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import axe_source, chromium, faults, opened, playwright, served

from mien.serve.server_config import ServerConfig

expect = playwright.expect

TOKEN = "sesame-open-the-door"


@pytest.fixture(scope="module")
def address(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ServerConfig(runs=tmp_path_factory.mktemp("out"), model=str(model_file))) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    return axe_source(pytestconfig)


def choose(page: Any, photo: bytes) -> None:
    file = {"name": "grace.jpg", "mimeType": "image/jpeg", "buffer": photo}
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": photo[:500]}
    page.locator("input[type=file]").set_input_files([file, broken])
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".progress")).to_contain_text("1 not read")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(
    browser: Any, address: str, axe: str, photo: bytes, scheme: str, width: int
) -> None:
    with opened(browser, address, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
        assert faults(page, axe) == []
        choose(page, photo)
        assert faults(page, axe) == []
        page.get_by_role("button", name="broken.jpg").first.click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert faults(page, axe) == []
        page.get_by_role("link", name="Live camera").click()
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator("video")).to_be_visible()
        assert faults(page, axe) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_never_scrolls_sideways(browser: Any, address: str, photo: bytes, width: int) -> None:
    with opened(browser, address, viewport={"width": width, "height": 800}) as page:
        expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        choose(page, photo)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_views_are_tabs_within_reach(browser: Any, address: str) -> None:
    with opened(browser, address, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True) as page:
        tabs = page.get_by_role("navigation", name="Views")
        expect(tabs).to_be_visible()
        box = tabs.bounding_box()
        assert box["y"] + box["height"] == pytest.approx(800, abs=1)
        assert box["width"] == 390
        expect(page.get_by_role("heading", name="Begin with a photo")).to_be_visible()
        for name in ("Predict", "Studies", "Data", "Models"):
            assert tabs.get_by_role("link", name=name).bounding_box()["height"] >= 44


def test_light_and_dark_follow_the_system_until_one_is_chosen_for_good(browser: Any, address: str) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, address, color_scheme="dark") as page:
        page.wait_for_selector("h1")
        dark = page.evaluate(ground)
        page.emulate_media(color_scheme="light")
        light = page.evaluate(ground)
        assert light != dark
        page.get_by_role("button", name="Switch to dark").click()
        assert page.evaluate(ground) == dark
        page.reload()
        assert page.evaluate(ground) == dark
        page.get_by_role("button", name="Switch to light").click()
        assert page.evaluate(ground) == light


def test_the_keyboard_reaches_the_content_first_and_all_views(browser: Any, address: str) -> None:
    with opened(browser, address) as page:
        expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        page.get_by_role("link", name="Data").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Data")).to_have_attribute("aria-current", "page")
        expect(page.get_by_role("main")).to_be_focused()
        expect(page).to_have_title("Data · mien")


def test_an_address_that_leads_nowhere_says_so(browser: Any, address: str) -> None:
    with opened(browser, f"{address}/#/nowhere") as page:
        expect(page.get_by_role("heading", name="Nothing is here")).to_be_visible()
        page.get_by_role("main").get_by_role("link", name="Predict").click()
        expect(page.get_by_role("button", name="Choose photos")).to_be_visible()


def test_a_server_that_does_not_answer_is_shown_and_tried_again(browser: Any, address: str, photo: bytes) -> None:
    with opened(browser, address) as page:
        expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
        page.route("**/v1/**", lambda route: route.abort())
        page.locator("input[type=file]").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo})
        expect(page.get_by_role("alert")).to_contain_text("Is mien serve still running?")
        page.get_by_role("link", name="Models").click()
        expect(page.get_by_role("alert")).to_contain_text("Is mien serve still running?")
        page.unroute("**/v1/**")
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_token_is_requested_once_until_it_is_correct(
    browser: Any, model_file: Path, tmp_path: Path, photo: bytes, axe: str
) -> None:
    settings = ServerConfig(runs=tmp_path, model=str(model_file), token=TOKEN)
    with served(settings) as address, opened(browser, address) as page:
        dialog = page.get_by_role("dialog", name="This server asks for a token")
        expect(dialog).to_be_visible()
        assert faults(page, axe) == []
        dialog.get_by_label("Token").fill("sesame-open-the-dear")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("That is not the token.")
        dialog.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        choose(page, photo)
        page.reload()  # the tab still knows it
        choose(page, photo)
        expect(dialog).to_have_count(0)
        assert not any(TOKEN in url for url in page.requested)


def test_without_the_token_nothing_is_shown(browser: Any, model_file: Path, tmp_path: Path) -> None:
    settings = ServerConfig(runs=tmp_path, model=str(model_file), token=TOKEN)
    with served(settings) as address, opened(browser, f"{address}/#/models") as page:
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("answers only to those who know its token")
