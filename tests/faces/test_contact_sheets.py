import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.audit import AuditExample
from mien.faces.contact_sheets import (
    Captioned,
    contact_sheet,
    draw_before_after,
    draw_examples,
    draw_grid,
    draw_rows,
    grid,
    grid_caption,
)
from mien.faces.drawn import draw_faces
from mien.faces.sheet import DPI


@pytest.fixture(scope="module")
def drawn() -> Faces:
    return draw_faces(100, seed=0)


def test_grid_picks_images_of_each_emotion(drawn: Faces) -> None:
    images, titles = grid(drawn, n=3, seed=1)
    assert images.shape == (7, 3, 48, 48)
    assert titles == list(drawn.classes)
    train = drawn.split("train")
    for label, picked in enumerate(images):
        of_label = {image.tobytes() for image in train.images[train.labels == label]}
        chosen = [image.astype(np.uint8).tobytes() for image in picked]
        assert set(chosen) <= of_label
        assert len(set(chosen)) == 3


def test_grid_is_fixed_by_its_seed(drawn: Faces) -> None:
    assert np.array_equal(grid(drawn, seed=1)[0], grid(drawn, seed=1)[0])
    assert not np.array_equal(grid(drawn, seed=1)[0], grid(drawn, seed=2)[0])


def test_grid_standardises_each_image(drawn: Faces) -> None:
    images, _ = grid(drawn, n=2, standardise=True)
    np.testing.assert_allclose(images.mean(axis=(2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(images.std(axis=(2, 3)), 1, atol=1e-4)


def test_grid_leaves_gaps_where_faces_are_missing(drawn: Faces) -> None:
    images, _ = grid(drawn, n=2, split="test")  # ten test faces: some emotions have one only
    missing = np.isnan(images).all(axis=(2, 3)).sum(axis=1)
    present = np.bincount(drawn.split("test").labels, minlength=7)
    assert missing.tolist() == np.maximum(2 - present, 0).tolist()


def test_a_constant_image_is_standardised_to_zeros() -> None:
    faces = Faces(np.full((1, 8, 8), 9, np.uint8), np.zeros(1, np.uint8), np.zeros(1, np.uint8), ("one",))
    assert np.array_equal(grid(faces, n=1, standardise=True)[0], np.zeros((1, 1, 8, 8)))


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_grid_is_drawn_the_same_twice(drawn: Faces, tmp_path: Path, suffix: str) -> None:
    images, titles = grid(drawn, n=2, split="test")
    files = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for file in files:
        draw_grid(images, titles, file, "ten drawn faces", standardised=False)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    if suffix == "svg":
        assert all(title in first.decode() for title in [*titles, "ten drawn faces"])
    else:
        pixels = np.asarray(Image.open(files[0]).convert("L"))
        assert pixels.shape[1] > 2 * pixels.shape[0]
        assert pixels.min() < 60
    assert sorted(tmp_path.iterdir()) == files


def test_other_formats_are_refused_and_leave_nothing(drawn: Faces, tmp_path: Path) -> None:
    images, titles = grid(drawn)
    with pytest.raises(UserError, match=r"faces\.jpg: a picture is drawn as \.png or \.svg"):
        draw_grid(images, titles, tmp_path / "faces.jpg", "", standardised=False)
    assert list(tmp_path.iterdir()) == []


def test_contact_sheet_names_rows_and_labels(drawn: Faces, tmp_path: Path) -> None:
    last = len(drawn) - 1
    examples = [AuditExample("wrong so", np.array([0, last])), AuditExample("and so", np.array([1, 2, 3]))]
    draw_examples(drawn, examples * 3, tmp_path / "sheet.svg")
    words = (tmp_path / "sheet.svg").read_text(encoding="utf-8")
    for expected in ("wrong so", "and so", ">train 3<", ">test 9<", f">{drawn.classes[drawn.labels[last]]}<"):
        assert expected in words


def test_contact_sheet_without_examples_says_so(drawn: Faces, tmp_path: Path) -> None:
    draw_examples(drawn, [], tmp_path / "sheet.svg")
    assert "nothing found" in (tmp_path / "sheet.svg").read_text(encoding="utf-8")


def texts(file: Path) -> list[str]:
    """The texts in an SVG, in the order in which they were drawn."""
    return re.findall(r"<text[^>]*>([^<]+)</text>", file.read_text(encoding="utf-8"))


def test_before_and_after_stand_side_by_side_over_their_caption(drawn: Faces, tmp_path: Path) -> None:
    before = drawn.images[:5]
    file = tmp_path / "both.svg"
    draw_before_after(before, 255 - before, file, "turned\nfrom black to white")
    assert texts(file) == ["before", "after", "turned", "from black to white"]
    assert file.read_text(encoding="utf-8").count("<image") == 10


def test_rows_of_groups_have_their_names_titles_and_texts(drawn: Faces, tmp_path: Path) -> None:
    first, second, third = (Captioned(drawn.images[row], f"face {row}") for row in range(3))
    file = tmp_path / "rows.svg"
    draw_rows({"happy": [[first, second], []], "sad": [[], [third]]}, ["correct", "wrong"], file, "of 100 faces")
    assert texts(file) == ["correct", "wrong", "happy", "face 0", "face 1", "sad", "face 2", "of 100 faces"]
    assert file.read_text(encoding="utf-8").count("<image") == 3


def test_a_long_sheet_has_every_picture(drawn: Faces, tmp_path: Path) -> None:
    draw_examples(drawn, [AuditExample("so", np.arange(4))] * 5, tmp_path / "sheet.svg")
    assert (tmp_path / "sheet.svg").read_text(encoding="utf-8").count("<image") == 20
    assert texts(tmp_path / "sheet.svg").count("so") == 1


def test_a_sheet_shows_each_picture_at_its_place(drawn: Faces, tmp_path: Path) -> None:
    small, large = drawn.images[:1], np.kron(drawn.images[:1], np.ones((10, 10), np.uint8))  # 480 pixels a side
    for name, images in (("small", small), ("large", large)):
        draw_before_after(images, 255 - images, tmp_path / f"{name}.png", "größer & kleiner")
        sheet = np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"), int)
        first, second = (sheet[56:222, column : column + 166] for column in (32, 32 + round(1.38 * 160)))
        assert np.abs(first + second - 255).max() <= 2
        assert np.abs(first - np.asarray(Image.fromarray(small[0]).resize((166, 166), 0), int)).mean() < 3
    draw_before_after(small, small, tmp_path / "text.svg", "größer & kleiner")
    assert "größer &amp; kleiner" in (tmp_path / "text.svg").read_text(encoding="utf-8")


def test_a_contact_sheet_is_the_grid_as_a_picture(drawn: Faces, tmp_path: Path) -> None:
    images, titles = grid(drawn, n=2, seed=3)
    draw_grid(images, titles, tmp_path / "a.png", grid_caption(drawn, 3, False, "train"), standardised=False)
    with Image.open(tmp_path / "a.png") as file:
        assert np.array_equal(np.asarray(file), np.asarray(contact_sheet(drawn, n=2, seed=3)))


def test_emotions_without_faces_have_no_column(drawn: Faces) -> None:
    two = drawn[np.isin(drawn.labels, [3, 4])]
    (width, height), (whole, same) = contact_sheet(two).size, contact_sheet(drawn).size
    assert height == same
    assert whole - width == 5 * round(1.1 * DPI)


def test_faces_of_one_emotion_lie_in_rows(drawn: Faces) -> None:
    few, many = (contact_sheet(drawn["happy"], n=n).size for n in (3, 10))
    assert many[0] - few[0] == 4 * round(1.1 * DPI)
    assert many[1] - few[1] == round(1.1 * DPI)
