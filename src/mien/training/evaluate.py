"""A run's trainer, built from its folder, and what a finished run predicts."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mien.faces import Faces
from mien.nets import build
from mien.runs.environment import now
from mien.runs.predictions import Predictions
from mien.runs.run import Run
from mien.training.checkpoint import load_weights, save_weights
from mien.training.device import present_device, reported_memory
from mien.training.initialise import PrerequisiteError
from mien.training.losses import make_loss
from mien.training.scaling import Scaling
from mien.training.trainer import EVALUATION_BATCH, Trainer


def evaluate(run: Run, faces: Faces, split: str) -> Predictions:
    """Predict a split with a finished run; saves the predictions, and the time of the test split's first use.

    On the recipe's device or, where that is not here, the best that is.
    """
    device = present_device(run.recipe.device)
    with reported_memory(device, EVALUATION_BATCH, training=False):
        trainer = trained(run, faces, device)
        try:
            predictions = predict(trainer, faces, split)
        finally:
            trainer.close()
    run.write_predictions(split, predictions)
    if split == "test" and not run.status.test_opened:
        run.write_status(replace(run.status, test_opened=now()))
    return predictions


def trainer_of(run: Run, faces: Faces, device: torch.device, pretrained: bool = True) -> Trainer:
    """A run's trainer: its model with first weights, its scaling as it was first fitted, its loss."""
    train, recipe = faces.split("train"), run.recipe
    fitted = run.folder / "scaling.safetensors"
    if fitted.exists():
        scaling = Scaling.of(recipe, load_weights(fitted))
    else:
        scaling = Scaling.fit(recipe, _images(train))
        if tensors := scaling.tensors():
            save_weights(fitted, tensors)
    model = build(run.net, faces.size, len(faces.classes), run.seed, pretrained)
    loss = make_loss(recipe, train.labels, len(faces.classes), device)
    return Trainer(model, recipe, run.seed, scaling, loss, device=device)


def trained(run: Run, faces: Faces, device: torch.device) -> Trainer:
    """A finished run's trainer, with the weights that the run ended with."""
    trainer = trainer_of(run, faces, device, pretrained=False)
    trainer.model.load_state_dict(load_weights(run.folder / "weights.safetensors"))
    trainer.ema = None  # these weights are the average
    return trainer


def teacher_of(run: Run, name: str, faces: Faces, device: torch.device) -> Trainer:
    """The trainer of a run's teacher, which lies beside it."""
    teacher = Run(run.folder.parent / name)
    if teacher.status.state != "finished":
        raise PrerequisiteError(f"its teacher {name} is {teacher.status.state}, not finished, in {run.folder.parent}")
    return trained(teacher, faces, device)


def loss_and_accuracy(trainer: Trainer, inputs: Tensor, faces: Faces) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on faces; inputs: theirs, from `Trainer.inputs`."""
    labels = torch.from_numpy(faces.labels.astype(np.int64))
    probabilities = trainer.probabilities(inputs)
    loss = F.nll_loss(probabilities.clamp(min=1e-30).log(), labels).item()
    return loss, (probabilities.argmax(1) == labels).double().mean().item()


def predict(trainer: Trainer, faces: Faces, split: str) -> Predictions:
    """What a trainer's model gives for each face of a split."""
    part = faces.split(split)
    return Predictions(trainer.probabilities(trainer.inputs(part)).numpy(), np.array(part.labels))


def _images(faces: Faces) -> Tensor:
    """Images uint8 [N, H, W], in memory."""
    return torch.from_numpy(np.array(faces.images))
