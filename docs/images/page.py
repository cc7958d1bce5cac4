"""Take the documentation's pictures by a headless Chromium; they lie beside this file.

    python docs/images/page.py report out/quick      # report.png: three parts of a study's report
    python docs/images/page.py page --study quick    # page.png, page-phone.png: the page of a server that runs

The faces are drawn ones, and in the page's pictures Grace Hopper's portrait by the US Navy, in the public domain, of
matplotlib's sample data; no other faces are shown.
"""

import argparse
import shutil
from contextlib import closing
from io import BytesIO
from itertools import chain
from math import dist
from pathlib import Path
from typing import Any

from matplotlib import get_data_path
from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PHOTO = Path(get_data_path()) / "sample_data" / "grace_hopper.jpg"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP: dict[str, Any] = {"viewport": {"width": 920, "height": 940}, "color_scheme": "light"}
PAPER: dict[str, Any] = {"viewport": {"width": 620, "height": 760}, "color_scheme": "light"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 2}
PHONE |= {"is_mobile": True, "has_touch": True}
WIDTH = 1600  # pixels of page.png and report.png
MARGIN = 24
PINNED, APART = 100, 20  # so many frequent colours stay exact, if they differ by so much


def open_page(browser: Any, address: str, options: dict[str, Any]) -> Any:
    """Open a page that does not move."""
    page = browser.new_page(reduced_motion="reduce", **options)
    page.goto(address)
    return page


def take_prediction(browser: Any, address: str, options: dict[str, Any], *, scrolled: bool = False) -> Image.Image:
    """The view Predict with the photo, its box and its bars; `scrolled`, until the bars stand above the tabs."""
    with closing(open_page(browser, f"{address}/#/predict", options)) as page:
        page.locator("input[type=file]").set_input_files(PHOTO)
        page.locator(".card").wait_for()
        if scrolled:
            page.locator(".card").evaluate("it => scrollBy(0, it.getBoundingClientRect().bottom - innerHeight + 76)")
        return screenshot(page)


def take_study(browser: Any, address: str, study: str, options: dict[str, Any]) -> Image.Image:
    """A study's curves and runs."""
    with closing(open_page(browser, f"{address}/#/studies/{study}", options)) as page:
        page.locator("table.runs tbody tr").first.wait_for()
        page.locator("path.chart-line").first.wait_for(state="attached")  # a flat line counts as hidden
        return screenshot(page)


def screenshot(page: Any) -> Image.Image:
    """What the window shows."""
    page.wait_for_timeout(1000)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def beside(*images: Image.Image) -> Image.Image:
    """Pictures of one size side by side on a ground, `WIDTH` pixels wide."""
    framed = [ImageOps.expand(image, 1, "#b9b3a4") for image in images]
    step = framed[0].width + MARGIN
    sheet = Image.new("RGB", (len(framed) * step + MARGIN, framed[0].height + 2 * MARGIN), "#ddd8cc")
    for number, image in enumerate(framed):
        sheet.paste(image, (MARGIN + number * step, MARGIN))
    return ImageOps.contain(sheet, (WIDTH, sheet.height), Image.Resampling.LANCZOS)


def save(image: Image.Image, name: str) -> None:
    """Write a picture in 256 colours, of which the page's own have a part, lest the photo take all."""
    pinned: list[Any] = []
    for _, colour in sorted(image.getcolors(image.width * image.height) or [], reverse=True):
        if len(pinned) < PINNED and all(dist(colour, other) > APART for other in pinned):
            pinned.append(colour)
    palette = Image.new("P", (1, 1))
    others = (image.quantize(256 - len(pinned)).getpalette() or [])[: 3 * (256 - len(pinned))]
    palette.putpalette([*chain(*pinned), *others])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(HERE / name, optimize=True)


def take_report(browser: Any, report: Path, heading: str, options: dict[str, Any]) -> Image.Image:
    """A study's report from a heading on."""
    with closing(open_page(browser, report.resolve().as_uri(), options)) as page:
        page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
        page.locator("h1, h2, h3", has_text=heading).first.evaluate(
            "it => scrollBy(0, it.getBoundingClientRect().top - 60)"
        )
        return screenshot(page)


def main() -> None:
    """Take the pictures and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subject = parser.add_subparsers(dest="subject", required=True)
    page = subject.add_parser("page", help="the page of a server that runs")
    page.add_argument("--address", default="http://127.0.0.1:8000", help="where mien serve listens")
    page.add_argument("--study", default="quick", help="the study that is shown")
    report = subject.add_parser("report", help="a study's report")
    report.add_argument("folder", type=Path, help="the study's folder")
    report.add_argument("--heading", default="cnn_small_augmented in depth", help="where the third part begins")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        sync_playwright() as started,
        closing(started.chromium.launch(executable_path=chromium, args=FLAGS)) as browser,
    ):
        if options.subject == "report":
            parts = [
                take_report(browser, options.folder / "report.html", text, PAPER)
                for text in ("recognises", "The faces", options.heading)
            ]
            save(beside(*parts), "report.png")
            return
        photo = take_prediction(browser, options.address, DESKTOP)
        study = take_study(browser, options.address, options.study, DESKTOP)
        phone = take_prediction(browser, options.address, PHONE, scrolled=True)
    save(beside(photo, study), "page.png")
    save(phone.resize((546, 1182), Image.Resampling.LANCZOS), "page-phone.png")


if __name__ == "__main__":
    main()
