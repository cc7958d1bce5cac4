"""The page's studies, data and models, in a browser; a run whose epochs come in while it is watched."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from browsing import axe_source, chromium, faults, opened, playwright, served
from studied import PLANTED, begin, epoch, gray_faces

from mien.disk import append_line
from mien.model_files.bundled import bundled_models
from mien.serve.server_config import ServerConfig

expect = playwright.expect

KEY = gray_faces().fingerprint[:10]


@pytest.fixture(scope="module")
def runs(built_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished study."""
    folder = tmp_path_factory.mktemp("out")
    copytree(built_study, folder / "small")
    return folder


@pytest.fixture(scope="module")
def address(runs: Path, model_file: Path) -> Iterator[str]:
    with served(ServerConfig(runs=runs, model=str(model_file))) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with opened(browser, f"{address}/#/studies") as page:
        yield page
        assert page.troubles == []


def go(page: Any, place: str) -> None:
    """Go to a view, and wait until it is filled."""
    page.evaluate("(place) => (location.hash = place)", place)
    expect(page.locator("main h1")).to_be_visible()


def drawn(page: Any, faces: int) -> None:
    """Wait until so many pictures of faces are there."""
    expect(page.locator("canvas.here")).to_have_count(faces)


def ids(runs: Path, net: str) -> list[str]:
    return sorted(path.name for path in (runs / "small" / "runs").iterdir() if path.name.startswith(net))


def test_from_the_list_to_a_study_to_a_run(page: Any, runs: Path) -> None:
    card = page.locator(".study-card")
    expect(card).to_contain_text("strong is best on validation")
    card.get_by_role("link", name="small").click()
    expect(page.get_by_role("heading", level=1, name="small")).to_be_visible()
    chart = page.get_by_role("img", name="Validation accuracy over epochs")
    expect(chart.locator("path.chart-line")).to_have_count(4)
    expect(page.locator("table.runs tbody tr")).to_have_count(4)
    page.get_by_label("Measure").select_option("loss")
    expect(page.get_by_role("img", name="Training loss over epochs")).to_be_visible()
    page.get_by_role("row").get_by_role("link", name="strong").first.click()
    expect(page.get_by_role("heading", level=1, name="strong")).to_be_visible()
    expect(page.locator(".confusion")).to_have_count(2)
    shares = page.locator(".confusion").first.locator("tbody tr").first.locator("td").all_inner_texts()
    assert 98 <= sum(map(int, shares)) <= 102
    expect(page.locator(".words code")).to_have_text(["flatten", "dense(8)", "relu", "classes"])


def test_the_curve_of_a_run_that_trains_moves_by_itself(page: Any, runs: Path) -> None:
    run = begin(runs / "small", "live")
    try:
        go(page, "#/studies/small")
        row = page.get_by_role("row").filter(has_text="live")
        expect(row).to_contain_text("running")
        expect(row).to_contain_text("0 of 4")
        lines = page.locator("path.chart-line")
        seen = []
        for number in (1, 2, 3):
            append_line(run.folder / "history.jsonl", epoch(number, 1.0))
            expect(row).to_contain_text(f"{number} of 4")
            seen.append(sorted(line.get_attribute("d") for line in lines.all()))
        assert seen[0] != seen[1] != seen[2]
        requested = [url for url in page.requested if "/v1/studies" in url]
        assert len(requested) <= 2  # the list, then one stream: nothing is requested again and again
        go(page, f"#/studies/small/{run.id}")
        expect(page.locator(".facts-line")).to_contain_text("3 of 4 epochs")
        append_line(run.folder / "history.jsonl", epoch(4, 1.0))
        expect(page.locator(".facts-line")).to_contain_text("4 of 4 epochs")
    finally:
        run.folder.rename(runs.parent / f"{runs.name}-{run.id}")


def test_any_epoch_is_read_off_by_pointer_and_by_keyboard(page: Any) -> None:
    go(page, "#/studies/small")
    chart = page.get_by_role("img", name="Validation accuracy over epochs")
    reading = page.locator(".chart-reading")
    box = chart.bounding_box()
    chart.hover(position={"x": 60, "y": box["height"] / 2})
    expect(reading).to_contain_text("Epoch 1")
    share = 100 * float(str(epoch(1, 2.5)["validation_accuracy"]))
    expect(reading).to_contain_text(f"{share:.1f} %")
    page.mouse.move(0, 0)
    expect(reading).to_be_hidden()
    chart.focus()
    page.keyboard.press("End")
    expect(reading).to_contain_text("Epoch 4")
    page.keyboard.press("ArrowLeft")
    expect(reading).to_contain_text("Epoch 3")
    page.keyboard.press("Escape")
    expect(reading).to_be_hidden()


def test_two_runs_are_chosen_and_set_side_by_side(page: Any) -> None:
    go(page, "#/studies/small")
    page.get_by_role("checkbox", name="Compare weak, seed 0").check()
    expect(page.get_by_role("region", name="Chosen runs")).to_contain_text("choose another")
    page.get_by_role("checkbox", name="Compare strong, seed 0").check()
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", level=1, name="Side by side")).to_be_visible()
    expect(page.locator("table.compared th[scope=col]")).to_have_text(["weak", "strong"])
    expect(page.locator(".dot-row")).to_have_count(7)
    expect(page.get_by_role("listitem").filter(has_text="Of 70 validation faces")).to_contain_text("strong is better")


def test_the_report_opens_in_its_sandbox(page: Any) -> None:
    go(page, "#/studies/small")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open the report").click()
    report = popup.value
    report.wait_for_function("document.title === 'ran'")
    assert report.evaluate("self.origin") == "null"
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the report").click()
    assert download.value.suggested_filename == "small.html"


def test_faces_of_an_emotion_and_others(page: Any) -> None:
    go(page, "#/data")
    page.get_by_role("link", name="blobs").click()
    drawn(page, 32)
    expect(page.locator("table.counts tbody tr").last).to_have_text("all707035")
    page.get_by_role("button", name="sad").click()
    drawn(page, 10)
    assert set(page.locator(".face-grid li > span").all_inner_texts()) == {"sad"}
    page.get_by_role("button", name="all").click()
    drawn(page, 32)
    first = page.locator("canvas").first.get_attribute("aria-label")
    page.get_by_role("button", name="Others").click()
    expect(page.locator("canvas").first).not_to_have_attribute("aria-label", first)


def test_the_audit_tells_and_shows_the_leak(page: Any) -> None:
    go(page, f"#/data/{KEY}/audit")
    expect(page.locator(".findings li").first).to_contain_text("test image is also in train")
    expect(page.locator(".findings li").first.locator("b")).to_have_text("1")
    drawn(page, page.locator("canvas").count())


def test_doubtful_labels_begin_with_the_planted_one(page: Any) -> None:
    go(page, f"#/data/{KEY}/doubtful")
    first = page.locator(".doubt-grid li").first
    expect(first).to_contain_text(f"validation {PLANTED}")
    drawn_faces = page.locator(".doubt-grid li").count()
    drawn(page, drawn_faces)
    pair = page.locator(".chips button").nth(1)
    number = int(pair.locator("small").inner_text())
    pair.click()
    expect(page.locator(".doubt-grid li")).to_have_count(number)


def test_the_model_in_use(page: Any) -> None:
    go(page, "#/models")
    expect(page.locator(".model-card")).to_have_count(1 + len(bundled_models()))
    expect(page.locator(".model-card", has_text="in use")).to_have_count(1)
    expect(page.get_by_role("button", name="Use this run")).to_be_visible()


def test_where_nothing_is_yet_it_says_what_to_do(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.serve.models.bundled_models", dict)
    with served(ServerConfig(runs=tmp_path / "out")) as empty, opened(browser, f"{empty}/#/studies") as page:
        for place, words in (
            ("studies", "mien study quick"),
            ("data", "mien serve --data faces"),
            ("models", "mien study quick"),
        ):
            go(page, f"#/{place}")
            expect(page.locator(".empty pre")).to_contain_text(words)
        go(page, "#/studies/none")
        expect(page.get_by_role("alert")).to_contain_text("no study is called 'none'")


def places(runs: Path) -> list[str]:
    strong, weak = ids(runs, "strong")[0], ids(runs, "weak")[0]
    data = [f"data/{KEY}{tab}" for tab in ("", "/audit", "/doubtful")]
    compared = f"studies?run=small%2F{strong}&run=small%2F{weak}"
    return ["studies", "studies/small", f"studies/small/{strong}", compared, "data", *data, "models"]


FILLED = ".study-card, .runs tbody tr, .confusion, .dot-row, .face-picture.here, .findings, .model-card"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_views_are_accessible(browser: Any, address: str, runs: Path, scheme: str, pytestconfig: pytest.Config) -> None:
    axe = axe_source(pytestconfig)
    with opened(browser, f"{address}/#/studies", color_scheme=scheme, bypass_csp=True) as page:
        for place in places(runs):
            go(page, f"#/{place}")
            page.locator(FILLED).first.wait_for()
            assert faults(page, axe) == [], place


def test_no_view_scrolls_sideways_on_a_phone(browser: Any, address: str, runs: Path) -> None:
    with opened(browser, f"{address}/#/studies", viewport={"width": 360, "height": 760}) as page:
        for place in places(runs):
            go(page, f"#/{place}")
            page.locator(FILLED).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, place


@pytest.mark.slow
def test_a_real_training_is_watched(page: Any, runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "real.toml"
    file.write_text(
        'name = "real"\ndata.source = "drawn:4000"\nrecipe = { epochs = 5, batch = 64 }\n'
        '[nets.net]\nlayers = ["conv(32)", "relu", "conv(32)", "relu", "pool", "flatten", "classes"]\n',
        encoding="utf-8",
    )
    words = [sys.executable, "-m", "mien", "study", str(file), "-o", str(runs / "real")]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        while not list((runs / "real").glob("runs/*/run.json")):
            page.wait_for_timeout(100)
            assert training.poll() is None, "the training did not begin"
        go(page, "#/studies/real")
        row = page.locator("table.runs tbody tr")
        seen = set()
        while training.poll() is None:
            seen.add(row.inner_text())
            page.wait_for_timeout(50)
        assert training.returncode == 0
        expect(page.locator(".facts-line")).to_contain_text("finished")
        expect(row).to_contain_text("finished")
        assert len(seen) >= 4  # states and epochs, each as it came
        expect(page.get_by_role("link", name="Open the report")).to_be_visible()
