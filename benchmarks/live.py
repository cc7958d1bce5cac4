"""Do the live page and videos keep up, with a face in the picture and without, browser and server on one machine?

    .venv/bin/python benchmarks/live.py [--model NAME] [--photo PORTRAIT] [--seconds 20] [--rounds 1] [--json]

Chromium's camera plays a film at 30 frames a second, in which the photo (matplotlib's portrait of Grace Hopper unless
another is named) moves to and fro; then one in which its torn pieces do, and there is no face. The rate and the delay
that the page shows are read twice a second, after 5 seconds. Then `mien predict` analyses both films, of 25 frames a
second. The page and the command each use their default model, unless one is named.

The rival is the most that is possible: the page sends 20 frames a second at most, and a film plays at 25. The script
waits for nothing longer than a minute; if no answer comes, it prints that.
"""

import argparse
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Error, Page, sync_playwright
from processor import processor_line

SENT, FILM = 20, 25
"""Frames a second that the page sends at most, and of the film."""

SIZE = (640, 480)
FLAGS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PATIENCE = 60
"""Seconds that anything is waited for."""

FRAMES = 250
"""Of a film that `mien predict` watches."""


def pictures(photo: Path, torn: bool, count: int) -> Iterator[Image.Image]:
    """Frames in which a photo moves to and fro; torn, its pieces are turned and lie where they do not belong."""
    with Image.open(photo) as image:
        shown = image.convert("RGB").resize((round(image.width * SIZE[1] / image.height), SIZE[1]))
    if torn:
        shown = _torn(shown)
    room = SIZE[0] - shown.width
    for number in range(count):
        sheet = Image.new("RGB", SIZE, "#8090a0")
        sheet.paste(shown, (round(room * abs(number % 60 / 30 - 1)), 0))
        yield sheet


def _torn(picture: Image.Image, side: int = 40) -> Image.Image:
    places = [
        (x, y) for x in range(0, picture.width - side + 1, side) for y in range(0, picture.height - side + 1, side)
    ]
    moved = random.Random(0).sample(places, len(places))
    sheet = picture.copy()
    for (x, y), place in zip(places, moved, strict=True):
        sheet.paste(picture.crop((x, y, x + side, y + side)).transpose(Image.Transpose.ROTATE_90), place)
    return sheet


def watch_page(address: str, film: Path, seconds: int, model: str | None) -> tuple[list[tuple[int, int]], float]:
    """Watch the page; gives its frames a second and milliseconds of delay, and how many frames a second were answered.

    Raises:
        Error: of the browser, where something does not come within `PATIENCE`.
    """
    with sync_playwright() as started:
        options: dict[str, Any] = {
            "executable_path": shutil.which("chromium"),
            "args": [*FLAGS, f"--use-file-for-fake-video-capture={film}"],
        }
        with closing(started.chromium.launch(**options)) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(1000 * PATIENCE)
            page.goto(f"{address}/#/predict/live")
            page.get_by_role("button", name="Start the camera").click()
            page.locator(".rate strong").first.wait_for()
            if model:
                page.get_by_label("Model").select_option(model)
            page.wait_for_timeout(5000)
            before, begun, readings = answered(page, address), time.monotonic(), []
            for _ in range(2 * seconds):
                page.wait_for_timeout(500)
                rate, delay = re.findall(r"\d+", page.locator(".rate").inner_text())
                readings.append((int(rate), int(delay)))
            return readings, (answered(page, address) - before) / (time.monotonic() - begun)


def answered(page: Page, address: str) -> float:
    """How many frames the server has answered."""
    match = re.search(
        r'^mien_photos_total\{outcome="answered"\} (\S+)', page.request.get(f"{address}/metrics").text(), re.M
    )
    return float(match[1]) if match else 0.0


@contextmanager
def serving(model: str | None) -> Iterator[str]:
    """A server; gives its address."""
    words = [sys.executable, "-m", "mien", "serve", "--port", "0", "--no-open", *(["--model", model] if model else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        impatient = Timer(PATIENCE, server.kill)
        impatient.start()
        try:
            match = re.search(r"http://\S+", server.stdout.readline() if server.stdout else "")
            impatient.cancel()
            if match is None:
                sys.exit("mien serve did not start")
            yield match.group()
        finally:
            impatient.cancel()
            server.terminate()


def page_scene(photo: Path, torn: bool, given: argparse.Namespace) -> dict[str, Any]:
    """What the page shows of a scene."""
    with tempfile.TemporaryDirectory() as folder, serving(given.model) as address:
        film = Path(folder) / "film.mjpeg"
        with film.open("wb") as file:
            for picture in pictures(photo, torn, 60):
                picture.save(file, "jpeg", quality=90)
        try:
            readings, rate = watch_page(address, film, given.seconds, given.model)
        except Error as error:
            return {"error": f"no answer within {PATIENCE} s: {str(error).splitlines()[0]}"}
    if not rate:
        return {"error": f"no answer within {given.seconds} s"}
    return {
        "rate": [one for one, _ in readings],
        "milliseconds": [two for _, two in readings],
        "answered": round(rate, 1),
    }


def video_scene(photo: Path, torn: bool, given: argparse.Namespace) -> dict[str, Any]:
    """How many frames of a film a second `mien predict` prints, from the first to the last."""
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"mp4v"), FILM, SIZE)
        for picture in pictures(photo, torn, FRAMES):
            writer.write(cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR))
        writer.release()
        words = [
            sys.executable,
            "-m",
            "mien",
            "predict",
            str(film),
            "--json",
            *(["--model", given.model] if given.model else []),
        ]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watching:
            impatient = Timer(PATIENCE, watching.kill)
            impatient.start()
            times = [time.monotonic() for _ in watching.stdout or ()]
            impatient.cancel()
    if len(times) < 2:
        return {"error": f"no answer within {PATIENCE} s"}
    return {"rate": [round((len(times) - 1) / (times[-1] - times[0]), 1)], "frames": len(times)}


def main() -> None:
    """Measure, and print."""
    import matplotlib

    portrait = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--model", help="a bundled model, for page and videos alike")
    words.add_argument("--photo", type=Path, default=portrait)
    words.add_argument("--seconds", type=int, default=20, help="for which a scene of the page is watched")
    words.add_argument("--rounds", type=int, default=1, help="how often all scenes are watched, in turns")
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    scenes = {
        f"{what}, {'no face' if torn else 'a face'}": (scene, torn)
        for what, scene in (("page", page_scene), ("video", video_scene))
        for torn in (False, True)
    }
    results: dict[str, Any] = {"processor": processor_line(), **{name: [] for name in scenes}}
    for _ in range(given.rounds):
        for name, (scene, torn) in scenes.items():
            results[name].append(scene(given.photo, torn, given))
    if given.json:
        print(json.dumps(results))
        return
    print(results["processor"])
    for name in scenes:
        print(f"{name}: {in_words(results[name], SENT if name.startswith('page') else FILM)}")


def in_words(rounds: list[dict[str, Any]], rival: int) -> str:
    """A scene's figures: medians, ranges, how many readings, and the share of the rival's rate."""
    troubles = [one["error"] for one in rounds if "error" in one]
    if troubles:
        return f"in {len(troubles)} of {len(rounds)} rounds {troubles[0]}"
    rates = [rate for one in rounds for rate in one["rate"]]
    rate = statistics.median(rates)
    words = f"{rate:g} frames/s ({min(rates):g} to {max(rates):g}), {rate / rival:.2f} times the {rival} to be had"
    delays = [delay for one in rounds for delay in one.get("milliseconds", ())]
    if delays:
        words += f"; {statistics.median(delays):g} ms late ({min(delays)} to {max(delays)})"
    return f"{words}; n = {len(rates)}"


if __name__ == "__main__":
    main()
