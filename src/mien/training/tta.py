"""Test-time augmentation: several views of each face, whose logits are averaged."""

import torch
from torch import Tensor

from mien.runs.recipe import Recipe


class TestTimeAugmentation:
    """A face as it is and, where the recipe says so, zoomed to other sizes, and each of these mirrored.

    The net's logits of the views are averaged. (Krizhevsky et al. 2012, "ImageNet classification with deep
    convolutional neural networks", averaged the softmax of five crops and their mirror images.)

    Args:
        recipe: its `tta_scales` and `tta_flip` count.

    Attributes:
        flip: whether mirror images are among the views.
        scales: of the other views, in shares of the face's side.
        count: how many views a face has.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.flip, self.scales = recipe.tta_flip, recipe.tta_scales
        self.count = (1 + len(self.scales)) * (1 + self.flip)

    def __call__(self, images: Tensor) -> Tensor:
        """Images [N, H, W] -> [count * N, H, W]: all of them in the first view, then in the second, and so on.

        Numbers between 0 and 255, of any type; float32 where there are other scales.
        """
        if self.scales:
            images = images.float()
            images = torch.cat([images, *(zoomed(images, scale) for scale in self.scales)])
        return torch.cat([images, images.flip(2)]) if self.flip else images

    def mean(self, logits: Tensor) -> Tensor:
        """Logits of all views, [count * N, K] -> of the faces, [N, K]."""
        return logits.view(self.count, -1, logits.shape[1]).mean(0) if self.count > 1 else logits


def zoomed(images: Tensor, scale: float) -> Tensor:
    """Crop images about their centre to `scale` times their side and resize: above 1 faces become smaller.

    Interpolated linearly; what lies beyond the border is the nearest pixel of the border. Rows and columns are sampled
    by a matrix each, which any runtime multiplies.

    Args:
        images: float32 [N, H, W].
        scale: above 0.
    """
    height, width = images.shape[1:]
    down, across = (_sampling(side, scale, images.device) for side in (height, width))
    return down @ images @ across.T


def _sampling(side: int, scale: float, device: torch.device) -> Tensor:
    """The weight of each old pixel in each new one, float32 [side, side]; a row adds up to 1."""
    pixels = torch.arange(side, dtype=torch.float32, device=device)
    middle = (side - 1) / 2
    places = ((pixels - middle) * scale + middle).clamp(0, side - 1)
    return (1 - (places[:, None] - pixels).abs()).clamp(min=0)
