"""FER2013's csv files: what is read, and what the errors say about wrong ones."""

import bz2
import csv
import gzip
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import mien.faces
from mien.errors import UserError
from mien.faces import EIGHT, EMOTIONS, Faces, pixel_text
from mien.faces.csv import read_csv

Text = Callable[..., str]
Same = Callable[[Faces, Faces], None]
PIXELS = " ".join(["7"] * 2304)


def write(folder: Path, text: str | bytes, name: str = "fer2013.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture(params=[True, False], ids=["kernel", "numpy"], autouse=True)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this file reads both ways: numpy takes short files, and all where numba is not installed."""
    monkeypatch.setattr(pixel_text, "KERNEL_MIN_BYTES", 0 if request.param else 10**12)


def message(path: Path, split: int | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read_csv(path, split)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_one_file_with_usage(tmp_path: Path, small: Faces, csv_text: Text, same: Same) -> None:
    faces = read_csv(write(tmp_path, csv_text(small)))
    same(faces, small)
    assert faces.name == "fer2013"


def test_rows_of_mixed_splits_are_sorted_stably(tmp_path: Path, small: Faces, csv_text: Text, same: Same) -> None:
    header, *rows = csv_text(small).splitlines()
    shuffled = [row for pair in zip(rows[14:], rows[:14], strict=True) for row in pair]
    same(read_csv(write(tmp_path, "\n".join([header, *shuffled]))), small)


def test_a_file_without_usage_takes_the_split_given(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    faces = read_csv(write(tmp_path, csv_text(small, usage=False)), split=1)
    assert set(faces.splits) == {1}
    np.testing.assert_array_equal(faces.images, small.images)


def test_a_file_without_usage_or_split_is_refused(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    assert "train=" in message(write(tmp_path, csv_text(small, usage=False)))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_compressed_files_whatever_their_name(
    tmp_path: Path, small: Faces, csv_text: Text, same: Same, pack: Callable[[bytes], bytes]
) -> None:
    text = csv_text(small).encode()
    same(read_csv(write(tmp_path, pack(text), "faces.csv")), small)
    same(read_csv(write(tmp_path, pack(text[:40000]) + pack(text[40000:]), "faces.csv.gz")), small)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_corrupt_and_cut_off_archives(
    tmp_path: Path, small: Faces, csv_text: Text, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(csv_text(small).encode())
    assert "corrupt or cut off" in message(write(tmp_path, packed[: len(packed) * 2 // 3]))
    middle = len(packed) // 2
    broken = packed[:middle] + bytes(byte ^ 0x55 for byte in packed[middle : middle + 64]) + packed[middle + 64 :]
    assert "corrupt or cut off" in message(write(tmp_path, broken))


def test_no_such_file(tmp_path: Path) -> None:
    assert "No such file" in message(tmp_path / "none.csv")


def test_empty(tmp_path: Path) -> None:
    assert "is empty" in message(write(tmp_path, ""))


def test_header_alone(tmp_path: Path) -> None:
    assert "holds no face" in message(write(tmp_path, "emotion,pixels\n"), 0)


@pytest.mark.parametrize("header", ["a,b,c", f"3,{PIXELS}", "pixels", "\x00\x01binary\x02"])
def test_wrong_header(tmp_path: Path, header: str) -> None:
    text = message(write(tmp_path, f"{header}\n1,{PIXELS}\n"), 0)
    assert "line 1: wrong header" in text
    assert "expected the columns emotion and pixels" in text


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"8,{PIXELS}", "emotion '8', 0..6 expected, or 7 for contempt"),
        (f"2.5,{PIXELS}", "emotion '2.5', 0..6 expected"),
        (f"happy,{PIXELS}", "emotion 'happy', 0..6 expected"),
        (f"-1,{PIXELS}", "emotion '-1', 0..6 expected"),
        (f",{PIXELS}", "emotion '', 0..6 expected"),
        (f"1,{PIXELS[2:]}", "2,303 pixels, 2,304 expected"),
        (f"1,{PIXELS} 7", "2,305 pixels, 2,304 expected"),
        ("1,", "0 pixels, 2,304 expected"),
        (f"1,256 {PIXELS[2:]}", "pixel 1 is '256', 0..255 expected"),
        (f"1,{PIXELS[:-1]}300", "pixel 2,304 is '300', 0..255 expected"),
        (f"1,7 -7 {PIXELS[4:]}", "pixel 2 is '-7', 0..255 expected"),
        (f"1,7 7.5 {PIXELS[4:]}", "pixel 2 is '7.5', 0..255 expected"),
        (f"1,7 x 7 1000 {PIXELS[8:]}", "pixel 2 is 'x', 0..255 expected (and 1 more in this row)"),
        (f"1,{'9' * 5000} {PIXELS[2:]}", "pixel 1 is '99999999999999999999...', 0..255 expected"),
        (f"1,{PIXELS},Training", "3 columns, 2 expected"),
        ("1", "1 column, 2 expected"),
        (f'1,"{PIXELS}', "1 is '\"7'"),
    ],
)
def test_a_wrong_row(tmp_path: Path, row: str, expected: str) -> None:
    text = message(write(tmp_path, f"emotion,pixels\n0,{PIXELS}\n{row}\n2,{PIXELS}\n"), 0)
    assert "1 problem:" in text
    assert "line 3: " in text
    assert expected in text
    assert "correct or remove these lines" in text


FORMS = (str, lambda label: f"{label}.0", lambda label: f"{label:02}")
NAMES = ("Anger", "disgust", "FEAR", "happiness", "sad", "Surprised", "neutral")


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "label, pixels, Usage", "emotion;pixels;usage"])
@pytest.mark.parametrize("label", [*FORMS, NAMES.__getitem__])
def test_other_forms_of_the_same_table(
    tmp_path: Path, small: Faces, csv_text: Text, same: Same, header: str, label: Callable[[int], str]
) -> None:
    lines = [line.split(",", 1) for line in csv_text(small).splitlines()[1:]]
    rows = [f"{label(int(number))},{rest}" for number, rest in lines]
    text = "\n".join([header, *(row.replace(",", ";" if ";" in header else ",") for row in rows)]) + "\n"
    faces = read_csv(write(tmp_path, text))
    same(faces, small)
    # FER2013's own file needs no word on what its numbers mean.
    meanings = ", ".join(f"{number} = {name}" for number, name in enumerate(EMOTIONS))
    needed = label in FORMS and "emotion" not in header
    assert faces.notes == ((f"fer2013.csv: numbers read as {meanings}",) if needed else ())


def test_semicolons_between_fields_that_hold_commas(tmp_path: Path) -> None:
    text = f"name;emotion;pixels\na,b;happy;{PIXELS}\n'c';angry;{PIXELS}\n"
    assert read_csv(write(tmp_path, text), 0).counts() == {"train": {"angry": 1, "happy": 1}}


def test_a_seven_is_contempt_and_makes_eight_classes(tmp_path: Path) -> None:
    faces = read_csv(write(tmp_path, f"emotion,pixels\n0,{PIXELS}\n7,{PIXELS}\n"), 0)
    assert faces.classes == EIGHT
    assert faces.labels.tolist() == [0, 7]
    assert faces.notes[0].endswith("6 = neutral, 7 = contempt")


def test_numbers_that_are_not_to_be_named_stay_numbers(tmp_path: Path) -> None:
    faces = read_csv(write(tmp_path, f"emotion,pixels\n12,{PIXELS}\n3,{PIXELS}\n"), 0, named=False)
    assert (faces.classes, faces.labels.tolist()) == (("3", "12"), [1, 0])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("happy", "3", "line 3: emotion '3', an emotion's name expected, as in the first row"),
        ("happy", "nan", "line 3: emotion 'nan', an emotion's name expected"),
        ("3", "happy", "line 3: emotion 'happy', 0..6 expected"),
        ("x", "y", "2 problems:"),
    ],
)
def test_names_and_numbers_do_not_go_together(tmp_path: Path, first: str, second: str, expected: str) -> None:
    assert expected in message(write(tmp_path, f"emotion,pixels\n{first},{PIXELS}\n{second},{PIXELS}\n"), 0)


def test_a_column_split_and_a_table_without_labels(tmp_path: Path) -> None:
    text = f"label,pixels,split\nhappy,{PIXELS},val\nsad,{PIXELS},test\n"
    assert read_csv(write(tmp_path, text)).splits.tolist() == [1, 2]
    assert "wrong header 'pixels'; it has no labels" in message(write(tmp_path, f"pixels\n{PIXELS}\n"), 2)


def test_unknown_usage(tmp_path: Path) -> None:
    text = message(write(tmp_path, f"emotion,pixels,Usage\n1,{PIXELS},Training\n1,{PIXELS},Holdout\n"))
    assert "line 3: Usage 'Holdout', Training, PublicTest or PrivateTest expected" in text


@pytest.mark.parametrize("cut", [1, 3, 40, 2304])
def test_cut_off_last_line(tmp_path: Path, cut: int) -> None:
    text = message(write(tmp_path, f"emotion,pixels\n1,{PIXELS}\n" + f"1,{PIXELS}"[:cut]), 0)
    assert "line 3: " in text
    assert "cut off?" in text


def test_all_problems_are_counted_and_ten_are_listed(tmp_path: Path) -> None:
    rows = [f"{9 if row % 2 else 3},{PIXELS}" for row in range(1000)]  # more than one block of text
    text = message(write(tmp_path, "\n".join(["emotion,pixels", *rows, "1,2 x", ""])), 0)
    assert "502 problems, the first 10 are:" in text
    assert [int(line) for line in re.findall(r"^  line (\d+): ", text, re.MULTILINE)] == list(range(3, 23, 2))


def test_lines_are_numbered_through_many_blocks_and_blank_lines(tmp_path: Path) -> None:
    rows = [f"3,{PIXELS}", ""] * 300
    text = message(write(tmp_path, "\r\n".join(["emotion,pixels", *rows, f"8,{PIXELS}"])), 0)
    assert "line 602: emotion '8'" in text


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, object]:
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "rows": draw(st.integers(1, 5)),
        "columns": draw(st.permutations(["emotion", "pixels", *draw(st.sets(st.sampled_from(["Usage", "extra"])))])),
        "quoted": draw(st.booleans()),
        "pad": draw(st.sampled_from(["", "0", "00"])),
        "space": draw(st.sampled_from([" ", "  ", "\t", " \t"])),
        "ends": draw(st.lists(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]), min_size=5, max_size=5)),
        "bom": draw(st.booleans()),
        "last": draw(st.booleans()),
        "high": draw(st.sampled_from([2, 10, 100, 256])),
    }


@given(layout=layouts())
def test_every_way_of_writing_the_same_rows(
    layout: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(layout["seed"])
    images = rng.integers(0, layout["high"], (layout["rows"], 48, 48), np.uint8)
    labels = rng.integers(0, 7, layout["rows"])
    text = ("\ufeff" if layout["bom"] else "") + ",".join(layout["columns"]) + "\n"
    for image, label, end in zip(images, labels, layout["ends"], strict=False):
        words = layout["space"].join(layout["pad"] + str(value) for value in image.ravel())
        row = {"emotion": label, "pixels": words, "Usage": "PublicTest", "extra": "face.png"}
        text += ",".join(f'"{row[name]}"' if layout["quoted"] else str(row[name]) for name in layout["columns"]) + end
    text = text if layout["last"] else text.rstrip()
    faces = read_csv(write(tmp_path_factory.mktemp("csv"), text), split=1)
    np.testing.assert_array_equal(faces.images, images)
    np.testing.assert_array_equal(faces.labels, labels)
    assert set(faces.splits) == {1}


def plainly(text: bytes) -> list[tuple[int, list[int]]] | None:
    """The rows of a file with columns emotion and pixels, read as simply as can be; None if any of them is wrong."""
    rows = []
    for line in re.split("\r\n|\r|\n", text.decode(errors="replace"))[1:]:
        if line.strip():
            try:
                label, pixels = next(csv.reader([line], strict=True))
            except (csv.Error, ValueError):
                return None
            words = pixels.split()
            number = re.fullmatch(r"0?([0-7])(\.0*)?", label.strip())
            if not number or len(words) != 2304:
                return None
            if not all(re.fullmatch("[0-9]+", word) and int(word) < 256 for word in words):
                return None
            rows.append((int(number[1]), [int(word) for word in words]))
    return rows


@given(
    seed=st.integers(0, 2**32 - 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.sampled_from(b'0259 ,"\n\r\tx-.\xff')), min_size=1, max_size=3),
    near_ends=st.booleans(),
)
def test_a_damaged_file_is_read_as_a_simple_reader_reads_it_or_refused(
    seed: int, changes: list[tuple[float, int]], near_ends: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    rows = [f"{rng.integers(7)},{' '.join(map(str, rng.integers(0, 256, 2304)))}\n" for _ in range(2)]
    text = bytearray("".join(["emotion,pixels\n", *rows]).encode())
    first = text.index(b"\n") + 1
    second = text.index(b"\n", first) + 1
    for place, byte in changes:
        span = (second - 6, second + 6) if near_ends else (first, len(text))
        text[span[0] + int(place * (span[1] - span[0] - 1))] = byte
    path = write(tmp_path_factory.mktemp("csv"), bytes(text))
    expected = plainly(bytes(text))
    if expected:
        faces = read_csv(path, split=0)
        np.testing.assert_array_equal(faces.labels, [label for label, _ in expected])
        np.testing.assert_array_equal(faces.images.reshape(-1, 2304), [pixels for _, pixels in expected])
    else:
        message(path, 0)


@pytest.mark.parametrize("header", ["emotion,pixels", "emotion,pixels,Usage", "Usage,file,pixels,emotion"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_common_forms_are_read_at_once_and_only_correct_rows(header: str, quote: str) -> None:
    columns = header.split(",")
    values = {"emotion": "6", "pixels": quote + PIXELS + quote, "Usage": "PrivateTest", "file": "face.png"}
    wrong = {"emotion": ["7", "", "-1", "33"], "Usage": ["Private", "PrivateTests", "\0"], "file": ['"a,b"', ",", ""]}
    wrong["pixels"] = [*(PIXELS[:-1] + end for end in ("", "256", "1000", "7 7", "7 ")), f'"{PIXELS}', f'{PIXELS}"']
    rows = [values] + [values | {name: value} for name in columns for value in wrong[name]]
    lines = [",".join(row[name] for name in columns) + "\n" for row in rows]
    cuts = np.cumsum([0, *map(len, lines)], dtype=np.uint64)
    where = {name.lower(): columns.index(name) for name in columns if name != "file"}
    read = pixel_text.read_rows("".join(lines).encode(), cuts, pixel_text.Columns(len(columns), **where))
    np.testing.assert_array_equal(read.good, [row == values or row["file"] == "" for row in rows])
    assert set(read.pixels[0]) == {7}
    assert read.labels[0] == 6
    assert "Usage" not in columns or read.splits[0] == 2


@pytest.mark.parametrize("kernel", [True], indirect=True)
def test_without_numba_numpy_reads_the_same(
    tmp_path: Path, small: Faces, csv_text: Text, same: Same, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("mien.faces.csv_kernel", "mien.compiled"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.delattr(mien.faces, "csv_kernel", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    same(read_csv(write(tmp_path, csv_text(small))), small)
    assert "mien.faces.csv_kernel" not in sys.modules


@pytest.mark.parametrize("kernel", [True], indirect=True)
def test_without_a_folder_for_the_compiled_kernel(tmp_path: Path, small: Faces, csv_text: Text) -> None:
    path = write(tmp_path, csv_text(small))
    code = f"""
from pathlib import Path
from mien.faces import csv, pixel_text
pixel_text.KERNEL_MIN_BYTES = 0
print(len(csv.read_csv(Path({str(path)!r}))))
"""
    nowhere = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": str(path / "no folder")}
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | nowhere, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("28\n", "")


@pytest.mark.real
@pytest.mark.slow
def test_the_real_train_file(fer2013: Path) -> None:
    faces = read_csv(fer2013 / "Q1_Train_Data.csv.bz2", split=0)
    assert list(faces.counts()["train"].values()) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert faces.images[0, 0, :8].tolist() == [70, 80, 82, 72, 58, 58, 60, 63]
