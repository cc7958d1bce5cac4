"""Timing: how long a net's training takes on this machine, estimated from a few of its steps."""

import time
from itertools import count
from statistics import median

import numpy as np
import torch
from torch import Tensor

from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.training.device import choose_device, reported_memory
from mien.training.losses import make_loss, targets_of
from mien.training.scaling import Scaling
from mien.training.trainer import Trainer


def time_step(net: Net, recipe: Recipe, faces: Faces, seed: int = 0, times: int = 3) -> float:
    """Seconds that one training step takes here: the median of `times`, after those that warm up.

    On a GPU steps are timed some at once, as they are trained, and the first are slower: they are recorded.

    Raises:
        UserError: the recipe's device is not here, or has too little memory.
    """
    trainer, first, targets = _first_batch(net, recipe, faces, seed)
    warm_up, at_once = (1, 1) if trainer.device.type == "cpu" else (6, 8)
    numbers, taken = count(), list[float]()
    try:
        with reported_memory(trainer.device, recipe.batch):
            inputs = trainer.inputs(first, cache=False)
            for steps in (warm_up, *[at_once] * times):
                started = time.perf_counter()
                done = [trainer.step(inputs, targets, next(numbers)) for _ in range(steps)]
                done[-1].loss.item()  # waits for the device
                taken.append((time.perf_counter() - started) / steps)
    finally:
        trainer.close()
    return median(taken[1:])


def time_features(net: Net, recipe: Recipe, faces: Faces, seed: int = 0) -> float:
    """Seconds that a frozen backbone takes here, once, for the features of train and validation; 0 if there is none."""
    trainer, first, _ = _first_batch(net, recipe, faces, seed)
    try:
        trainer.inputs(first, cache=False)  # warms up
        started = time.perf_counter()
        trainer.inputs(first, cache=False).cpu()  # waits for the device
        taken = time.perf_counter() - started
    finally:
        trainer.close()
    rest = (len(faces.split("train")) + len(faces.split("validation"))) / len(first)
    return taken * rest if trainer.on_features else 0.0


def _first_batch(net: Net, recipe: Recipe, faces: Faces, seed: int) -> tuple[Trainer, Faces, Tensor]:
    """A trainer with first weights, and a batch of train with its targets."""
    train = faces.split("train")
    device = choose_device(recipe.device)
    loss = make_loss(recipe, train.labels, len(faces.classes), device)
    model = build(net, faces.size, len(faces.classes), seed)
    scaling = Scaling.fit(recipe, torch.from_numpy(np.array(train.images)))
    trainer = Trainer(model, recipe, seed, scaling, loss, device=device)
    return trainer, train.first(recipe.batch), targets_of(train, recipe)[: recipe.batch].to(device)
