"""A recipe's optimiser, and the learning rate of each of its steps."""

from math import cos, pi

import torch

from mien.nets import Model
from mien.runs.recipe import Recipe

FIRST = 1 / 25
"""Where one cycle begins, as a share of its highest rate; torch's OneCycleLR has the same default."""

RISE = 0.3
"""The share of one cycle's steps in which the rate rises, unless the recipe's warm-up says otherwise."""


def make_optimizer(model: Model, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; kernels decay, biases and normalisations' scales do not; deeper ones learn slower.

    Adam is torch's, with Keras's epsilon 1e-7; Keras adds it before the correction of the second moment and torch after
    it, a difference without weight.
    """
    groups = [
        {"params": chosen, "initial_lr": recipe.rate * recipe.layer_decay**depth, "weight_decay": decay}
        for depth, weights in model.depths()
        for kernels, decay in ((True, recipe.weight_decay), (False, 0.0))
        if (chosen := [weight for weight in weights if weight.requires_grad and (weight.dim() > 1) == kernels])
    ]
    if recipe.optimizer == "adam":
        return torch.optim.AdamW(groups, recipe.rate, eps=1e-7, fused=True)
    return torch.optim.SGD(groups, recipe.rate, recipe.momentum, nesterov=recipe.nesterov, fused=True)


def rate_at(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of a step, as a share of the recipe's: 0..1.

    - constant: 1 throughout.
    - cosine: from 1 to 0 by half a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts).
    - one_cycle: up to 1 and down to 0, each by half a cosine (Smith & Topin 2019, arXiv 1708.07120).

    With a warm-up, the first epochs rise to 1 in equal steps, or as one_cycle rises.

    Args:
        recipe: which.
        step: 1 for the first.
        steps: of the whole training.
    """
    rising = recipe.warm_up / recipe.epochs if recipe.warm_up else RISE if recipe.schedule == "one_cycle" else 0.0
    top = rising * steps
    if step <= top:
        share = step / top
        return FIRST + (1 - FIRST) * _half_cosine(1 - share) if recipe.schedule == "one_cycle" else share
    return 1.0 if recipe.schedule == "constant" else _half_cosine((step - 1 - top) / max(steps - top, 1))


def _half_cosine(at: float) -> float:
    """1 at 0, 0 at 1."""
    return 0.5 * (1 + cos(pi * min(max(at, 0.0), 1.0)))
