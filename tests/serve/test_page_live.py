"""The page's live camera, in a browser whose camera shows a film of a face."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import TRACKS, chromium, opened, playwright, served
from PIL import Image

from mien.serve.server_config import ServerConfig

expect = playwright.expect

SIZE = (640, 480)

INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 30);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add([...data.slice(at, at + 3)].join());
  return [...seen];
}"""
"""The colours of a canvas' upper rows."""


@pytest.fixture(scope="module")
def address(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ServerConfig(runs=tmp_path_factory.mktemp("out"), model=str(model_file))) as address:
        yield address


@pytest.fixture(scope="module")
def still(grace: Path) -> Image.Image:
    """What the camera sees: a face left of the middle."""
    sheet = Image.new("RGB", SIZE, "#8090a0")
    with Image.open(grace) as image:
        sheet.paste(image.resize((410, 480)), (0, 0))
    return sheet


@pytest.fixture(scope="module")
def browser(still: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    film = tmp_path_factory.mktemp("film") / "face.mjpeg"
    frame = BytesIO()
    still.save(frame, "jpeg", quality=90)
    film.write_bytes(5 * frame.getvalue())
    with chromium(f"--use-file-for-fake-video-capture={film}") as browser:
        yield browser


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with opened(browser, f"{address}/#/predict/live") as page:
        expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
        yield page


def start(page: Any) -> None:
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator(".card")).to_have_count(1)


def test_a_box_and_bars_follow_the_face_and_speed_is_shown(page: Any, address: str, still: Image.Image) -> None:
    start(page)
    content = BytesIO()
    still.save(content, "jpeg", quality=90)
    file = {"name": "still.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}
    (result,) = page.request.post(f"{address}/v1/predict", multipart={"file": file}).json()["results"]
    (face,) = result["faces"]
    x, y, width, _ = face["box"]
    seen, box = page.locator(".photo").bounding_box(), page.locator(".box").bounding_box()
    mirrored = SIZE[0] - x - width
    assert (box["x"] - seen["x"]) / seen["width"] == pytest.approx(mirrored / SIZE[0], abs=0.02)
    assert (box["y"] - seen["y"]) / seen["height"] == pytest.approx(y / SIZE[1], abs=0.02)
    assert box["width"] / seen["width"] == pytest.approx(width / SIZE[0], abs=0.02)
    assert page.locator(".bars .name").all_inner_texts() == list(face["probabilities"])
    expect(page.locator(".card .most .name")).to_have_text(face["emotion"])
    expect(page.locator(".rate")).to_have_text(re.compile(r"^\d+ frames/s, [1-9]\d* ms behind$"))


def test_the_timeline_rolls_in_the_emotions_colours(page: Any) -> None:
    start(page)
    canvas = page.locator(".timeline")
    expect(canvas).to_have_accessible_name(re.compile(r"Face 1, last 30 seconds: \w+ \d+ %, \w+ \d+ %, \w+ \d+ %"))

    def hue() -> str:
        rgb = page.locator(".card .most .fill").evaluate("(bar) => getComputedStyle(bar).backgroundColor")
        return ",".join(re.findall(r"\d+", rgb))

    def drawn_in(hue: str) -> None:
        page.wait_for_function(f"([canvas, hue]) => ({INK})(canvas).includes(hue)", arg=[canvas.element_handle(), hue])

    light = hue()
    drawn_in(light)
    page.get_by_role("button", name="Switch to dark").click()
    drawn_in(hue())
    assert light != hue()
    assert page.locator(".legend li").all_inner_texts() == page.locator(".bars .name").all_inner_texts()


def test_frames_are_scaled_down_and_two_are_on_their_way_at_most(page: Any) -> None:
    sent: list[bytes] = []
    held: list[Any] = []

    def hold(route: Any) -> None:
        sent.append(route.request.post_data_buffer)
        held.append(route)

    page.route("**/v1/predict/frame?*", hold)
    page.get_by_role("button", name="Start the camera").click()
    for _ in range(300):
        if len(held) == 2:
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)  # enough for a third
    assert len(held) == 2
    held.pop(0).continue_()
    expect(page.locator(".card")).to_have_count(1)
    with Image.open(BytesIO(sent[0])) as frame:
        assert frame.format == "JPEG"
        assert frame.size == (480, 360)


def test_the_server_gets_the_faces_of_the_frame_before(page: Any) -> None:
    requested: list[dict[str, list[str]]] = []

    def note(route: Any) -> None:
        requested.append(parse_qs(urlsplit(route.request.url).query))
        route.continue_()

    page.route("**/v1/predict/frame?*", note)
    start(page)
    for _ in range(100):
        if any("face" in one for one in requested):
            break
        page.wait_for_timeout(100)
    first, second = requested[:2]
    assert "before" not in first
    assert second["before"] == first["time"]
    assert float(second["time"][0]) > float(first["time"][0])
    assert {one["fast"][0] for one in requested} == {"false"}
    (face,) = next(one["face"] for one in requested if "face" in one)
    assert re.fullmatch(r"(\d+,){4}-?\d+(\.\d)?", face)


def test_the_fast_model_may_be_chosen_and_is_named(page: Any) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    start(page)
    model = page.get_by_label("Model")
    expect(model).to_have_value("tiny")  # the one in use, as that is not the large one of the box
    assert model.locator("option").all_inner_texts() == ["tiny", "fast"]
    with page.expect_request(re.compile(r"/v1/predict/frame\?.*fast=true")) as request:
        model.select_option("fast")
    assert request.value.response().json()["model"] == "fast"


def test_beside_the_large_model_of_the_box_the_fast_one_is_taken(browser: Any, tmp_path: Path) -> None:
    with (
        served(ServerConfig(runs=tmp_path, model="best")) as address,
        opened(browser, f"{address}/#/predict/live") as page,
        page.expect_request(re.compile(r"/v1/predict/frame\?.*fast=true")) as request,
    ):
        start(page)
        expect(page.get_by_label("Model")).to_have_value("fast")
        assert request.value.response().json()["model"] == "fast"


def test_a_busy_server_is_tried_again(page: Any) -> None:
    refused = []

    def refuse(route: Any) -> None:
        if len(refused) < 3:
            refused.append(route)
            body = '{"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "busy"}'
            route.fulfill(status=429, content_type="application/problem+json", body=body)
        else:
            route.continue_()

    page.route("**/v1/predict/frame?*", refuse)
    start(page)
    assert len(refused) == 3


def test_stopping_and_leaving_let_go_of_the_camera(page: Any) -> None:
    page.evaluate(TRACKS)
    states = "window.tracks.map((track) => track.readyState)"
    start(page)
    assert page.evaluate(states) == ["live"]
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()
    assert page.evaluate(states) == ["ended"]
    start(page)
    page.get_by_role("link", name="Photos").click()
    expect(page.get_by_role("heading", name="Drop photos here")).to_be_visible()
    assert page.evaluate(states) == ["ended", "ended"]
    requested = len(page.requested)
    page.wait_for_timeout(500)
    assert len(page.requested) == requested
    assert page.troubles == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "does not let this page see the camera"),
        ("NotFoundError", "There is no camera here"),
        ("NotReadableError", "in use by another program"),
        ("AbortError", "The camera does not start: it is on fire"),
    ],
)
def test_a_camera_that_does_not_open_is_a_message_with_what_to_do(page: Any, name: str, words: str) -> None:
    page.evaluate(
        """(name) => {
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async () => {
            navigator.mediaDevices.getUserMedia = open;
            throw new DOMException("it is on fire", name);
          };
        }""",
        name,
    )
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".card")).to_have_count(1)
