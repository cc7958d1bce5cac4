"""Scaling: from pixels to a net's input, fitted on train alone and stored with the run."""

from hashlib import sha256
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from mien.runs.recipe import Recipe

EPSILON = 1e-6
"""Added to the variance of each principal component before whitening divides by its root; Keras's zca_epsilon."""

_FLAT = 1e-9
"""A principal component with less than so much of the greatest variance is one in which train does not vary at all."""


class Scaling:
    """Scales faces, then whitens them where the recipe says so.

    centred: x / 255 - 0.5. standardised: each image to mean 0 and standard deviation 1. featurewise: each pixel to mean
    0 and standard deviation 1 over train. In all of them a deviation below one gray counts as one, so that what is
    constant becomes 0.

    Whitening is ZCA (Bell & Sejnowski 1997, "The independent components of natural scenes are edge filters"), fitted on
    train as scaled, its mean taken away: y = (x - mean) @ U diag(1 / sqrt(variance + epsilon)) U', with U the principal
    components of train and their variances. Components in which train does not vary are left out.

    Args:
        recipe: its `scaling` and `whitening` count.
        fitted: results of fitting, all float32: `mean` and `deviation` [H, W] for featurewise, in grays; `whitening`
            [H * W, H * W] and `shift` [H * W] = -mean @ whitening for zca.
    """

    def __init__(self, recipe: "Recipe", fitted: dict[str, Tensor]) -> None:
        self._kind = recipe.scaling
        self._fitted = fitted

    @classmethod
    def fit(cls, recipe: "Recipe", images: Tensor) -> "Scaling":
        """A recipe's scaling, fitted on train's images, uint8 [N, H, W]."""
        fitted: dict[str, Tensor] = {}
        if recipe.scaling == "featurewise":
            deviation, mean = torch.std_mean(images.double(), 0, correction=0)
            fitted |= {"mean": mean.float(), "deviation": deviation.clamp(min=1).float()}
        if recipe.whitening == "zca":
            whitening, shift = _whitening(cls(recipe, fitted)._scaled(images).flatten(1))
            fitted |= {"whitening": whitening, "shift": shift}
        return cls(recipe, fitted)

    @classmethod
    def of(cls, recipe: "Recipe", tensors: dict[str, Tensor]) -> "Scaling":
        """The scaling whose `tensors` these are."""
        return cls(recipe, tensors)

    def to(self, device: torch.device) -> "Scaling":
        """Itself, to scale what lies on a device."""
        self._fitted = {name: tensor.to(device) for name, tensor in self._fitted.items()}
        return self

    def tensors(self) -> dict[str, Tensor]:
        """The fitted tensors by name; {} where the recipe's scaling needs nothing of train."""
        return self._fitted

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the kind of scaling and of what was fitted: equal ones scale alike."""
        digest = sha256(f"{self._kind} {sorted(self._fitted)}".encode())
        for name in sorted(self._fitted):
            digest.update(self._fitted[name].cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def __call__(self, x: Tensor) -> Tensor:
        """A net's input: uint8 or float32 [N, H, W] in 0..255 -> float32 [N, 1, H, W], new memory."""
        scaled = self._scaled(x)
        if "whitening" in self._fitted:
            flat = torch.addmm(self._fitted["shift"], scaled.flatten(1), self._fitted["whitening"])
            scaled = flat.view(scaled.shape)
        return scaled.unsqueeze(1)

    def _scaled(self, x: Tensor) -> Tensor:
        """[N, H, W], not yet whitened."""
        if self._kind == "featurewise":
            return (x - self._fitted["mean"]).div_(self._fitted["deviation"])
        if self._kind == "standardised":
            x = x.float()
            deviation, mean = torch.std_mean(x, (1, 2), correction=0, keepdim=True)
            return (x - mean).div_(deviation.clamp(min=1))
        return (x / 255).sub_(0.5)


def _whitening(x: Tensor) -> tuple[Tensor, Tensor]:
    """The whitening matrix [D, D] of x, float32 [N, D], and what to add behind it, [D]; both float32.

    In float64: on FER2013, float32 is off by 1 % of a whitened pixel's deviation, and no more than a second faster.
    """
    products, total = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64), x.sum(0, dtype=torch.float64)
    for first in range(0, len(x), 4096):
        part = x[first : first + 4096].double()
        products.addmm_(part.T, part)
    mean = total / len(x)
    variances, components = torch.linalg.eigh(products.div_(len(x)) - mean.outer(mean))
    scales = torch.where(variances > _FLAT * variances[-1], (variances.clamp(min=0) + EPSILON).rsqrt(), 0)
    whitening = (components * scales) @ components.T
    return whitening.float(), -(mean @ whitening).float()
