"""The words that change gray values, and those that mix faces: each works on a whole batch, in place.

They use tensors' methods alone: reading a recipe imports this file, and does not wait for torch.
"""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.augmentation.geometry import Share

if TYPE_CHECKING:
    from mien.augmentation.batch import Batch

Alpha = Annotated[float, Field(gt=0, le=100)]


def brightness(at: "Batch", share: Share) -> None:
    """Add up to `share` of white or black, the same to all pixels of a face (Keras's RandomBrightness)."""
    at.images.add_(255 * at.factors(share)).clamp_(0, 255)


def contrast(at: "Batch", share: Share) -> None:
    """Stretch a face's grays about their mean by a factor between 1 - share and 1 + share (Keras's RandomContrast)."""
    mean = at.images.mean((1, 2), keepdim=True)
    at.images.lerp_(mean, -at.factors(share)).clamp_(0, 255)


def erase(at: "Batch", probability: Share = 0.5, share: Share = 0.4) -> None:
    """Put random grays in a box, with this probability (Zhong et al. 2017, arXiv 1708.04896).

    The box takes 2 % to `share` of the face. It is up to 3.3 times as wide as high, or as high as wide, and cut to the
    face's height and width.
    """
    faces, height, width = at.images.shape
    area = at.rng.uniform(min(0.02, share), share, faces) * height * width
    form = np.exp(at.rng.uniform(np.log(0.3), np.log(1 / 0.3), faces))
    chosen = at.rng.random(faces) < probability
    high = np.minimum(np.rint(np.sqrt(area * form)), height).astype(np.intp) * chosen
    wide = np.minimum(np.rint(np.sqrt(area / form)), width).astype(np.intp) * chosen
    top, left = at.rng.integers(0, height - high + 1), at.rng.integers(0, width - wide + 1)
    at.paste(at.grays(), (top, top + high, left, left + wide))


def mixup(at: "Batch", alpha: Alpha = 0.2, probability: Share = 1.0) -> None:
    """Blend a face and its target with another's (Zhang et al. 2017, arXiv 1710.09412).

    The shares are drawn from Beta(alpha, alpha); the paper draws once a batch, this word for each face.
    """
    faces = len(at.images)
    other, own = at.rng.permutation(faces), _own_shares(at, alpha, probability)
    others, share = at.sent(other), at.sent(1 - own)[:, None]
    at.images.lerp_(at.images.index_select(0, others), share[:, None])
    at.targets.lerp_(at.targets[others], share)


def cutmix(at: "Batch", alpha: Alpha = 1.0, probability: Share = 1.0) -> None:
    """Paste a box of another face, and as large a share of its target (Yun et al. 2019, arXiv 1905.04899).

    The box has the face's form and, before it is cut off at the borders, a share of its area from Beta(alpha, alpha).
    """
    faces, height, width = at.images.shape
    other, side = at.rng.permutation(faces), np.sqrt(1 - _own_shares(at, alpha, probability))
    edges = [edge for length in (height, width) for edge in _edges(at.rng, side, length)]
    top, bottom, left, right = edges
    pasted = at.sent((bottom - top) * (right - left) / (height * width))[:, None]
    others = at.sent(other)
    at.paste(at.images.index_select(0, others), (top, bottom, left, right))
    at.targets.lerp_(at.targets[others], pasted)


def _own_shares(at: "Batch", alpha: float, probability: float) -> NDArray[np.float32]:
    faces = len(at.images)
    shares = at.rng.beta(alpha, alpha, faces)
    return np.where(at.rng.random(faces) < probability, shares, 1).astype(np.float32)


def _edges(
    rng: np.random.Generator, share: NDArray[np.floating], length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last of the rows or columns of boxes around a random centre, cut off at the borders."""
    centre, half = rng.uniform(0, length, len(share)), share * length / 2
    first, last = np.rint(np.maximum(centre - half, 0)), np.rint(np.minimum(centre + half, length))
    return first.astype(np.intp), last.astype(np.intp)
