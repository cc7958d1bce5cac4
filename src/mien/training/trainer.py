"""Trainer: a model while it is trained: its scaling, its gradients, its penalties and its optimiser."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.augmentation import Augmentation
from mien.faces import Faces
from mien.nets import Model
from mien.runs.recipe import Recipe
from mien.training.ema import Average, Weights
from mien.training.fast.gradients import gradients
from mien.training.features import compute_features, kept_features
from mien.training.losses import Loss
from mien.training.memory import keep_memory
from mien.training.scaling import Scaling
from mien.training.tta import Views

AT_ONCE = 1024
"""Faces judged at once, in all of their views."""


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

    Where the model begins with a frozen backbone, and faces are neither augmented nor judged in several views nor shown
    to a teacher, batches are taken from the backbone's features, computed once, instead of from images.

    Args:
        model: what is trained, in place; float32.
        recipe: how.
        seed: of dropout and augmentation.
        scaling: of the images; the recipe's own, where it takes nothing from the train split.
        loss: what is made small; plain cross-entropy unless given.
        teachers: whose judgement of a face, as augmentation has left it but for blur and the like, is the recipe's
            share of its target (Hinton et al. 2015, arXiv 1503.02531; Beyer et al. 2022, arXiv 2106.05237).
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        seed: int,
        scaling: Scaling | None = None,
        loss: Loss = F.cross_entropy,
        teachers: Sequence["Trainer"] = (),
    ) -> None:
        keep_memory()
        self.model, self.recipe, self.seed, self.teachers = model, recipe, seed, teachers
        self.scaling = scaling or Scaling.of(recipe, {})
        self.augmentation = Augmentation(recipe.augment, seed) if recipe.augment else None
        self.precision = best_precision() if recipe.precision == "auto" else recipe.precision
        self.dtype: torch.dtype = getattr(torch, self.precision)
        self.views = Views(recipe)
        self.on_features = bool(model.frozen) and not (recipe.augment or recipe.teachers or self.views.count > 1)
        # A face's features are given as an image of one row.
        trained = nn.Sequential(nn.Flatten(), *model.learnt) if self.on_features else model
        self.gradients = gradients(trained, self.dtype, loss)
        self.optimizer = _optimizer(model, recipe)
        self.average = Average(model.learnt, recipe.ema_decay) if recipe.ema_decay else None

    def inputs(self, faces: Faces, keep: bool = True) -> Tensor:
        """What the batches of faces are taken from: images uint8 [N, H, W], or features [N, F].

        Args:
            faces: of one split.
            keep: whether features are kept in the cache, and read from it.
        """
        images = torch.from_numpy(np.array(faces.images))
        if not self.on_features:
            return images
        if not keep:
            return compute_features(self.model, images, self.scaling, self.dtype)
        return kept_features(self.model, images, self.scaling, self.dtype, faces.fingerprint)

    def step(self, inputs: Tensor, targets: Tensor, number: int, rate: float = 1.0) -> Step:
        """One step of the optimiser on a batch.

        Args:
            inputs: a batch of `inputs`.
            targets: int64 [N], or the share of each class, float32 [N, K], which augmentation and teachers need.
            number: of the step, counted over all epochs: with the seed, it decides dropout and augmentation.
            rate: the learning rate, as a share of the recipe's.
        """
        given = inputs
        if self.augmentation:
            inputs, targets = self.augmentation(given, targets, number)
        if self.teachers:
            shown = inputs
            if self.augmentation and self.augmentation.degrades:
                shown = self.augmentation.for_teachers(given, number)
            said = torch.stack([teacher.teach(shown) for teacher in self.teachers]).mean(0)
            targets = torch.lerp(targets, said, self.recipe.distillation_weight)
        judged = self.gradients.batch(self._seen(inputs), targets, key=self.seed * 2**32 + number)
        penalties = self._penalise()
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate
        self.optimizer.step()
        if self.average:
            self.average.add(number)
        return Step(judged.loss + penalties, judged.right)

    def probabilities(self, inputs: Tensor) -> Tensor:
        """What the model says of `inputs` -> float32 [N, K], rows sum to 1; by its averaged weights if it has them."""
        with self.average.in_place() if self.average else nullcontext():
            return torch.cat(
                [self._judge(inputs[first : first + AT_ONCE]) for first in range(0, len(inputs), AT_ONCE)]
            ).softmax(1)

    def teach(self, images: Tensor) -> Tensor:
        """What the model says of images [N, H, W], uint8 or float32 in 0..255 -> float32 [N, K], rows sum to 1."""
        inputs = compute_features(self.model, images, self.scaling, self.dtype) if self.on_features else images
        return self.gradients.logits(self._seen(inputs)).softmax(1)

    def result(self) -> Weights:
        """The weights that judge, those behind a frozen backbone: copies."""
        with self.average.in_place() if self.average else nullcontext():
            return {name: tensor.clone() for name, tensor in self.model.learnt.state_dict().items()}

    def settle(self, weights: Weights | None = None) -> None:
        """End the training: from now on the model is its result, or has these weights of an earlier result."""
        self.model.learnt.load_state_dict(self.result() if weights is None else weights)
        self.average = None

    def close(self) -> None:
        """Let go of the threads."""
        self.gradients.close()
        for teacher in self.teachers:
            teacher.close()

    def _judge(self, inputs: Tensor) -> Tensor:
        """Logits float32 [N, K] of `inputs`, the mean over views."""
        return self.views.mean(self.gradients.logits(self._seen(self.views(inputs))))

    def _seen(self, inputs: Tensor) -> Tensor:
        """Inputs as the gradients take them, float32 [N, 1, H, W]."""
        return inputs[:, None, None].float() if self.on_features else self.scaling(inputs)

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
    """The recipe's optimiser; kernels decay, biases and normalisations' scales do not; deeper ones learn slower."""
    groups = [
        {"params": chosen, "initial_lr": recipe.rate * recipe.layer_decay**depth, "weight_decay": decay}
        for depth, weights in model.depths()
        for kernels, decay in ((True, recipe.weight_decay), (False, 0.0))
        if (chosen := [weight for weight in weights if weight.requires_grad and (weight.dim() > 1) == kernels])
    ]
    if recipe.optimizer == "adam":
        return torch.optim.AdamW(groups, recipe.rate, eps=1e-7, fused=True)
    return torch.optim.SGD(groups, recipe.rate, recipe.momentum, nesterov=recipe.nesterov, fused=True)


def best_precision() -> str:
    """bfloat16 where the processor multiplies matrices of it (AMX), float32 elsewhere.

    AVX512-BF16 alone is no reason: a step took 1.45 to 1.58 times as long with it (docs/decisions/0003-fast-step.md).
    """
    return "bfloat16" if torch.cpu.get_capabilities().get("amx_bf16") else "float32"
