"""Preview: some faces before and after a recipe's augmentation and scaling."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.augmentation import Augmentation
from mien.errors import UserError
from mien.faces import Faces
from mien.runs.recipe import Recipe
from mien.training.scaling import Scaling

Pictures = NDArray[np.uint8]


def preview(entries: Mapping[str, object], faces: Faces, seed: int = 0, count: int = 9) -> tuple[Pictures, Pictures]:
    """Random faces of train before and after a recipe's augmentation and scaling.

    Args:
        entries: of a recipe; its `augment`, `scaling` and `whitening` count. Scaling is fitted on all of train.
        faces: where to take them from.
        seed: fixes which faces, and what happens to them.
        count: how many faces; fewer where train has fewer.

    Returns:
        before and after, both uint8 [count, H, W]. After is shown as grays where the scaling is the same for all pixels
        and all faces (centred, not whitened); otherwise each image is stretched to 0..255.

    Raises:
        UserError: there is no train split.
    """
    recipe, train = Recipe.model_validate(dict(entries)), faces.split("train")
    if not len(train):
        raise UserError(f"{faces.name}: has no face in its train split, which a preview shows")
    rows = np.random.default_rng(seed).permutation(len(train))[:count]
    before = torch.from_numpy(train.images[rows])
    augmented, _ = Augmentation(recipe.augment, seed)(before, torch.ones(len(before), 1), number=0)
    if recipe.scaling == "centred" and recipe.whitening == "none":
        return before.numpy(), _grays(augmented)
    scaling = Scaling.fit(recipe, torch.from_numpy(np.array(train.images)))
    return before.numpy(), _stretched(scaling(augmented)[:, 0])


def _stretched(x: Tensor) -> Pictures:
    low, high = x.amin((1, 2), keepdim=True), x.amax((1, 2), keepdim=True)
    return _grays((x - low) * (255 / (high - low).clamp(min=1e-6)))


def _grays(x: Tensor) -> Pictures:
    grays: Pictures = x.round().clamp(0, 255).to(torch.uint8).numpy()
    return grays
