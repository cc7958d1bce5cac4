"""How a run stands, in one object: for the service, the page and `mien runs`."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Literal

from mien.errors import UserError
from mien.runs.files import cached_by_stamp
from mien.runs.predictions import read_predictions
from mien.runs.run import HISTORY, Run, State, read_history
from mien.runs.search_results import Value


@dataclass(frozen=True)
class Curves:
    """A run's history as columns, a value an epoch; None where it is not a finite number.

    Attributes:
        loss, accuracy: on the faces that it is trained on, while it is trained.
        validation_loss, validation_accuracy: after the epoch.
    """

    loss: tuple[float | None, ...] = ()
    accuracy: tuple[float | None, ...] = ()
    validation_loss: tuple[float | None, ...] = ()
    validation_accuracy: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class RunSummary:
    """How a run stands.

    Attributes:
        study: the study that it belongs to; "" where it stands alone.
        run: its id: the net's name and a hash of the configuration.
        net: the net's name.
        values: what the hyper-parameters of the net are bound to.
        seed: of weights, data order and dropout.
        state: planned, running, stopped, pruned, finished, failed; or damaged, where a file of it cannot be read.
        reason: why it was pruned, failed or is damaged; "" otherwise.
        epochs, epochs_planned: done, and how many it is to be.
        selected_epoch: the epoch whose weights are the result; 0 until finished.
        validation_accuracy: of the result; before that, of the last epoch. 0..1.
        seconds: of training.
        devices: what it was trained on, in the order of its epochs; () until started.
        parameters: of the net; 0 until started.
        faces: the fingerprint of those that it is trained on.
        created: when (ISO time, UTC).
        test_opened: when it was evaluated on the test split; "" if never.
        curves: epoch by epoch.
    """

    study: str
    run: str
    net: str
    values: Mapping[str, Value]
    seed: int
    state: State | Literal["damaged"]
    reason: str = ""
    epochs: int = 0
    epochs_planned: int = 0
    selected_epoch: int = 0
    validation_accuracy: float | None = None
    seconds: float = 0.0
    devices: tuple[str, ...] = ()
    parameters: int = 0
    faces: str = ""
    created: str = ""
    test_opened: str = ""
    curves: Curves = Curves()


def summarise(run: Run, study: str = "") -> RunSummary:
    """Summarise a run. One with a file that cannot be read has the state "damaged", and the reason names the file.

    Args:
        run: whose folder is read now.
        study: the name of the study that it belongs to.
    """
    try:
        return _summary(run, study)
    except UserError as error:
        return RunSummary(study, run.id, run.id, {}, 0, "damaged", str(error))


def _summary(run: Run, study: str) -> RunSummary:
    config, status = run.config, run.status
    curves = _curves(run.folder / HISTORY) or Curves()
    last = curves.validation_accuracy[-1] if curves.validation_accuracy else None
    accuracy = _accuracy(run.folder / "validation.npz")
    return RunSummary(
        study=study,
        run=run.id,
        net=config.net.name,
        values={name: value for name, value in config.net.values.items() if isinstance(value, int | float | str)},
        seed=config.seed,
        state=status.state,
        reason=status.reason,
        epochs=len(curves.loss),
        epochs_planned=config.recipe.epochs,
        selected_epoch=status.selected_epoch,
        validation_accuracy=last if accuracy is None else accuracy,
        seconds=status.seconds,
        devices=status.devices,
        parameters=status.parameters,
        faces=config.faces.fingerprint,
        created=config.created,
        test_opened=status.test_opened,
        curves=curves,
    )


@cached_by_stamp(8192)
def _curves(path: Path) -> Curves:
    epochs = read_history(path) or ()

    def column(name: str) -> tuple[float | None, ...]:
        values = (float(getattr(epoch, name)) for epoch in epochs)
        return tuple(round(value, 5) if isfinite(value) else None for value in values)

    return Curves(*map(column, ("loss", "accuracy", "validation_loss", "validation_accuracy")))


@cached_by_stamp(8192)
def _accuracy(path: Path) -> float | None:
    predictions = read_predictions(path)
    return predictions.accuracy if predictions and len(predictions.labels) else None
