"""Trainer: a model while it is trained: its scaling, its gradients, its penalties and its optimiser."""

from typing import NamedTuple

import torch
from torch import Tensor

from mien.nets import Model
from mien.training.gradients import gradients
from mien.training.memory import keep_memory
from mien.training.recipe import Recipe


class Step(NamedTuple):
    """One step of the optimiser.

    Attributes:
        loss: mean cross-entropy of the batch plus the net's penalties.
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
        seed: of dropout.
    """

    def __init__(self, model: Model, recipe: Recipe, seed: int) -> None:
        keep_memory()
        self.model, self.recipe, self.seed = model, recipe, seed
        self.precision = best_precision() if recipe.precision == "auto" else recipe.precision
        self.gradients = gradients(model, getattr(torch, self.precision))
        self.optimizer: torch.optim.Optimizer
        if recipe.optimizer == "adam":
            self.optimizer = torch.optim.Adam(model.parameters(), recipe.rate, eps=1e-7, fused=True)
        else:
            self.optimizer = torch.optim.SGD(model.parameters(), recipe.rate, recipe.momentum, fused=True)

    def step(self, images: Tensor, labels: Tensor, number: int) -> Step:
        """One step of the optimiser on a batch.

        Args:
            images: uint8 [N, H, W].
            labels: int64 [N].
            number: of the step, counted over all epochs: with the seed, it decides the dropout.
        """
        judged = self.gradients.batch(self.scaled(images), labels, key=self.seed * 2**32 + number)
        penalties = self._penalise()
        self.optimizer.step()
        return Step(judged.loss + penalties, judged.right)

    def probabilities(self, images: Tensor) -> Tensor:
        """What the model says of images, uint8 [N, H, W] -> float32 [N, K], rows sum to 1."""
        return torch.cat(
            [self.gradients.logits(self.scaled(images[first : first + 4096])) for first in range(0, len(images), 4096)]
        ).softmax(1)

    def scaled(self, images: Tensor) -> Tensor:
        """Pixels as the net sees them, by the recipe's scaling: uint8 [N, H, W] -> float32 [N, 1, H, W]."""
        x = images[:, None].float()
        if self.recipe.scaling == "standardised":
            deviation, mean = torch.std_mean(x, (1, 2, 3), correction=0, keepdim=True)
            return (x - mean) / deviation.clamp(min=1.0)  # a constant image stays constant
        return x.div_(255).sub_(0.5)

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


def best_precision() -> str:
    """bfloat16 where the processor multiplies it in hardware, float32 elsewhere."""
    able = torch.cpu.get_capabilities()
    return "bfloat16" if able.get("amx_bf16") or able.get("avx512_bf16") else "float32"
