"""The loop: a run's training from its first epoch to its predictions, read top to bottom."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from mien.disk import append_line, remove_temporary, write_text
from mien.faces import Faces
from mien.nets import Model, parameters, trainable
from mien.runs.recipe import Recipe
from mien.runs.run import Epoch, Run, Status
from mien.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint, save_weights
from mien.training.device import (
    OutOfMemoryError,
    choose_device,
    describe,
    read_together,
    reported_memory,
    steps_between_reads,
)
from mien.training.ema import Weights
from mien.training.evaluate import loss_and_accuracy, predict, teacher_of, trainer_of
from mien.training.gradients import Gradients
from mien.training.initialise import PrerequisiteError, initialise
from mien.training.losses import targets_of
from mien.training.optimizer import rate_at
from mien.training.trainer import Step, Trainer

STATISTICS = 512
"""Faces of train by which a published network's folded batch normalisation gets its statistics."""


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

    @property
    def seconds_left(self) -> float:
        """Seconds that the run still trains at its present speed, without validation."""
        faces = sum(self.run.config.faces.counts["train"].values())
        steps = self.steps * self.epochs - self.steps_done
        return steps * min(self.run.recipe.batch, faces) / max(self.faces_per_second, 1e-9)

    @property
    def steps_done(self) -> int:
        """Steps of all epochs so far."""
        return (self.epoch - 1) * self.steps + self.step


OnStep = Callable[[Progress], None]
"""Called after every step of the optimiser, on a GPU after every few, and once more with an epoch's record."""

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

    Leaves weights, history and the predictions of train and validation in the run's folder. A loss that is not finite,
    or a device without the memory, ends the run as failed, `should_prune` ends it as pruned, each with the reason in
    its status.

    >>> from pathlib import Path
    >>> from mien.nets.net import Net
    >>> from mien.runs.recipe import Recipe
    >>> from mien.runs.run import Run
    >>> from mien.training.loop import fit
    >>> new = Run.create(Path("runs"), Net("linear", ("flatten", "classes")), Recipe(epochs=1), 0, faces)
    >>> fit(new, faces, on_step=lambda progress: None).state
    'finished'

    Args:
        run: what to train.
        faces: those that the run was created for.
        on_step: called after every step.
        should_prune: called after each epoch, and first for the epochs that a resumed run has already done.
        share_gradients: shares a batch with other processes; see parallel.py.

    Raises:
        KeyboardInterrupt: stopped by the user; the same call resumes after the last epoch.
        UserError: the recipe's device is not here, or does not compute in its precision.
    """
    remove_temporary(run.folder)
    net, recipe = run.net, run.recipe
    device = choose_device(recipe.device)
    with reported_memory(device, recipe.batch):
        trainer = trainer_of(run, faces, device)
    if share_gradients:
        trainer.gradients = share_gradients(trainer.gradients, trainer.model)
    status = Status(
        "running",
        devices=_devices(run, describe(device)),
        precision=trainer.precision,
        parameters=parameters(net, faces.size, len(faces.classes)),
        trainable=trainable(net, faces.size, len(faces.classes)),
    )
    run.write_status(status)
    try:
        with reported_memory(device, recipe.batch):
            trainer.teachers = [teacher_of(run, name, faces, device) for name in recipe.teachers]
            state = _train(run, trainer, faces, on_step, should_prune or _never)
            predictions = {split: predict(trainer, faces, split) for split in ("train", "validation")}
    except (DivergedError, PrerequisiteError, OutOfMemoryError) as error:
        status = replace(status, state="failed", reason=str(error), seconds=_seconds(run))
    except PrunedError as error:
        status = replace(status, state="pruned", reason=str(error), seconds=_seconds(run))
    except KeyboardInterrupt:
        run.write_status(replace(status, state="stopped", seconds=_seconds(run)))
        raise
    else:
        selected = state.best_epoch if recipe.keep == "best" else state.epoch
        status = replace(status, state="finished", seconds=state.seconds, selected_epoch=selected)
        for split, predicted in predictions.items():
            run.write_predictions(split, predicted)
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
    targets, steps = targets_of(train, recipe).to(trainer.device), -(-len(train) // recipe.batch)
    state, best = _resume(run, trainer, faces, inputs)
    read_every = steps_between_reads(trainer.device)
    state = replace(state, seconds=state.seconds + time.perf_counter() - started)
    for record in run.history():
        _prune_if(should_prune(record))

    while state.epoch < recipe.epochs and not (recipe.patience and state.epoch - state.best_epoch >= recipe.patience):
        epoch, started = state.epoch + 1, time.perf_counter()
        losses, correct, unread = list[float](), 0, list[Step]()
        for step, rows in enumerate(_batches(train, recipe, seed, epoch, trainer.device), start=1):
            number = (epoch - 1) * steps + step
            rate = rate_at(recipe, number, steps * recipe.epochs)
            unread.append(trainer.step(inputs[rows], targets[rows], number, rate))
            if len(unread) < read_every and step < steps:
                continue
            losses += read_together([one.loss for one in unread])
            correct += round(sum(read_together([one.correct for one in unread])))
            unread.clear()
            if (wrong := next((at for at, loss in enumerate(losses) if not isfinite(loss)), None)) is not None:
                reason = f"the loss became {losses[wrong]} in epoch {epoch}, step {wrong + 1}"
                raise DivergedError(reason, recipe.rate)
            speed = min(step * recipe.batch, len(train)) / (time.perf_counter() - started)
            on_step(Progress(run, epoch, recipe.epochs, step, steps, sum(losses) / step, speed))
        seconds = time.perf_counter() - started

        validation_loss, validation_accuracy = loss_and_accuracy(trainer, validation_inputs, validation)
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
        save_checkpoint(path, state, model.learnt.state_dict(), trainer.optimizer, best, ema, trainer.scaler)
        on_step(Progress(run, epoch, recipe.epochs, steps, steps, record.loss, record.faces_per_second, record))
        if epoch < recipe.epochs:
            _prune_if(should_prune(record))

    trainer.finalize(best)
    save_weights(run.folder / "weights.safetensors", model.state_dict())
    return state


def _resume(run: Run, trainer: Trainer, faces: Faces, train: Tensor) -> tuple[TrainingState, Weights | None]:
    """Put the last checkpoint into the trainer, and drop the epochs that the history has beyond it.

    Args:
        run: that is trained.
        trainer: which trains it.
        faces: of all splits.
        train: the trainer's inputs of the train split, which give a new run its first statistics.

    Returns:
        The state, and the best epoch's weights.
    """
    path = run.folder / "checkpoint.safetensors"
    if not path.exists():
        state, best = TrainingState(), None
        if trainer.recipe.init_from:
            initialise(trainer.model, run.folder.parent / trainer.recipe.init_from, faces.classes)
        else:
            trainer.fit_normalisation(train[:STATISTICS])
        if trainer.ema:
            trainer.ema.load(trainer.ema.model)
    else:
        state, weights, best, ema = load_checkpoint(path, trainer.optimizer, trainer.scaler)
        trainer.model.learnt.load_state_dict(weights)
        if trainer.ema:
            trainer.ema.load(ema)
    history = run.folder / "history.jsonl"
    if history.exists():
        write_text(
            history, "".join(f"{line}\n" for line in history.read_text(encoding="utf-8").splitlines()[: state.epoch])
        )
    return state, best


def _batches(faces: Faces, recipe: Recipe, seed: int, epoch: int, device: torch.device) -> Iterator[Tensor]:
    """The rows of each batch of an epoch, in an order that seed and epoch decide; the last batch may be smaller.

    int64 on the device, the same on all.
    """
    rng, n = np.random.default_rng((seed, epoch)), len(faces)
    if recipe.sampling == "balanced":
        counts = np.bincount(faces.labels)
        chance = 1 / counts[faces.labels]
        order = torch.from_numpy(rng.choice(n, n, p=chance / chance.sum()))
    else:
        order = torch.from_numpy(rng.permutation(n))
    order = order.to(device)
    for first in range(0, n, recipe.batch):
        yield order[first : first + recipe.batch]


def _sizes(faces: int, batch: int) -> list[int]:
    return [min(batch, faces - first) for first in range(0, faces, batch)]


def _never(record: Epoch) -> str:
    return ""


def _prune_if(reason: str) -> None:
    if reason:
        raise PrunedError(reason)


def _devices(run: Run, device: str) -> tuple[str, ...]:
    """The devices of a run in the order of its epochs, this one last; one that went on elsewhere has several."""
    before = run.status.devices if (run.folder / "checkpoint.safetensors").exists() else ()
    return before if before[-1:] == (device,) else (*before, device)


def _seconds(run: Run) -> float:
    return sum(epoch.seconds for epoch in run.history())
