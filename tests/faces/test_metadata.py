"""Metadata of image files: the orientation is taken, and whatever else is wrong with them, the pixels are read."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from mien.errors import UserError
from mien.faces.decoding import DecodeOptions, decode
from mien.faces.metadata import exif_orientation, without_metadata

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
LOSSLESS = {"webp": {"lossless": True}, "avif": {"quality": 100, "subsampling": "4:4:4"}}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="8"/>' + b"words " * 20 + b"</x:xmpmeta>"
ICC = bytes(range(128)) + b"acsp" + bytes(60)
CASES = Path(__file__).parents[3] / "shared" / "cases"


def exif_block(orientation: int | None = 6, order: str = "<") -> bytes:
    """A camera's name, the orientation if there is one, and a resolution, as EXIF has them."""
    entries = [(0x010F, 2, 12, None), (0x011A, 5, 1, None)]
    if orientation is not None:
        entries.insert(1, (0x0112, 3, 1, struct.pack(order + "H2x", orientation)))
    data_at = 8 + 2 + 12 * len(entries) + 4
    block = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "LH", 8, len(entries))
    for tag, kind, count, value in entries:
        block += struct.pack(order + "HHL", tag, kind, count) + (value or struct.pack(order + "L", data_at))
    return block + bytes(4) + b"Camera Corp\0" + struct.pack(order + "LL", 72, 1)


def content(kind: str, **options: object) -> bytes:
    file = BytesIO()
    if kind == "jpeg" and "exif" in options:
        options["exif"] = b"Exif\0\0" + options["exif"]  # the other kinds have it without these words
    Image.fromarray(PIXELS).save(file, kind, **LOSSLESS.get(kind, {}), **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes) -> bytes:
    """A PNG with these chunks before its pixels."""
    plain = content("png")
    return plain[:33] + b"".join(chunks) + plain[33:]


def read(file: bytes) -> NDArray[np.uint8]:
    return decode(BytesIO(file), "it", DecodeOptions("RGB")).pixels


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels as Pillow turns them for an orientation."""
    places = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    image = Image.fromarray(pixels)
    return np.asarray(image.transpose(Image.Transpose(places[orientation])) if orientation > 1 else image)


def is_turned(seen: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> bool:
    return any(np.array_equal(seen, turned(pixels, orientation)) for orientation in range(1, 9))


KINDS = ["png", "jpeg", "tiff", "webp", "avif"]


def full(kind: str) -> tuple[bytes, list[bytes]]:
    """A file with all the metadata that Pillow writes into its kind, and these as they lie in it."""
    exif = exif_block(None if kind == "avif" else 6)  # Pillow writes no other into AVIF
    options: dict[str, object] = {"exif": exif, "icc_profile": ICC}
    blobs = [exif, XMP]
    if kind == "png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        info.add_text("Comment", "much to say " * 50, zip=True)
        options["pnginfo"] = info
        blobs.append(zlib.compress(("much to say " * 50).encode()))
    elif kind == "tiff":
        del options["exif"]
        options["tiffinfo"] = {270: "a description of it", 305: "some software", 274: 6, 700: XMP}
        blobs = [b"a description of it", b"some software", XMP, ICC]
    else:
        options["xmp"] = XMP
    if kind == "jpeg":
        options["comment"] = b"a comment" * 9
        blobs += [ICC, b"a comment" * 9]
    if kind == "webp":
        blobs.append(ICC)
    return content(kind, **options), blobs


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_no_damage_of_metadata_makes_good_pixels_unreadable(data: st.DataObject, kind: str) -> None:
    file, blobs = full(kind)
    pixels = read(without_metadata(content(kind))[0])
    damaged = bytearray(file)
    for _ in range(data.draw(st.integers(1, 12))):
        blob = data.draw(st.sampled_from(blobs))
        place = file.index(blob) + data.draw(st.integers(0, len(blob) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    assert is_turned(read(bytes(damaged)), pixels)


@given(data=st.data(), kind=st.sampled_from(["png", "jpeg"]))
def test_pixels_that_are_cut_off_stay_refused(data: st.DataObject, kind: str) -> None:
    file, _ = full(kind)
    begin = file.index(b"IDAT") if kind == "png" else file.index(b"\xff\xda")
    cut = file[: data.draw(st.integers(begin + 16, begin + (len(file) - begin) // 2))]
    with pytest.raises(UserError, match=r"^it: broken image") as caught:
        read(cut)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_taken(kind: str, orientation: int) -> None:
    options = {"tiffinfo": {274: orientation}} if kind == "tiff" else {"exif": exif_block(orientation)}
    plain = read(without_metadata(content(kind))[0])
    np.testing.assert_array_equal(read(content(kind, **options)), turned(plain, orientation))


@given(st.integers(1, 8), st.sampled_from("<>"), st.sampled_from([b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"]))
def test_an_exif_block_tells_the_orientation_in_either_order(orientation: int, order: str, head: bytes) -> None:
    block = head + exif_block(orientation, order)
    assert exif_orientation(block) == orientation
    for cut in range(len(block)):
        assert exif_orientation(block[:cut]) in (None, orientation)


@given(st.binary(max_size=80))
def test_what_is_no_exif_block_tells_no_orientation(rubbish: bytes) -> None:
    for head in (b"", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        assert exif_orientation(head + rubbish) in (None, *range(1, 9))


def test_an_orientation_that_is_none_turns_nothing() -> None:
    for wrong in (0, 9, 65535):
        assert exif_orientation(exif_block(wrong)) is None
        np.testing.assert_array_equal(read(content("png", exif=exif_block(wrong))), PIXELS)
    assert exif_orientation(exif_block(None)) is None


def test_an_orientation_behind_a_damaged_entry_is_read() -> None:
    block = bytearray(exif_block(6))
    struct.pack_into("<L", block, 10 + 8, 0xFFFFFFF0)  # the camera's name points beyond the end
    np.testing.assert_array_equal(read(content("png", exif=bytes(block))), turned(PIXELS, 6))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_xmp_tells_the_orientation_where_exif_does_not(kind: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    options = {"pnginfo": info} if kind == "png" else {"xmp": XMP}
    plain = read(content(kind))
    np.testing.assert_array_equal(read(content(kind, **options)), turned(plain, 8))
    np.testing.assert_array_equal(read(content(kind, exif=exif_block(3), **options)), turned(plain, 3))


def raw_profile(block: bytes) -> bytes:
    """EXIF as ImageMagick writes it into a PNG's text."""
    return b"\nexif\n" + f"{len(block):8}".encode() + b"\n" + block.hex().encode() + b"\n"


def text_chunks() -> Iterator[tuple[str, bytes]]:
    bomb = zlib.compress(bytes(3_000_000))
    yield "text that unpacks to more than a megabyte", chunk(b"zTXt", b"Comment\0\0" + bomb)
    yield "the same, international", chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb)
    yield "a profile that does", chunk(b"iCCP", b"profile\0\0" + bomb)
    yield "more text than Pillow keeps", chunk(b"tEXt", b"Comment\0" + bytes(1_000_000)) * 70
    yield "a wrong checksum", chunk(b"tEXt", b"Comment\0a word")[:-1] + b"?"
    yield "an unknown method of compression", chunk(b"zTXt", b"Comment\0\7abc")
    yield "an empty profile", chunk(b"iCCP", b"")
    yield "a gamma of one byte", chunk(b"gAMA", b"a")
    yield "a transparency of two bytes for RGB", chunk(b"tRNS", b"ab")
    yield "a profile with nothing but a name", chunk(b"iCCP", b"profile\0\0")
    yield "half of an animation", chunk(b"acTL", b"ab") + chunk(b"fcTL", b"cd")
    yield "a length that leads into the middle", b"\0\0\0\3" + chunk(b"tEXt", b"Comment\0many words")[4:]
    yield "a length that leads beyond the end", b"\x7f\0\0\0" + chunk(b"tEXt", b"Comment\0many words")[4:]
    yield "a name that is none", chunk(b"\0\xffXt", b"Comment\0many words")
    yield "EXIF that is none", chunk(b"eXIf", b"\x00\x08\x00\x02rubbish")


@pytest.mark.parametrize("chunks", [pytest.param(chunks, id=name) for name, chunks in text_chunks()])
def test_a_png_is_read_whatever_stands_beside_its_pixels(chunks: bytes) -> None:
    np.testing.assert_array_equal(read(png_with(chunks)), PIXELS)
    plain = content("png")
    np.testing.assert_array_equal(read(plain[:-12] + chunks + plain[-12:]), PIXELS)


def test_exif_in_the_text_of_a_png_is_read() -> None:
    profile = raw_profile(exif_block(6))
    name = b"Raw profile type exif"
    plain, packed = chunk(b"tEXt", name + b"\0" + profile), chunk(b"zTXt", name + b"\0\0" + zlib.compress(profile))
    for body in (plain, packed):
        np.testing.assert_array_equal(read(png_with(body)), turned(PIXELS, 6))
    odd = chunk(b"tEXt", name + b"\0" + profile.replace(b"4", b"x"))
    broken = chunk(b"zTXt", name + b"\0\0" + b"no zlib")
    for body in (odd, broken):
        np.testing.assert_array_equal(read(png_with(body)), PIXELS)


def test_an_orientation_of_another_type_is_none() -> None:
    block = bytearray(exif_block(6))
    place = block.index(struct.pack("<HH", 0x0112, 3))
    for kind, orientation in ((3, 6), (4, 6), (1, 6), (2, None), (5, None)):
        struct.pack_into("<H", block, place + 2, kind)
        assert exif_orientation(bytes(block)) == orientation


def test_a_png_with_many_wrong_lengths_is_given_up() -> None:
    wrong = b"\x7f\0\0\0tEXtmany words"
    file = png_with(*[wrong, chunk(b"PLTE", b"")] * 20)
    with pytest.raises(UserError, match=r"^it: not an image"):
        read(file)


def test_transparency_that_is_whole_counts() -> None:
    one_colour = chunk(b"tRNS", struct.pack(">HHH", *PIXELS[3, 4].tolist()))
    expected = np.where((PIXELS[3, 4] == PIXELS).all(axis=2, keepdims=True), 255, PIXELS)
    np.testing.assert_array_equal(read(png_with(one_colour)), expected)


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize(
    "odd",
    [
        segment(0xE0, b"JFIF\0\1"),
        segment(0xEE, b"Adobe"),
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4"),
        segment(0xE2, b"MPF\0II*\0\x08\0\0\0\x09\0" + b"rubbish"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE1, b"Exif\0\0" + exif_block(None)[:20]),
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\2\0\x12\1\3\0\1\0\0\0\1\0\0\0\x28\1\4\0\1\0\0\0\x70\x11\1\0\0\0\0\0"),
        b"\xff\xff" + segment(0xFE, b"") + b"junk",
    ],
)
def test_a_jpeg_is_read_whatever_stands_beside_its_pixels(odd: bytes) -> None:
    plain = content("jpeg")
    np.testing.assert_array_equal(read(plain[:2] + odd + plain[2:]), read(plain))


def test_the_colours_of_a_jpeg_stay_as_its_markers_say() -> None:
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, "jpeg", quality=100, subsampling=0, keep_rgb=True)
    assert np.abs(read(file.getvalue()).astype(int) - PIXELS).max() < 8
    file = BytesIO()
    Image.fromarray(PIXELS).convert("CMYK").save(file, "jpeg", quality=100, subsampling=0)
    assert np.abs(read(file.getvalue()).astype(int) - PIXELS).max() < 16


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_a_tiff_with_a_tag_that_leads_nowhere(compression: str | None) -> None:
    options = {} if compression is None else {"compression": compression}
    plain = content("tiff", **options)
    file = content("tiff", tiffinfo={270: "a description of it", 274: 6}, **options)
    place = file.index(struct.pack("<HH", 270, 2))
    broken = file[: place + 8] + b"\xff" * 4 + file[place + 12 :]
    np.testing.assert_array_equal(read(broken), turned(read(plain), 6))


@pytest.mark.parametrize("kind", ["webp", "avif"])
def test_exif_that_is_none_leaves_webp_and_avif_readable(kind: str) -> None:
    file = content(kind, exif=exif_block(6))
    odd = file.replace(exif_block(6)[:8], b"rubbish!")
    assert odd != file
    orientation = 6 if kind == "avif" else 1  # AVIF has an orientation of its own
    np.testing.assert_array_equal(read(odd), turned(read(content(kind)), orientation))


def test_a_webp_that_is_cut_off_behind_its_pixels_is_read() -> None:
    file = content("webp", exif=exif_block(6), xmp=XMP)
    np.testing.assert_array_equal(read(file[:-40]), turned(PIXELS, 6))


def test_other_files_stay_as_they_are() -> None:
    for file in (b"", b"\x89PNG", b"II*\0", b"\xff\xd8", b"hello", content("bmp"), content("gif")):
        assert without_metadata(file) == (file, None)


HEADS = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"II*\0\x08\0\0\0", b"RIFF\0\0\0\0WEBPVP8X", b"\0\0\0\x18ftypavif"]


@given(st.binary(max_size=60), st.sampled_from(HEADS))
def test_rubbish_behind_a_good_beginning_is_no_trouble(rubbish: bytes, head: bytes) -> None:
    pixels, orientation = without_metadata(head + rubbish)
    assert len(pixels) <= len(head + rubbish)
    assert orientation in (None, *range(1, 9))


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("exif_short_overflow.jpg", (400, 341)),
        ("exif_rotated_ok.jpg", (400, 341)),
        ("exif_bad.png", (200, 171)),
        ("png_long_zTXt.png", (240, 205)),
        ("png_bad_crc_text.png", (240, 205)),
    ],
)
def test_the_photos_that_people_met(name: str, size: tuple[int, int]) -> None:
    assert decode(CASES / name, name, DecodeOptions("L")).pixels.shape == size
