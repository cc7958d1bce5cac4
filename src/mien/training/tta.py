"""Views: the ways in which a face is judged, of which the mean is told."""

import torch
from torch import Tensor

from mien.runs.recipe import Recipe


class Views:
    """A face as it is, and, where the recipe asks for them, in frames of other sizes and each mirrored.

    What a net says of them is averaged, logit by logit. (Krizhevsky et al. 2012, "ImageNet classification with deep
    convolutional neural networks", averaged the softmax of five crops and their mirror images.)

    Args:
        recipe: its `zooms` and `mirror` count.

    Attributes:
        mirror: whether mirror images are among them.
        zooms: the sizes of the other frames, in shares of the face's side.
        count: how many a face has.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.mirror, self.zooms = recipe.tta_flip, recipe.tta_scales
        self.count = (1 + len(self.zooms)) * (1 + self.mirror)

    def __call__(self, images: Tensor) -> Tensor:
        """Images [N, H, W] -> [count * N, H, W]: all of them in the first view, then in the second, and so on.

        Numbers between 0 and 255, of any type; float32 where there are zooms.
        """
        if self.zooms:
            images = images.float()
            images = torch.cat([images, *(zoomed(images, share) for share in self.zooms)])
        return torch.cat([images, images.flip(2)]) if self.mirror else images

    def mean(self, logits: Tensor) -> Tensor:
        """Logits of all views, [count * N, K] -> of the faces, [N, K]."""
        return logits.view(self.count, -1, logits.shape[1]).mean(0) if self.count > 1 else logits


def zoomed(images: Tensor, share: float) -> Tensor:
    """Images in a frame of a share of their side about their centre: below 1 they become larger, above 1 smaller.

    Interpolated linearly; what lies beyond the border is the nearest pixel of the border. Rows and columns are sampled
    by a matrix each, which any runtime multiplies.

    Args:
        images: float32 [N, H, W].
        share: above 0.
    """
    height, width = images.shape[1:]
    return _sampling(height, share) @ images @ _sampling(width, share).T


def _sampling(side: int, share: float) -> Tensor:
    """The weight of each old pixel in each new one, float32 [side, side]; a row adds up to 1."""
    pixels = torch.arange(side, dtype=torch.float32)
    middle = (side - 1) / 2
    places = ((pixels - middle) * share + middle).clamp(0, side - 1)
    return (1 - (places[:, None] - pixels).abs()).clamp(min=0)
