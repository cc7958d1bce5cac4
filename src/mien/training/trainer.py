"""Trainer: a model while it is trained: its scaling, its gradients, its penalties and its optimiser."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.nets import Model
from mien.training.augmentation import Augmentation
from mien.training.gradients import gradients
from mien.training.losses import Loss
from mien.training.memory import keep_memory
from mien.training.recipe import Recipe
from mien.training.scaling import Scaling


class Step(NamedTuple):
    """One step of the optimiser.

    Attributes:
        loss: the loss of the batch plus the net's penalties.
        right: how many of its faces were given their own emotion.
    """

    loss: float
    right: int


class Trainer:
    """Takes a model through its steps.

    Adam is torch's, with Keras's epsilon 1e-7; Keras adds it before the correction of the second moment and torch after
    it, a difference without weight.

    Args:
        model: what is trained, in place; float32.
        recipe: how.
        seed: of dropout and augmentation.
        scaling: of the images; the recipe's own, where it takes nothing from the train split.
        loss: what is made small; plain cross-entropy unless given.
    """

    def __init__(
        self, model: Model, recipe: Recipe, seed: int, scaling: Scaling | None = None, loss: Loss = F.cross_entropy
    ) -> None:
        keep_memory()
        self.model, self.recipe, self.seed = model, recipe, seed
        self.scaling = scaling or Scaling.of(recipe, {})
        self.augmentation = Augmentation(recipe.augment, seed) if recipe.augment else None
        self.precision = best_precision() if recipe.precision == "auto" else recipe.precision
        self.gradients = gradients(model, getattr(torch, self.precision), loss)
        self.optimizer = _optimizer(model, recipe)

    def step(self, images: Tensor, targets: Tensor, number: int, rate: float = 1.0) -> Step:
        """One step of the optimiser on a batch.

        Args:
            images: uint8 [N, H, W].
            targets: int64 [N], or the share of each class, float32 [N, K], which augmentation needs.
            number: of the step, counted over all epochs: with the seed, it decides dropout and augmentation.
            rate: the learning rate, as a share of the recipe's.
        """
        if self.augmentation:
            images, targets = self.augmentation(images, targets, number)
        judged = self.gradients.batch(self.scaling(images), targets, key=self.seed * 2**32 + number)
        penalties = self._penalise()
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate
        self.optimizer.step()
        return Step(judged.loss + penalties, judged.right)

    def probabilities(self, images: Tensor) -> Tensor:
        """What the model says of images, uint8 [N, H, W] -> float32 [N, K], rows sum to 1."""
        return torch.cat(
            [self.gradients.logits(self.scaling(images[first : first + 4096])) for first in range(0, len(images), 4096)]
        ).softmax(1)

    def close(self) -> None:
        """Let go of the threads."""
        self.gradients.close()

    @torch.no_grad()
    def _penalise(self) -> float:
        """Add the penalties' gradients to the weights' and give their sum, Keras's way: l1 |w| and l2 w^2, unhalved."""
        total = 0.0
        for module, l1, l2 in self.model.penalties:
            weight = module.weight
            assert isinstance(weight, torch.nn.Parameter)
            assert weight.grad is not None
            if l1:
                total += l1 * weight.abs().sum().item()
                weight.grad.add_(weight.sign(), alpha=l1)
            if l2:
                total += l2 * weight.square().sum().item()
                weight.grad.add_(weight, alpha=2 * l2)
        return total


def _optimizer(model: Model, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; kernels decay, biases and the scales of normalisations do not."""
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": chosen, "initial_lr": recipe.rate, "weight_decay": decay}
        for kernels, decay in ((True, recipe.weight_decay), (False, 0.0))
        if (chosen := [weight for weight in learnt if (weight.dim() > 1) == kernels])
    ]
    if recipe.optimizer == "adam":
        return torch.optim.AdamW(groups, recipe.rate, eps=1e-7, fused=True)
    return torch.optim.SGD(groups, recipe.rate, recipe.momentum, nesterov=recipe.nesterov, fused=True)


def best_precision() -> str:
    """bfloat16 where the processor multiplies it in hardware, float32 elsewhere."""
    able = torch.cpu.get_capabilities()
    return "bfloat16" if able.get("amx_bf16") or able.get("avx512_bf16") else "float32"
