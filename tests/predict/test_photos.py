"""Opening photos of every kind."""

import os
import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mien.errors import UserError
from mien.predict.photos import STORED_PIXELS, open_photo

HEIGHT, WIDTH = 24, 32
PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
PIXELS[:12, :16] = (250, 10, 10)  # top left red
PIXELS[:12, 16:] = (10, 250, 10)  # top right green
PIXELS[12:, :16] = (10, 10, 250)  # bottom left blue
PHOTO = Image.fromarray(PIXELS)
ORIENTATION = 0x0112


def content(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm", "jpeg2000", "webp", "avif", "jpeg", "gif"])
def test_every_kind_of_file_gives_the_same_pixels(kind: str, tmp_path: Path) -> None:
    lossy = {"jpeg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}, "avif": {"quality": 100}}
    file = tmp_path / "photo"  # the content tells the kind, not the name
    file.write_bytes(content(PHOTO, kind, **lossy.get(kind, {})))
    photo = open_photo(file)
    assert photo.size == (WIDTH, HEIGHT)
    assert photo.pixels.dtype == np.uint8
    assert np.abs(photo.pixels.astype(int) - PIXELS).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_its_exif_data_say(orientation: int) -> None:
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpositions of Pillow that undo each orientation
    stored = PHOTO.transpose(Image.Transpose(back[orientation])) if orientation > 1 else PHOTO
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = open_photo(content(stored, "png", exif=exif))
    assert photo.size == (WIDTH, HEIGHT)
    np.testing.assert_array_equal(photo.pixels, PIXELS)


def test_what_is_transparent_becomes_white_in_files_and_arrays() -> None:
    clear = np.dstack([PIXELS, np.where(np.arange(WIDTH) < 16, 255, 0).astype(np.uint8)[None].repeat(HEIGHT, axis=0)])
    expected = PIXELS.copy()
    expected[:, 16:] = 255
    np.testing.assert_array_equal(open_photo(content(Image.fromarray(clear), "png")).pixels, expected)
    np.testing.assert_array_equal(open_photo(clear).pixels, expected)


def test_palettes_and_cmyk_become_rgb() -> None:
    np.testing.assert_array_equal(open_photo(content(PHOTO.quantize(8), "png")).pixels, PIXELS)
    np.testing.assert_array_equal(open_photo(content(PHOTO.convert("CMYK"), "tiff")).pixels, PIXELS)


def test_sixteen_bits_are_scaled_in_files_and_arrays() -> None:
    gray = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 256
    deep = (gray * 257).astype(np.uint16)
    expected = np.repeat(gray[..., None], 3, axis=2)
    np.testing.assert_array_equal(open_photo(content(Image.fromarray(deep), "png")).pixels, expected)
    np.testing.assert_array_equal(open_photo(deep).pixels, expected)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    others = [Image.new("RGB", PHOTO.size, "white")] * 3
    for kind in ("gif", "webp", "png", "tiff"):
        options = {"lossless": True} if kind == "webp" else {}
        animation = content(PHOTO, kind, save_all=True, append_images=others, **options)
        np.testing.assert_array_equal(open_photo(animation).pixels, PIXELS)


def test_paths_bytes_images_and_arrays_are_the_same_photo(tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    PHOTO.save(file)
    for source in (file, str(file), file.read_bytes(), Image.open(file), PHOTO, PIXELS):
        np.testing.assert_array_equal(open_photo(source).pixels, PIXELS)
    gray = PIXELS[..., 0]
    for flat in (gray, gray[..., None], Image.fromarray(gray)):
        np.testing.assert_array_equal(open_photo(flat).pixels, np.repeat(gray[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_very_large_photo_is_stored_smaller_and_has_its_whole_size(kind: str) -> None:
    photo = open_photo(content(Image.new("RGB", (6000, 4500), "teal"), kind))
    assert photo.size == (6000, 4500)
    assert photo.pixels.shape == (2250, 3000, 3)
    assert photo.pixels.shape[0] * photo.pixels.shape[1] <= STORED_PIXELS
    assert photo.scale == 2


def test_a_header_that_claims_too_much_is_refused_before_decoding() -> None:
    for width, height in ((20_000, 20_000), (16_000, 9_000), (2_000_000_000, 2)):
        with pytest.raises(UserError, match="million"):
            open_photo(png_that_claims(width, height))


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (b"", "the file is empty"),
        (b"hello, this is a diary and no photo", "not an image"),
        (content(PHOTO, "jpeg")[:200], "not an image|broken"),
        (content(Image.effect_noise((64, 64), 90), "png")[:-500], "broken image"),
        (content(Image.new("RGB", (1, 1)), "png"), "1x1 pixels are too small"),
        (content(Image.new("F", (32, 32)), "tiff"), "floating-point"),
        (b"\0\0\0\x18ftypheic" + bytes(80), "pi-heif|broken image|not an image"),
    ],
)
def test_what_is_no_photo_is_reported_in_one_message(damaged: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(damaged)
    with pytest.raises(UserError, match=message) as caught:
        open_photo(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_what_is_not_there_and_a_folder_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.jpg: no such file"):
        open_photo(tmp_path / "none.jpg")
    with pytest.raises(UserError, match="a folder"):
        open_photo(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UserError, match=r"pipe\.jpg: not a file"):
        open_photo(tmp_path / "pipe.jpg")
    with pytest.raises(UserError, match="not a file name"):
        open_photo("a\0b.jpg")


@pytest.mark.parametrize("source", [None, 5, [[0, 0], [0, 0]], BytesIO()])
def test_what_can_be_no_photo_is_refused_by_its_type(source: object) -> None:
    with pytest.raises(UserError, match=f"a photo cannot be a {type(source).__name__}; expected a path"):
        open_photo(source)  # type: ignore[arg-type]


def test_pixels_without_a_white_are_refused() -> None:
    with pytest.raises(UserError, match="floating-point numbers, and nothing says which is white"):
        open_photo(Image.new("F", (20, 20)))


def test_an_image_of_pillows_stays_as_it_was(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 3000)).save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as image:
        assert open_photo(image).size == (4000, 3000)
        assert image.size == (4000, 3000)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((9, 9), np.float32),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros(9, np.uint8),
        np.zeros((3, 9, 9, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_photos_are_refused_with_what_is_expected(array: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"expected uint8 or uint16 \[H, W, 3\]"):
        open_photo(array)


@given(data=st.data(), kind=st.sampled_from(["jpeg", "png", "webp", "gif", "bmp", "tiff", "ppm", "jpeg2000", "avif"]))
def test_damage_is_a_photo_or_a_message_and_nothing_else(data: st.DataObject, kind: str) -> None:
    damaged = bytearray(content(PHOTO, kind))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    message = ""
    try:
        open_photo(bytes(damaged[: max(cut, len(damaged) // 2)]))
    except UserError as error:
        message = str(error)
    assert "\n" not in message


def test_a_heic_photo_without_its_reader_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(UserError, match=r"pip install 'mien\[heic\]'"):
        open_photo(b"\0\0\0\x18ftypheic" + bytes(80))
