"""How many frames of a camera a second does the page answer, and how late, with browser and server on one machine?

    .venv/bin/python benchmarks/live.py [--model best] [--photo PORTRAIT] [--seconds 20] [--json]

Chromium's camera plays a film at 30 frames a second, in which the photo (matplotlib's portrait of Grace Hopper unless
another is named) moves to and fro. What the page tells of itself is read twice a second, after 5 seconds to begin
with. The rival is the camera: 1.00 times its rate is all that can be had.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

CAMERA = 30
SIZE = (640, 480)
FLAGS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def film(photo: Path, file: Path) -> None:
    """Write two seconds of MJPEG that can be repeated."""
    with Image.open(photo) as image:
        shown = image.convert("RGB").resize((round(image.width * SIZE[1] / image.height), SIZE[1]))
    room = SIZE[0] - shown.width
    with file.open("wb") as frames:
        for number in range(2 * CAMERA):
            sheet = Image.new("RGB", SIZE, "#8090a0")
            sheet.paste(shown, (round(room * abs(number / CAMERA - 1)), 0))
            sheet.save(frames, "jpeg", quality=90)


def measure(address: str, film: Path, seconds: int) -> list[tuple[int, int]]:
    """Watch the page; gives frames a second and milliseconds of delay, as it tells them."""
    with sync_playwright() as started:
        options = {
            "executable_path": shutil.which("chromium"),
            "args": [*FLAGS, f"--use-file-for-fake-video-capture={film}"],
        }
        with closing(started.chromium.launch(**options)) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/#/predict/live")
            page.get_by_role("button", name="Start the camera").click()
            page.wait_for_selector(".card")
            page.wait_for_timeout(5000)
            told = []
            for _ in range(2 * seconds):
                page.wait_for_timeout(500)
                rate, delay = re.findall(r"\d+", page.locator(".rate").inner_text())
                told.append((int(rate), int(delay)))
            return told


def main() -> None:
    """Measure, and print."""
    import matplotlib

    portrait = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--model", default="best", help="a model in the box, or its file")
    words.add_argument("--photo", type=Path, default=portrait)
    words.add_argument("--seconds", type=int, default=20)
    words.add_argument("--json", action="store_true")
    asked = words.parse_args()
    serve = [sys.executable, "-m", "mien", "serve", "--port", "0", "--no-open", "--model", asked.model]
    with tempfile.TemporaryDirectory() as folder:
        film(asked.photo, Path(folder) / "face.mjpeg")
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
            try:
                found = re.search(r"http://\S+", server.stdout.readline())
                if found is None:
                    sys.exit("mien serve did not start")
                told = measure(found.group(), Path(folder) / "face.mjpeg", asked.seconds)
            finally:
                server.terminate()
    rates, delays = ([one[place] for one in told] for place in (0, 1))
    rate, delay = statistics.median(rates), statistics.median(delays)
    if asked.json:
        print(json.dumps({"frames_per_second": rates, "milliseconds": delays, "median": [rate, delay]}))
        return
    share = f"{rate / CAMERA:.2f} times the camera's {CAMERA}"
    print(f"frames a second: median {rate:g} ({min(rates)} to {max(rates)}), {share}")
    print(f"from camera to answer: median {delay:g} ms ({min(delays)} to {max(delays)}); n = {len(told)}")


if __name__ == "__main__":
    main()
