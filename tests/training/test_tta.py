"""Faces judged in several views."""

import numpy as np
import pytest
import torch
from trained import CNN

from mien.faces import Faces
from mien.nets import build
from mien.runs.recipe import Recipe
from mien.training.trainer import Trainer
from mien.training.tta import Views, zoomed


def ramp(side: int = 12) -> torch.Tensor:
    """An image [1, H, W] whose gray is the sum of its row and twice its column."""
    pixels = torch.arange(side, dtype=torch.float32)
    return (pixels[:, None] + 2 * pixels)[None]


def test_a_zoom_scales_about_the_centre() -> None:
    image, middle = ramp(), 5.5
    for share in (0.5, 0.9):
        places = (torch.arange(12) - middle) * share + middle
        assert torch.allclose(zoomed(image, share)[0], places[:, None] + 2 * places, atol=1e-4)
    assert torch.equal(zoomed(image, 1.0), image)


def test_beyond_the_border_is_the_border() -> None:
    smaller = zoomed(ramp(), 1.5)[0]
    assert smaller.min() == 0
    assert smaller.max() == 33
    assert torch.equal(smaller[0], smaller[1])
    assert smaller.shape == (12, 12)


def test_the_mean_over_all_views_is_judged(faces: Faces) -> None:
    images = torch.from_numpy(faces.images[:8])
    recipe = Recipe(tta_flip=True, tta_scales=(0.9, 1.2), precision="float32")
    trainer = Trainer(build(CNN, size=faces.size), recipe, 0)
    plain = Trainer(trainer.model, Recipe(precision="float32"), 0)
    trainer.model.eval()
    with torch.no_grad():
        views = [zoomed(images.float(), share) for share in (1.0, 0.9, 1.2)]
        logits = [trainer.model(plain.scaling(view)) for one in views for view in (one, one.flip(2))]
    assert torch.allclose(trainer.probabilities(images), sum(logits).div(6).softmax(1), atol=1e-5)
    for one in (trainer, plain):
        one.close()


def test_one_view_leaves_images_as_they_are() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8))
    assert Views(Recipe())(images) is images
    assert Views(Recipe(tta_scales=0.9)).count == 2


@pytest.mark.parametrize("tta_scales", [[0.4], [2.5], [float("nan")], "large", {"a": 1}])
def test_strange_zooms_are_refused(tta_scales: object) -> None:
    with pytest.raises(ValueError, match="tta_scales"):
        Recipe(tta_scales=tta_scales)
