"""Losses: what a recipe's training minimises, and the targets that it is computed from."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mien.errors import UserError
from mien.faces import Faces
from mien.faces.fer2013 import VOTE_OF, VOTES
from mien.runs.recipe import Recipe

CPU = torch.device("cpu")

Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits float32 [N, K] and targets, int64 [N] or shares float32 [N, K] -> their mean loss, a scalar."""


def make_loss(recipe: Recipe, labels: NDArray[np.uint8], classes: int, device: torch.device = CPU) -> Loss:
    """A recipe's loss: cross-entropy, smoothed, weighted by class and focused as it says.

    - `label_smoothing` s: targets are (1 - s) t + s / K (Szegedy et al. 2016, arXiv 1512.00567).
    - `focal_gamma` gamma: each term is multiplied by (1 - p) ** gamma (Lin et al. 2017, arXiv 1708.02002).
    - `class_weights` balanced: a face counts N / (K n) times where its class has n of the N faces, as scikit-learn's
      balanced weights; the mean is over faces, as Keras takes it.

    Args:
        recipe: which.
        labels: uint8 [N], of the train split.
        classes: K.
        device: of the logits.
    """
    if not (recipe.label_smoothing or recipe.focal_gamma or recipe.class_weights == "balanced"):
        return F.cross_entropy
    weights = torch.ones(classes)
    if recipe.class_weights == "balanced":
        counts = np.bincount(labels, minlength=classes)
        weights = torch.tensor([len(labels) / (classes * n) if n else 0.0 for n in counts], dtype=torch.float32)

    weights = weights.to(device)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        shares = targets if targets.is_floating_point() else F.one_hot(targets, classes).float()
        if recipe.label_smoothing:
            shares = shares * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
        logarithms = logits.log_softmax(1)
        if recipe.focal_gamma:
            logarithms = logarithms * (1 - logarithms.exp()) ** recipe.focal_gamma
        return -(shares * weights * logarithms).sum(1).mean()

    return loss


def targets_of(faces: Faces, recipe: Recipe) -> Tensor:
    """The target of each face.

    Returns:
        int64 [N], the labels; the same as shares, float32 [N, K], where augmentation or teachers may mix them; or, with
        `targets = "votes"`, the share of FER+'s votes that each class has among those for any of them. A face without
        such votes (ten for "not a face") keeps its label.

    Raises:
        UserError: the targets are votes and the faces have none, or classes that FER+ does not name.
    """
    labels = torch.from_numpy(faces.labels.astype(np.int64))
    ours = F.one_hot(labels, len(faces.classes)).float()
    if recipe.targets == "labels":
        return ours if recipe.augment or recipe.teachers else labels
    if faces.votes is None:
        raise UserError(f"{faces.name}: has no votes; name FER+'s file as votes under [data], or take targets 'labels'")
    unknown = [name for name in faces.classes if name not in VOTE_OF]
    if unknown:
        raise UserError(f"{faces.name}: FER+ has no votes on {', '.join(unknown)}; take targets 'labels'")
    columns = [VOTES.index(VOTE_OF[name]) for name in faces.classes]
    votes = torch.from_numpy(faces.votes[:, columns].astype(np.float32))
    cast = votes.sum(1, keepdim=True)
    return torch.where(cast > 0, votes / cast.clamp(min=1), ours)
