"""Make page.png and page-phone.png, of a server that runs: `python docs/images/page.py --study quick`.

The photo is Grace Hopper's portrait by the US Navy, in the public domain, of matplotlib's sample data; no other
faces are shown.
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
DESK: dict[str, Any] = {"viewport": {"width": 920, "height": 940}, "color_scheme": "light"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "device_scale_factor": 2}
PHONE |= {"is_mobile": True, "has_touch": True}
WIDTH = 1600  # pixels of page.png
MARGIN = 24
OWN, APART = 100, 20  # so many frequent colours are kept as they are, if they differ by so much


def opened(browser: Any, address: str, options: dict[str, Any]) -> Any:
    """A page that does not move."""
    page = browser.new_page(reduced_motion="reduce", **options)
    page.goto(address)
    return page


def predicted(browser: Any, address: str, options: dict[str, Any], *, scrolled: bool = False) -> Image.Image:
    """The view Predict with the photo, its box and its bars; `scrolled`, until the bars stand above the tabs."""
    with closing(opened(browser, f"{address}/#/predict", options)) as page:
        page.locator("input[type=file]").set_input_files(PHOTO)
        page.locator(".card").wait_for()
        if scrolled:
            page.locator(".card").evaluate("it => scrollBy(0, it.getBoundingClientRect().bottom - innerHeight + 76)")
        return taken(page)


def studied(browser: Any, address: str, study: str, options: dict[str, Any]) -> Image.Image:
    """A study's curves and runs."""
    with closing(opened(browser, f"{address}/#/studies/{study}", options)) as page:
        page.locator("table.runs tbody tr").first.wait_for()
        page.locator("path.chart-line").first.wait_for(state="attached")  # a flat line counts as hidden
        return taken(page)


def taken(page: Any) -> Image.Image:
    """What the window shows."""
    page.wait_for_timeout(1000)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    """Two pictures of one size on a ground, `WIDTH` pixels wide."""
    left, right = (ImageOps.expand(image, 1, "#b9b3a4") for image in (left, right))
    sheet = Image.new("RGB", (2 * left.width + 3 * MARGIN, left.height + 2 * MARGIN), "#ddd8cc")
    sheet.paste(left, (MARGIN, MARGIN))
    sheet.paste(right, (left.width + 2 * MARGIN, MARGIN))
    return ImageOps.contain(sheet, (WIDTH, sheet.height), Image.Resampling.LANCZOS)


def written(image: Image.Image, name: str) -> None:
    """Write a picture in 256 colours, of which the page's own have a part, lest the photo take all."""
    own: list[Any] = []
    for _, colour in sorted(image.getcolors(image.width * image.height) or [], reverse=True):
        if len(own) < OWN and all(dist(colour, one) > APART for one in own):
            own.append(colour)
    palette = Image.new("P", (1, 1))
    others = (image.quantize(256 - len(own)).getpalette() or [])[: 3 * (256 - len(own))]
    palette.putpalette([*chain(*own), *others])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(HERE / name, optimize=True)


def main() -> None:
    """Take the pictures and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="where mien serve listens")
    parser.add_argument("--study", default="quick", help="the study that is shown")
    asked = parser.parse_args()
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as started, closing(started.chromium.launch(executable_path=found, args=FLAGS)) as browser:
        photo = predicted(browser, asked.address, DESK)
        study = studied(browser, asked.address, asked.study, DESK)
        phone = predicted(browser, asked.address, PHONE, scrolled=True)
    written(beside(photo, study), "page.png")
    written(phone.resize((546, 1182), Image.Resampling.LANCZOS), "page-phone.png")


if __name__ == "__main__":
    main()
