"""The loop: a run's training from its first epoch to its predictions, read top to bottom."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from math import isfinite

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mien.disk import append_line, remove_temporary, write_text
from mien.faces import Faces
from mien.nets import Model, build, parameters, trainable
from mien.runs.environment import now
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.run import Epoch, Run, Status
from mien.training.checkpoint import TrainingState, load_checkpoint, load_weights, save_checkpoint, save_weights
from mien.training.ema import Weights
from mien.training.fast import Gradients
from mien.training.initialise import PrerequisiteError, initialise
from mien.training.losses import make_loss, targets_of
from mien.training.optimizer import rate_at
from mien.training.scaling import Scaling
from mien.training.trainer import Trainer


@dataclass(frozen=True)
class Progress:
    """Where a training is after a step.

    Attributes:
        run: that is trained.
        epoch, epochs: number of this epoch, from 1, and of all.
        step, steps: number of this step in the epoch, from 1, and of all in an epoch.
        loss: the mean of the epoch's steps so far.
        faces_per_second: of the epoch so far.
        record: the epoch's line of the history, once it is done and validated; None before.
    """

    run: Run
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    faces_per_second: float
    record: Epoch | None = None


OnStep = Callable[[Progress], None]
"""Called after every step of the optimiser, and once more with an epoch's record."""

ShouldPrune = Callable[[Epoch], str]
"""Called after each epoch: returns the reason to prune the run now, "" to continue."""

ShareGradients = Callable[[Gradients, Model], Gradients]
"""Wraps this process's gradients, so that several processes share a batch."""


class PrunedError(Exception):
    """A search prunes this run."""


class DivergedError(Exception):
    """The loss or a weight is no longer a finite number."""

    def __init__(self, reason: str, rate: float) -> None:
        super().__init__(f"{reason}; a learning rate below {rate:g} may help")


def fit(
    run: Run,
    faces: Faces,
    on_step: OnStep,
    should_prune: ShouldPrune | None = None,
    share_gradients: ShareGradients | None = None,
) -> Status:
    """Train a run to its end, from its last checkpoint if it has one.

    Leaves weights, history and the predictions of train and validation in the run's folder. A loss that is not finite
    ends the run as failed, `should_prune` ends it as pruned, each with the reason in its status.

    Args:
        run: what to train.
        faces: those that the run was created for.
        on_step: called after every step.
        should_prune: called after each epoch, and first for the epochs that a resumed run has already done.
        share_gradients: shares a batch with other processes; see parallel.py.

    Raises:
        KeyboardInterrupt: stopped by the user; the same call resumes after the last epoch.
    """
    remove_temporary(run.folder)
    net, recipe = run.net, run.recipe
    trainer = _trainer(run, faces)
    if share_gradients:
        trainer.gradients = share_gradients(trainer.gradients, trainer.model)
    status = Status(
        "running",
        precision=trainer.precision,
        parameters=parameters(net, faces.size, len(faces.classes)),
        trainable=trainable(net, faces.size, len(faces.classes)),
    )
    run.write_status(status)
    try:
        trainer.teachers = [_teacher(run, name, faces) for name in recipe.teachers]
        state = _train(run, trainer, faces, on_step, should_prune or _never)
    except (DivergedError, PrerequisiteError) as error:
        status = replace(status, state="failed", reason=str(error), seconds=_seconds(run))
    except PrunedError as error:
        status = replace(status, state="pruned", reason=str(error), seconds=_seconds(run))
    except KeyboardInterrupt:
        run.write_status(replace(status, state="stopped", seconds=_seconds(run)))
        raise
    else:
        selected = state.best_epoch if recipe.keep == "best" else state.epoch
        status = replace(status, state="finished", seconds=state.seconds, selected_epoch=selected)
        for split in ("train", "validation"):
            run.write_predictions(split, _predict(trainer, faces, split))
    finally:
        trainer.close()
    run.write_status(status)
    (run.folder / "checkpoint.safetensors").unlink(missing_ok=True)
    return status


def _train(run: Run, trainer: Trainer, faces: Faces, on_step: OnStep, should_prune: ShouldPrune) -> TrainingState:
    """Train the epochs that are missing; leaves the weights that the recipe keeps in the model and in their file."""
    recipe, model, seed = trainer.recipe, trainer.model, run.seed
    train, validation = faces.split("train"), faces.split("validation")
    started = time.perf_counter()
    inputs, validation_inputs = trainer.inputs(train), trainer.inputs(validation)
    targets, steps = targets_of(train, recipe), -(-len(train) // recipe.batch)
    state, best = _resume(run, trainer, faces)
    state = replace(state, seconds=state.seconds + time.perf_counter() - started)
    for record in run.history():
        _prune_if(should_prune(record))

    while state.epoch < recipe.epochs and not (recipe.patience and state.epoch - state.best_epoch >= recipe.patience):
        epoch, started = state.epoch + 1, time.perf_counter()
        losses, correct = [], 0
        for step, rows in enumerate(_batches(train, recipe, seed, epoch), start=1):
            number = (epoch - 1) * steps + step
            taken = trainer.step(inputs[rows], targets[rows], number, rate_at(recipe, number, steps * recipe.epochs))
            if not isfinite(taken.loss):
                raise DivergedError(f"the loss became {taken.loss} in epoch {epoch}, step {step}", recipe.rate)
            losses.append(taken.loss)
            correct += taken.correct
            speed = min(step * recipe.batch, len(train)) / (time.perf_counter() - started)
            on_step(Progress(run, epoch, recipe.epochs, step, steps, sum(losses) / step, speed))
        seconds = time.perf_counter() - started

        validation_loss, validation_accuracy = _evaluate(trainer, validation_inputs, validation)
        # Relu on bfloat16 takes a NaN for a negative number, so the loss alone does not show it.
        if not isfinite(validation_loss) or not all(weight.isfinite().all() for weight in model.learnt.parameters()):
            raise DivergedError(f"weights or validation loss are no longer finite after epoch {epoch}", recipe.rate)
        record = Epoch(
            epoch,
            loss=float(np.average(losses, weights=_sizes(len(train), recipe.batch))),
            accuracy=correct / len(train),
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            seconds=seconds,
            faces_per_second=len(train) / seconds,
            steps=tuple(losses),
        )
        state = replace(state, epoch=epoch, seconds=state.seconds + time.perf_counter() - started)
        if record.validation_accuracy > state.best_accuracy:
            state = replace(state, best_epoch=epoch, best_accuracy=record.validation_accuracy)
            best = trainer.export_weights() if recipe.keep == "best" else None
        append_line(run.folder / "history.jsonl", asdict(record))
        path, ema = run.folder / "checkpoint.safetensors", trainer.ema.weights if trainer.ema else None
        save_checkpoint(path, state, model.learnt.state_dict(), trainer.optimizer, best, ema)
        on_step(Progress(run, epoch, recipe.epochs, steps, steps, record.loss, record.faces_per_second, record))
        if epoch < recipe.epochs:
            _prune_if(should_prune(record))

    trainer.finalize(best)
    save_weights(run.folder / "weights.safetensors", model.state_dict())
    return state


def evaluate(run: Run, faces: Faces, split: str) -> Predictions:
    """Predict a split with a finished run; saves the predictions, and the time of the test split's first use."""
    trainer = _trained(run, faces)
    try:
        predictions = _predict(trainer, faces, split)
    finally:
        trainer.close()
    run.write_predictions(split, predictions)
    if split == "test" and not run.status.test_opened:
        run.write_status(replace(run.status, test_opened=now()))
    return predictions


def _resume(run: Run, trainer: Trainer, faces: Faces) -> tuple[TrainingState, Weights | None]:
    """Put the last checkpoint into the trainer, and drop the epochs that the history has beyond it.

    Returns:
        The state, and the best epoch's weights.
    """
    path = run.folder / "checkpoint.safetensors"
    if not path.exists():
        state, best = TrainingState(), None
        if trainer.recipe.init_from:
            initialise(trainer.model, run.folder.parent / trainer.recipe.init_from, faces.classes)
            if trainer.ema:
                trainer.ema.load(trainer.ema.model)
    else:
        state, weights, best, ema = load_checkpoint(path, trainer.optimizer)
        trainer.model.learnt.load_state_dict(weights)
        if trainer.ema:
            trainer.ema.load(ema)
    history = run.folder / "history.jsonl"
    if history.exists():
        write_text(
            history, "".join(f"{line}\n" for line in history.read_text(encoding="utf-8").splitlines()[: state.epoch])
        )
    return state, best


def _trainer(run: Run, faces: Faces, pretrained: bool = True) -> Trainer:
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
    return Trainer(model, recipe, run.seed, scaling, make_loss(recipe, train.labels, len(faces.classes)))


def _trained(run: Run, faces: Faces) -> Trainer:
    """A finished run's trainer, with the weights that the run ended with."""
    trainer = _trainer(run, faces, pretrained=False)
    trainer.model.load_state_dict(load_weights(run.folder / "weights.safetensors"))
    trainer.ema = None  # these weights are the average
    return trainer


def _teacher(run: Run, name: str, faces: Faces) -> Trainer:
    """The trainer of a run's teacher, which lies beside it."""
    teacher = Run(run.folder.parent / name)
    if teacher.status.state != "finished":
        raise PrerequisiteError(f"its teacher {name} is {teacher.status.state}, not finished, in {run.folder.parent}")
    return _trained(teacher, faces)


def _batches(faces: Faces, recipe: Recipe, seed: int, epoch: int) -> Iterator[Tensor]:
    """The rows of each batch of an epoch, in an order that seed and epoch decide; the last batch may be smaller."""
    rng, n = np.random.default_rng((seed, epoch)), len(faces)
    if recipe.sampling == "balanced":
        counts = np.bincount(faces.labels)
        chance = 1 / counts[faces.labels]
        order = torch.from_numpy(rng.choice(n, n, p=chance / chance.sum()))
    else:
        order = torch.from_numpy(rng.permutation(n))
    for first in range(0, n, recipe.batch):
        yield order[first : first + recipe.batch]


def _sizes(faces: int, batch: int) -> list[int]:
    return [min(batch, faces - first) for first in range(0, faces, batch)]


def _images(faces: Faces) -> Tensor:
    """Images uint8 [N, H, W], in memory."""
    return torch.from_numpy(np.array(faces.images))


def _never(record: Epoch) -> str:
    return ""


def _prune_if(reason: str) -> None:
    if reason:
        raise PrunedError(reason)


def _evaluate(trainer: Trainer, inputs: Tensor, faces: Faces) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on faces; inputs: theirs, from `Trainer.inputs`."""
    labels = torch.from_numpy(faces.labels.astype(np.int64))
    probabilities = trainer.probabilities(inputs)
    loss = F.nll_loss(probabilities.clamp(min=1e-30).log(), labels).item()
    return loss, (probabilities.argmax(1) == labels).double().mean().item()


def _predict(trainer: Trainer, faces: Faces, split: str) -> Predictions:
    part = faces.split(split)
    return Predictions(trainer.probabilities(trainer.inputs(part)).numpy(), np.array(part.labels))


def _seconds(run: Run) -> float:
    return sum(epoch.seconds for epoch in run.history())
