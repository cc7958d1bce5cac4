"""The verb `mien explain`, and the faces that it chooses."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.explain.examples import Example, surest


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["explain", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_of_each_emotion_the_surest_are_chosen() -> None:
    shares = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7], [0.9, 0.1]], np.float32)
    (right, wrong), (also_right, also_wrong) = surest(shares, np.array([0, 0, 0, 1, 1, 0], np.uint8), 2)
    assert [one.row for one in right] == [1, 5]
    assert wrong == [Example(2, 0, 1, pytest.approx(0.8))]
    assert [one.row for one in also_right] == [3, 4]
    assert also_wrong == []
    assert all(one.right for one in (*right, *also_right))


@pytest.mark.parametrize("place", ["averaged", "flat"], indirect=True)
def test_a_picture_is_drawn_with_what_mattered_in_colour(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "explained.png"
    result = run(place, "--data", "drawn:300", "-o", out, "-n", 2)
    told = "grad_cam at relu_2" if place.name.startswith("averaged") else "occlusion"
    assert told in result.stdout
    with Image.open(out) as picture:
        red, _, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(int), 2, 0)
    assert (red - blue > 40).sum() > 500  # orange
    assert [path.name for path in tmp_path.iterdir()] == ["explained.png"]


@pytest.mark.parametrize("place", ["averaged"], indirect=True)
def test_the_same_picture_is_drawn_twice(place: Path, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        run(place, "--data", "drawn:300", "-o", tmp_path / name, "--method", "saliency", "-n", 1)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("place", ["averaged"], indirect=True)
def test_what_is_wrong_is_said(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"drawn as \.png or \.svg"):
        run(place, "-o", tmp_path / "a.jpg")
    with pytest.raises(UserError, match="did you mean 'grad_cam'"):
        run(place, "--data", "drawn:300", "--method", "gradcam", "-o", tmp_path / "a.png")
    with pytest.raises(UserError, match="name the faces it was trained on by --data"):
        run(place, "-o", tmp_path / "a.png")
    with pytest.raises(UserError, match="neither a run's folder nor a study's"):
        run(tmp_path, "-o", tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
