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
from mien.nets.backbones.backbone import Backbone
from mien.runs.recipe import Recipe
from mien.training.device import make_gradients, precision_of
from mien.training.ema import EMA, Weights
from mien.training.features import cached_features, compute_features
from mien.training.losses import CPU, Loss
from mien.training.optimizer import make_optimizer
from mien.training.scaling import Scaling
from mien.training.tta import TestTimeAugmentation

EVALUATION_BATCH = 1024
"""Faces that are evaluated together, each in all of its views."""


class Step(NamedTuple):
    """One step of the optimiser; both are scalars on the device, to be read when somebody needs them.

    Attributes:
        loss: the loss of the batch plus the net's penalties, float32.
        correct: how many of its faces were given their own emotion, int64.
    """

    loss: Tensor
    correct: Tensor


class Trainer:
    """Takes a model through its steps.

    Where the model begins with a frozen backbone, and faces are neither augmented nor evaluated in several views nor
    shown to a teacher, batches are taken from the backbone's features, computed once, instead of from images.

    Args:
        model: what is trained, in place; float32. It is moved to the device.
        recipe: how.
        seed: of dropout and augmentation.
        scaling: of the images; the recipe's own, where it takes nothing from the train split.
        loss: what is minimised; plain cross-entropy unless given.
        teachers: their mean probabilities for a face, as augmentation has left it but for blur and the like, are mixed
            into its target with the recipe's `distillation_weight` (Hinton et al. 2015, arXiv 1503.02531; Beyer et al.
            2022, arXiv 2106.05237).
        device: that computes; the loss and the teachers are to lie there too.

    Raises:
        UserError: the device does not compute in the recipe's precision.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        seed: int,
        scaling: Scaling | None = None,
        loss: Loss = F.cross_entropy,
        teachers: Sequence["Trainer"] = (),
        device: torch.device = CPU,
    ) -> None:
        self.model, self.recipe, self.seed, self.teachers = model.to(device), recipe, seed, teachers
        self.device = device
        self.scaling = (scaling or Scaling.of(recipe, {})).to(device)
        self.augmentation = Augmentation(recipe.augment, seed) if recipe.augment else None
        self.precision = precision_of(recipe, device)
        self.dtype: torch.dtype = getattr(torch, self.precision)
        self.views = TestTimeAugmentation(recipe)
        self.on_features = bool(model.frozen) and not (recipe.augment or recipe.teachers or self.views.count > 1)
        # A face's features are handed on as an image of one row.
        trained = nn.Sequential(nn.Flatten(), *model.learnt) if self.on_features else model
        # float16 has no numbers below 6e-8: gradients are computed of a loss made larger (arXiv 1710.03740).
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == "float16")
        scale = self.scaler.scale if self.scaler.is_enabled() else None
        self.gradients = make_gradients(trained, self.dtype, loss, device, scale)
        self.optimizer = make_optimizer(model, recipe)
        self.ema = EMA(model.learnt, recipe.ema_decay) if recipe.ema_decay else None

    def inputs(self, faces: Faces, cache: bool = True) -> Tensor:
        """The images of faces, uint8 [N, H, W], or their features [N, F], on the device; batches are taken from them.

        Args:
            faces: of one split.
            cache: whether features are read from the cache, and written to it.
        """
        images = torch.from_numpy(np.array(faces.images)).to(self.device)
        if not self.on_features:
            return images
        settings = self.model, images, self.scaling, self.dtype
        if not cache:
            return compute_features(*settings, self.device)
        return cached_features(*settings, faces.fingerprint, self.device).to(self.device)

    def fit_normalisation(self, inputs: Tensor) -> None:
        """Give a published backbone's folded batch normalisation the statistics of a few of train's `inputs`."""
        first = next(iter(self.model))
        if isinstance(first, Backbone) and first.thaw:
            first.fit_normalisation(self._net_input(inputs))

    def step(self, inputs: Tensor, targets: Tensor, number: int, rate: float = 1.0) -> Step:
        """One step of the optimiser on a batch; nothing in it waits for the device.

        Args:
            inputs: a batch of `inputs`.
            targets: int64 [N], or the share of each class, float32 [N, K], which augmentation and teachers need; on
                the device.
            number: of the step, counted over all epochs: with the seed, it decides dropout and augmentation.
            rate: the learning rate, as a share of the recipe's.
        """
        originals = inputs
        if self.augmentation:
            inputs, targets = self.augmentation(originals, targets, number)
        if self.teachers:
            shown = inputs
            if self.augmentation and self.augmentation.degrades:
                shown = self.augmentation.for_teachers(originals, number)
            soft = torch.stack([teacher.soft_targets(shown) for teacher in self.teachers]).mean(0)
            targets = torch.lerp(targets, soft, self.recipe.distillation_weight)
        result = self.gradients.batch(self._net_input(inputs), targets, key=self.seed * 2**32 + number)
        if self.scaler.is_enabled():
            self.scaler.unscale_(self.optimizer)
        loss = result.loss + self._penalise() if self.model.penalties else result.loss
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.ema:
            self.ema.add(number)
        return Step(loss, result.correct)

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Probabilities for `inputs`, by the averaged weights if there are any.

        Returns:
            float32 [N, K] on the processor, rows sum to 1.
        """
        with self.ema.in_place() if self.ema else nullcontext():
            return torch.cat([self._logits(part) for part in torch.split(inputs, EVALUATION_BATCH)]).softmax(1).cpu()

    def soft_targets(self, images: Tensor) -> Tensor:
        """Probabilities, a student's targets: images [N, H, W], uint8 or float32 in 0..255 -> float32 [N, K]."""
        settings = self.model, images, self.scaling, self.dtype, self.device
        inputs = compute_features(*settings) if self.on_features else images
        return self.gradients.logits(self._net_input(inputs)).softmax(1)

    def export_weights(self) -> Weights:
        """Copies of the weights that predict, averaged where the recipe says so, without a frozen backbone's."""
        with self.ema.in_place() if self.ema else nullcontext():
            return {name: tensor.clone() for name, tensor in self.model.learnt.state_dict().items()}

    def finalize(self, weights: Weights | None = None) -> None:
        """End the training: put the exported weights into the model, or these that were exported earlier."""
        self.model.learnt.load_state_dict(self.export_weights() if weights is None else weights)
        self.ema = None

    def close(self) -> None:
        """Shut down the thread pools, the teachers' too."""
        self.gradients.close()
        for teacher in self.teachers:
            teacher.close()

    def _logits(self, inputs: Tensor) -> Tensor:
        """Logits float32 [N, K] of `inputs`, the mean over views."""
        return self.views.mean(self.gradients.logits(self._net_input(self.views(inputs))))

    def _net_input(self, inputs: Tensor) -> Tensor:
        """Inputs as `Gradients` takes them, float32 [N, 1, H, W]."""
        return inputs[:, None, None].float() if self.on_features else self.scaling(inputs)

    @torch.no_grad()
    def _penalise(self) -> Tensor:
        """Add the penalties' gradients to the weights' and give their sum, Keras's way: l1 |w| and l2 w^2, unhalved."""
        total = torch.zeros((), device=self.device)
        for module, l1, l2 in self.model.penalties:
            weight = module.weight
            assert isinstance(weight, torch.nn.Parameter)
            assert weight.grad is not None
            if l1:
                total += l1 * weight.abs().sum()
                weight.grad.add_(weight.sign(), alpha=l1)
            if l2:
                total += l2 * weight.square().sum()
                weight.grad.add_(weight, alpha=2 * l2)
        return total
