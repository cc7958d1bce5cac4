"""Image files to upright pixels."""

import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.faces.decode_errors import TooManyPixelsError, UnknownKindError
from mien.faces.decoding import MAX_PIXELS, DecodeOptions, decode, upright

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))


def content(image: Image.Image, kind: str, **options: object) -> BytesIO:
    file = BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def test_gray_and_colour() -> None:
    colour = decode(content(NOISE, "png"), "it", DecodeOptions("RGB"))
    np.testing.assert_array_equal(colour.pixels, np.asarray(NOISE))
    gray = decode(content(NOISE, "png"), "it", DecodeOptions("L"))
    np.testing.assert_array_equal(gray.pixels, np.asarray(NOISE.convert("L")))
    assert gray.size == (64, 48)


def test_a_photo_of_a_telephone_with_108_million_pixels_is_within_the_limit() -> None:
    assert MAX_PIXELS > 12_000 * 9_000
    file = content(Image.new("1", (12_000, 9_000)), "png")
    assert decode(file, "it", DecodeOptions("L", shrink_to=10_000)).size == (12_000, 9_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_more_pixels_than_pillow_allows_are_read_where_the_limit_does(kind: str) -> None:
    file = content(Image.new("L", (15_000, 12_000), 99), kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoded = decode(file, "it", DecodeOptions("L", max_pixels=180_000_000, shrink_to=1_000_000))
    assert decoded.size == (15_000, 12_000)
    assert set(decoded.pixels.ravel().tolist()) == {99}


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_shrunk_image_has_its_whole_upright_size(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    halves = Image.new("RGB", (400, 200), "white")
    halves.paste("black", (0, 0, 200, 200))  # the left half, which is the upper one when it is turned
    decoded = decode(content(halves, kind, exif=exif), "it", DecodeOptions("RGB", shrink_to=5_000))
    height, width = decoded.pixels.shape[:2]
    assert height * width <= 5_000
    assert decoded.size == ((400, 200) if orientation == 1 else (200, 400))
    assert decoded.size[0] / width == pytest.approx(decoded.size[1] / height, rel=0.02)
    dark = decoded.pixels[:, : width // 3] if orientation == 1 else decoded.pixels[: height // 3]
    assert dark.mean() < 9


def test_an_image_that_is_too_large_says_by_how_much_and_what_to_do() -> None:
    with pytest.raises(TooManyPixelsError) as caught:
        decode(content(NOISE, "png"), "it", DecodeOptions("L", max_pixels=3071))
    assert str(caught.value) == (
        "it: 64x48 pixels; more than 0.003071 million are refused; make it smaller, or allow so many: --max-pixels 3072"
    )
    assert decode(content(NOISE, "png"), "it", DecodeOptions("L", max_pixels=3072)).size == (64, 48)


def test_a_file_that_is_larger_than_any_image_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(3 << 30)  # a hole: it takes no room
    with pytest.raises(TooManyPixelsError, match="a file of 3,221 MB"):
        decode(huge, str(huge), DecodeOptions("L"))


def test_a_picture_with_a_program_in_it_is_of_no_known_kind() -> None:
    with pytest.raises(UnknownKindError, match="not an image, or one of an unknown kind"):
        decode(content(NOISE, "eps"), "it", DecodeOptions("RGB"))


def test_an_image_that_somebody_opened_may_have_odd_metadata() -> None:
    image = NOISE.copy()
    for exif in (b"rubbish", b"Exif\0\0II*\0\x08\0\0\0\1\0", "a word", None, 5):
        image.info["exif"] = exif
        np.testing.assert_array_equal(upright(image, "it", DecodeOptions("RGB")).pixels, np.asarray(NOISE))


def broken_tiff() -> bytes:
    """A TIFF over which Pillow warns: it says that its widths lie beyond its end."""
    file = bytearray(content(NOISE, "tiff").getvalue())
    entry = file.index(b"\x02\x01\x03\x00")  # bits of each sample
    file[entry + 8 : entry + 12] = b"\xff\xff\xff\x0f"
    return bytes(file)


def test_pillows_warnings_are_hidden_in_many_threads() -> None:
    file, before, start = broken_tiff(), list(warnings.filters), threading.Barrier(8)

    def attempt(_: int) -> str:
        start.wait()
        for _ in range(40):
            try:
                decode(BytesIO(file), "it", DecodeOptions("RGB"))
            except UserError as error:
                message = str(error)
        return message

    with ThreadPoolExecutor(8) as pool:
        messages = set(pool.map(attempt, range(8)))
    assert len(messages) == 1
    assert warnings.filters == before  # nothing stays muted


def test_many_threads_decode_alike() -> None:
    files = {kind: content(NOISE, kind).getvalue() for kind in ("jpeg", "png", "webp", "tiff", "gif", "avif")}
    alone = {kind: decode(BytesIO(file), kind, DecodeOptions("RGB")).pixels for kind, file in files.items()}

    def attempt(number: int) -> bool:
        kind = list(files)[number % len(files)]
        return np.array_equal(decode(BytesIO(files[kind]), kind, DecodeOptions("RGB")).pixels, alone[kind])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(attempt, range(300)))


def test_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name, expected in (
        ("gone.png", "no such file"),
        (".", "a folder"),
        ("empty.png", "the file is empty"),
        ("pipe.png", "not a file"),
    ):
        with pytest.raises(UserError, match=expected):
            decode(tmp_path / name, str(tmp_path / name), DecodeOptions("L"))


def test_an_image_that_is_too_small_for_a_face() -> None:
    with pytest.raises(UserError, match="it: 64x48 pixels are too small for a face"):
        decode(content(NOISE, "png"), "it", DecodeOptions("L", min_side=49))
    assert decode(content(NOISE, "png"), "it", DecodeOptions("L", min_side=48)).size == (64, 48)


def test_more_than_sixteen_bits_a_pixel() -> None:
    deep = Image.fromarray(np.array([[0, 65_536]], np.int32))
    with pytest.raises(UserError, match="it: broken image \\(more than 16 bits a pixel\\)"):
        decode(content(deep, "tiff"), "it", DecodeOptions("L"))


def test_a_beginning_that_a_decoder_accepts_and_nothing_more() -> None:
    with pytest.raises(UnknownKindError, match="it: not an image"):
        decode(BytesIO(b"P6" + b"x" * 30), "it", DecodeOptions("L"))


def test_a_gif_that_claims_a_huge_frame() -> None:
    head = b"GIF89a\1\0\1\0\0\0\0" + b"," + bytes(4) + b"\xff\xff\xff\xff" + b"\0\2\1\0\0;"
    with pytest.raises(TooManyPixelsError, match="more pixels than Pillow reads of this kind of file; make it smaller"):
        decode(BytesIO(head), "it", DecodeOptions("L"))


def test_an_image_that_does_not_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(UserError, match="it: has more pixels than fit into this machine's memory"):
        decode(content(NOISE, "png"), "it", DecodeOptions("L"))


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    for name, expected in (("x" * 300, r"cannot be read \(File name too long\)"), ("a\0b", "not a file name")):
        with pytest.raises(UserError, match=expected):
            decode(tmp_path / name, name, DecodeOptions("L"))


def test_heic_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    heic = b"\0\0\0\x18ftypheic" + bytes(80)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pi_heif", None)
        with pytest.raises(UserError, match=r"it: HEIC photos need a reader .* -m pip install 'mien\[heic\]'"):
            decode(BytesIO(heic), "it", DecodeOptions("L"))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pi_heif", SimpleNamespace(HeifImageFile=lambda _: NOISE.copy()))
        decoded = decode(BytesIO(heic), "it", DecodeOptions("RGB"))
        np.testing.assert_array_equal(decoded.pixels, np.asarray(NOISE))
    pytest.importorskip("pi_heif")
    with pytest.raises(UserError, match="it: broken image"):
        decode(BytesIO(heic), "it", DecodeOptions("L"))
