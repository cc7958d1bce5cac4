"""The photos that other packages carry."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """Scikit-image's portrait of Eileen Collins (NASA, public domain), 512 x 512 pixels: one face, smiling."""
    skimage = pytest.importorskip("skimage", reason="scikit-image, whose photo is looked at, is not installed")
    return Path(skimage.__file__).parent / "data" / "astronaut.png"


@pytest.fixture(scope="session")
def portrait(grace: Path) -> Image.Image:
    """The face of Grace Hopper with a little around it, 192 x 240 pixels."""
    with Image.open(grace) as image:
        return image.crop((160, 30, 352, 270))
