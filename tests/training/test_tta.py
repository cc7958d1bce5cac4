"""Faces evaluated in several views."""

import numpy as np
import pytest
import torch
from trained import CNN, NORMAL

from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.training import tta
from mien.training.trainer import Trainer
from mien.training.tta import zoomed


def ramp(side: int = 12) -> torch.Tensor:
    """An image [1, H, W] whose gray is the sum of its row and twice its column."""
    pixels = torch.arange(side, dtype=torch.float32)
    return (pixels[:, None] + 2 * pixels)[None]


def test_a_zoom_scales_about_the_centre() -> None:
    image, middle = ramp(), 5.5
    for scale in (0.5, 0.9):
        places = (torch.arange(12) - middle) * scale + middle
        assert torch.allclose(zoomed(image, scale)[0], places[:, None] + 2 * places, atol=1e-4)
    assert torch.equal(zoomed(image, 1.0), image)


def test_beyond_the_border_is_the_border() -> None:
    smaller = zoomed(ramp(), 1.5)[0]
    assert smaller.min() == 0
    assert smaller.max() == 33
    assert torch.equal(smaller[0], smaller[1])
    assert smaller.shape == (12, 12)


def test_logits_are_the_mean_over_all_views(faces: Faces) -> None:
    images = torch.from_numpy(faces.images[:8])
    recipe = Recipe(tta_flip=True, tta_scales=(0.9, 1.2), precision="float32")
    trainer = Trainer(build(CNN, size=faces.size), recipe, 0)
    plain = Trainer(trainer.model, Recipe(precision="float32"), 0)
    trainer.model.eval()
    with torch.no_grad():
        views = [zoomed(images.float(), scale) for scale in (1.0, 0.9, 1.2)]
        logits = [trainer.model(plain.scaling(view)) for one in views for view in (one, one.flip(2))]
    assert torch.allclose(trainer.probabilities(images), sum(logits).div(6).softmax(1), atol=1e-5)
    for one in (trainer, plain):
        one.close()


def test_one_view_leaves_images_as_they_are() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8))
    assert tta.TestTimeAugmentation(Recipe())(images) is images
    assert tta.TestTimeAugmentation(Recipe(tta_scales=0.9)).count == 2


@pytest.mark.parametrize("tta_scales", [[0.4], [2.5], [float("nan")], "large", {"a": 1}])
def test_scales_out_of_range_are_refused(tta_scales: object) -> None:
    with pytest.raises(ValueError, match="tta_scales"):
        Recipe(tta_scales=tta_scales)


@pytest.mark.parametrize("net", [CNN, NORMAL], ids=lambda net: net.name)
def test_a_face_and_its_mirror_image_get_the_same_probabilities(net: Net, faces: Faces) -> None:
    images = torch.from_numpy(faces.images[:16])
    for flip in (True, False):
        trainer = Trainer(build(net, size=faces.size), Recipe(tta_flip=flip, precision="float32"), 0)
        ours, theirs = trainer.probabilities(images), trainer.probabilities(images.flip(2))
        trainer.close()
        assert torch.allclose(ours, theirs, atol=1e-6) == flip
