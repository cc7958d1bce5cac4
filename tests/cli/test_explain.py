"""`mien explain`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mien.cli import app
from mien.errors import UserError
from mien.nets import Net
from mien.runs.run import Run


@pytest.fixture(scope="module")
def places(trained: Callable[..., Run]) -> dict[str, Path]:
    """The folders of a run with feature maps that are averaged and of one without feature maps."""
    averaged = ("conv(6)", "relu", "pool", "conv(8)", "relu", "global_average", "classes")
    nets = {"averaged": averaged, "flat": ("flatten", "classes")}
    return {name: trained(Net(name, layers)).folder for name, layers in nets.items()}


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, ["explain", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(("net", "expected"), [("averaged", "grad_cam at relu_2"), ("flat", "occlusion")])
def test_a_picture_is_drawn_with_what_matters_in_colour(
    net: str, expected: str, places: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "explained.png"
    result = run(places[net], "--data", "drawn:500", "-o", out, "-n", 2)
    assert expected in result.stdout
    with Image.open(out) as picture:
        red, _, blue = np.moveaxis(np.asarray(picture.convert("RGB")).astype(int), 2, 0)
    assert (red - blue > 40).sum() > 500  # orange
    assert [path.name for path in tmp_path.iterdir()] == ["explained.png"]


def test_the_same_picture_is_drawn_twice(places: dict[str, Path], tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        run(places["averaged"], "--data", "drawn:500", "-o", tmp_path / name, "--method", "saliency", "-n", 1)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_is_wrong_is_reported(places: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"drawn as \.png or \.svg"):
        run(places["averaged"], "-o", tmp_path / "a.jpg")
    with pytest.raises(UserError, match="did you mean 'grad_cam'"):
        run(places["averaged"], "--data", "drawn:500", "--method", "gradcam", "-o", tmp_path / "a.png")
    with pytest.raises(UserError, match="name the faces it was trained on by --data"):
        run(places["averaged"], "-o", tmp_path / "a.png")
    with pytest.raises(UserError, match="neither a run's folder nor a study's"):
        run(tmp_path, "-o", tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
