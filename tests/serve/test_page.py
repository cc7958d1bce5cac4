"""The page's photos, in a browser: dropped, pasted, chosen; boxes, bars and what is saved of them."""

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from browsing import TRACKS, chromium, opened, playwright, served
from PIL import Image

from mien.faces.colours import colours
from mien.serve.server_config import ServerConfig

expect = playwright.expect


@pytest.fixture(scope="module")
def address(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(ServerConfig(runs=tmp_path_factory.mktemp("out"), model=str(model_file))) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with opened(browser, address) as page:
        expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
        yield page


@pytest.fixture(scope="module")
def pair(grace: Path) -> bytes:
    """A photo with two faces, 900 x 600 pixels: the same one twice, the second smaller."""
    sheet = Image.new("RGB", (900, 600), "#8090a0")
    with Image.open(grace) as image:
        sheet.paste(image, (0, 0))
        sheet.paste(image.resize((307, 360)), (560, 120))
    return as_file(sheet)


def as_file(image: Image.Image, kind: str = "jpeg", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def choose(page: Any, *photos: tuple[str, bytes]) -> None:
    files = [{"name": name, "mimeType": "image/jpeg", "buffer": content} for name, content in photos]
    page.locator("input[type=file]").set_input_files(files)


def answer(page: Any, address: str, content: bytes) -> list[dict[str, Any]]:
    """What the service says of a photo."""
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content}
    (result,) = page.request.post(f"{address}/v1/predict", multipart={"file": file}).json()["results"]
    faces: list[dict[str, Any]] = result["faces"]
    return faces


def shown_box(page: Any, number: int) -> list[float]:
    """Where a face's box is on the shown photo, as shares of its width and height."""
    photo = page.locator(".photo").bounding_box()
    box = page.locator(f".box >> nth={number - 1}").bounding_box()
    return [
        (box["x"] - photo["x"]) / photo["width"],
        (box["y"] - photo["y"]) / photo["height"],
        box["width"] / photo["width"],
        box["height"] / photo["height"],
    ]


def as_shares(box: list[int], size: tuple[int, int]) -> list[float]:
    return [edge / size[place % 2] for place, edge in enumerate(box)]


def test_a_photo_gets_its_box_and_bars_as_the_service_answers(page: Any, address: str, grace: Path) -> None:
    content = grace.read_bytes()
    choose(page, ("grace.jpg", content))
    expect(page.locator(".card")).to_have_count(1)
    (face,) = answer(page, address, content)
    assert shown_box(page, 1) == pytest.approx(as_shares(face["box"], (512, 600)), abs=0.004)
    names = page.locator(".card .bars .name").all_inner_texts()
    assert names == list(face["probabilities"])
    page.wait_for_function("() => document.getAnimations().length === 0")
    for name, share in face["probabilities"].items():
        row = page.locator(".card .bars li", has=page.get_by_text(name, exact=True))
        assert row.locator(".value").inner_text() == f"{100 * share:.0f} %"
        track, fill = (row.locator(part).bounding_box()["width"] for part in (".track", ".fill"))
        assert fill / track == pytest.approx(share, abs=0.02)
    expect(page.locator(".card .most .name")).to_have_text(face["emotion"])
    percent = f"{100 * face['probabilities'][face['emotion']]:.0f} %"
    expect(page.get_by_role("button", name=f"Face 1 {face['emotion']} {percent}")).to_be_visible()


def test_nothing_is_wrong_and_only_this_server_gets_requests(page: Any, address: str, grace: Path) -> None:
    choose(page, ("grace.jpg", grace.read_bytes()))
    expect(page.locator(".card")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert page.troubles == []
    assert {url for url in page.requested if not url.startswith((address, f"blob:{address}"))} == set()


def test_boxes_and_cards_find_each_other_by_pointer_and_by_keyboard(page: Any, pair: bytes) -> None:
    choose(page, ("pair.jpg", pair))
    boxes, cards = page.locator(".box"), page.locator(".card")
    expect(cards).to_have_count(2)

    def active() -> list[str]:
        return page.locator(".active .place").all_text_contents()

    boxes.nth(1).hover()
    assert active() == ["2", "Face 2"]
    cards.nth(0).hover()
    assert active() == ["1", "Face 1"]
    page.mouse.move(0, 0)
    assert active() == []
    page.get_by_role("button", name="Remove pair.jpg").focus()
    page.keyboard.press("Tab")
    assert active() == ["1", "Face 1"]
    page.keyboard.press("Tab")
    assert active() == ["2", "Face 2"]
    page.keyboard.press("Enter")
    expect(cards.nth(1)).to_be_focused()


def test_several_photos_are_answered_and_one_that_is_broken_says_so(page: Any, pair: bytes, grace: Path) -> None:
    choose(page, ("pair.jpg", pair), ("broken.jpg", pair[:2000]), ("grace.jpg", grace.read_bytes()))
    thumbs = page.locator(".thumbs button")
    expect(thumbs.nth(0)).to_have_accessible_name("pair.jpg: 2 faces")
    expect(thumbs.nth(1)).to_have_accessible_name("broken.jpg: could not be read")
    expect(thumbs.nth(2)).to_have_accessible_name("grace.jpg: 1 face")
    expect(page.locator(".progress")).to_contain_text("3 photos, 3 faces")
    expect(page.locator(".progress")).to_contain_text("1 not read")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    thumbs.nth(1).click()
    expect(page.get_by_role("heading", name="broken.jpg")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Broken image")
    thumbs.nth(2).click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("button", name="Remove grace.jpg").click()
    expect(thumbs).to_have_count(2)
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("heading", name="Drop photos here")).to_be_visible()


def test_progress_is_shown_while_photos_wait(page: Any, grace: Path) -> None:
    held: list[Any] = []
    page.route("**/v1/predict", lambda route: held.append(route))
    choose(page, *((f"{number}.jpg", grace.read_bytes()) for number in range(5)))
    expect(page.get_by_role("progressbar")).to_have_attribute("max", "5")
    page.wait_for_function("() => document.querySelectorAll('.thumbs [data-state=sent]').length === 3")
    assert len(held) == 3  # the others wait in the page
    for route in held[:2]:
        route.continue_()
    expect(page.locator(".progress")).to_contain_text("2 of 5 photos, 2 faces")
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("progressbar")).to_have_count(0)


HAND_OVER = """([event, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const made = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
  const events = event === "paste" ? [new ClipboardEvent("paste", made)]
    : ["dragenter", "dragover", "drop"].map((kind) => new DragEvent(kind, made));
  const target = document.querySelector("main");
  return events.map((one) => (target.dispatchEvent(one), document.body.className));
}"""


@pytest.mark.parametrize(("event", "name"), [("drop", "grace.jpg"), ("paste", "pasted 1.png")])
def test_photos_are_dropped_and_pasted(page: Any, grace: Path, event: str, name: str) -> None:
    sent = "image.png" if event == "paste" else name
    looks = page.evaluate(HAND_OVER, [event, sent, base64.b64encode(grace.read_bytes()).decode()])
    assert looks == (["dropping", "dropping", ""] if event == "drop" else [""])
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.locator(".card")).to_have_count(1)


def test_a_photo_is_taken_by_the_camera(page: Any) -> None:
    page.get_by_role("button", name="Take a photo").click()
    dialog = page.get_by_role("dialog", name="Take a photo")
    expect(dialog.get_by_role("button", name="Take it")).to_be_enabled()
    dialog.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("heading", name="photo 1.jpg")).to_be_visible()
    expect(page.get_by_role("heading", name="No face was found")).to_be_visible()  # Chromium's test picture has none
    photo = page.locator(".photo img")
    assert photo.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1280, 720]


def test_another_camera_can_be_chosen(page: Any) -> None:
    page.evaluate(TRACKS)
    page.get_by_role("link", name="Live camera").click()
    page.get_by_role("button", name="Start the camera").click()
    cameras = page.get_by_role("combobox", name="Camera")
    expect(cameras.locator("option")).to_have_count(2)
    first, second = cameras.locator("option").all_inner_texts()
    assert first != second
    cameras.select_option(second)
    page.wait_for_function("() => window.tracks.map((track) => track.readyState).join() === 'ended,live'")
    assert page.evaluate("window.tracks.map((track) => track.label)") == [first, second]
    expect(page.locator(".rate")).not_to_be_empty()
    expect(cameras).to_have_value(page.evaluate("window.tracks[1].getSettings().deviceId"))
    assert page.troubles == []


def test_a_photo_without_a_face_can_be_taken_for_one(page: Any) -> None:
    choose(page, ("plain.jpg", as_file(Image.new("RGB", (300, 200), "#a08070"))))
    page.get_by_role("button", name="Take it for a face").click()
    expect(page.locator(".card")).to_have_count(1)
    assert shown_box(page, 1) == pytest.approx([50 / 300, 0, 200 / 300, 1], abs=0.01)


def test_a_photo_that_lies_on_its_side_stands_and_its_box_fits(page: Any, address: str, grace: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    with Image.open(grace) as image:
        content = as_file(image.transpose(Image.Transpose.ROTATE_90), exif=exif)
    choose(page, ("lying.jpg", content))
    expect(page.locator(".card")).to_have_count(1)
    photo = page.locator(".photo").bounding_box()
    assert photo["width"] / photo["height"] == pytest.approx(512 / 600, abs=0.01)
    (face,) = answer(page, address, content)
    assert shown_box(page, 1) == pytest.approx(as_shares(face["box"], (512, 600)), abs=0.004)


def test_answers_are_saved_as_json_and_as_a_picture(page: Any, address: str, pair: bytes) -> None:
    choose(page, ("pair.of.jpg", pair))
    expect(page.locator(".card")).to_have_count(2)
    faces = answer(page, address, pair)
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").click()
    assert saved.value.suggested_filename == "pair.of.json"
    assert json.loads(Path(saved.value.path()).read_text(encoding="utf-8")) == {"path": "pair.of.jpg", "faces": faces}
    with page.expect_download() as saved:
        page.get_by_role("button", name="Picture").click()
    assert saved.value.suggested_filename == "pair.of faces.png"
    with Image.open(saved.value.path()) as picture:
        assert picture.width == 900
        assert picture.height > 600 + 7 * 13  # the bars stand below the photo
        for face in faces:
            x, y, width, height = face["box"]
            hue = dict(zip(face["probabilities"], colours(list(face["probabilities"])), strict=True))[face["emotion"]]
            expected = tuple(int(hue[place : place + 2], 16) for place in (1, 3, 5))
            assert picture.convert("RGB").getpixel((x + width, y + height // 2)) == expected


def test_all_answers_are_saved_a_line_each_as_the_command_writes_them(page: Any, pair: bytes) -> None:
    choose(page, ("pair.jpg", pair), ("broken.jpg", b"no photo"))
    expect(page.locator(".progress")).to_contain_text("1 not read")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    with page.expect_download() as saved:
        page.get_by_role("button", name="All as JSON").click()
    first, second = map(json.loads, Path(saved.value.path()).read_text(encoding="utf-8").splitlines())
    assert first["path"] == "pair.jpg"
    assert len(first["faces"]) == 2
    assert second.keys() == {"path", "error"}


def test_photos_stay_when_another_view_was_looked_at(page: Any, pair: bytes) -> None:
    choose(page, ("pair.jpg", pair))
    expect(page.locator(".card")).to_have_count(2)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    page.get_by_role("link", name="Predict").click()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".box")).to_have_count(2)
