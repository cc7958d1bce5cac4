"""Run: one net x recipe x seed on one set of faces, as a folder that holds all that is needed to evaluate it.

run.json                           its configuration: net, its backbone's facts, recipe, seed, the faces' fingerprint,
                                   versions, machine
state.json                         how it stands: running, stopped, finished, or pruned or failed (with the reason)
history.jsonl                      a line an epoch
scaling.safetensors                what the recipe's scaling took from train, if it takes anything
checkpoint.safetensors             after each epoch, until the run is finished
weights.safetensors                the result
train.npz validation.npz test.npz  probabilities and labels of each split that was evaluated

A file is read again only after it has changed. A damaged file is a UserError that names it.
"""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from mien.disk import read_json, read_lines, write_json
from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net
from mien.process import is_running
from mien.runs.config import CONFIG, BackboneRecord, FacesRecord, RunConfig, read_config, write_config
from mien.runs.environment import machine, now, versions
from mien.runs.files import DamagedError, Stamp, cached_by_stamp, reported_damage, retrain, stamp
from mien.runs.former_names import FORMER_NAMES
from mien.runs.predictions import Predictions, read_predictions, write_predictions
from mien.runs.recipe import Recipe

State = Literal["planned", "running", "stopped", "pruned", "finished", "failed"]

STATE, HISTORY = "state.json", "history.jsonl"


@dataclass(frozen=True)
class Epoch:
    """One line of a run's history.

    Attributes:
        epoch: 1 for the first.
        loss: mean cross-entropy plus penalties over the epoch's faces, as they were trained on.
        accuracy: share of them predicted correctly, 0..1, each by the weights of its moment (dropout on), as Keras
            reports.
        validation_loss: mean cross-entropy of the validation split after the epoch.
        validation_accuracy: 0..1.
        seconds: of training alone, without validation.
        faces_per_second: trained in these seconds.
        steps: loss of each optimiser step (cross-entropy plus penalties).
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    faces_per_second: float
    steps: tuple[float, ...]


@dataclass(frozen=True)
class Status:
    """How a run stands.

    Attributes:
        state: planned, running, stopped (by Ctrl-C or a kill), finished, pruned (by a search) or failed.
        reason: why it was pruned or failed; "" otherwise.
        seconds: training time, validation included; of one that is not finished, that of its epochs without validation.
        selected_epoch: the epoch whose weights are the result; 0 until finished.
        precision: bfloat16, float16 or float32, as it was trained; "" until started.
        parameters, trainable: of the net.
        test_opened: when the test split was first evaluated (ISO time, UTC); "" if never.
        devices: what it was trained on, in the order of its epochs, as "cpu" or "cuda:0 NVIDIA H200"; () until started.
    """

    state: State = "planned"
    reason: str = ""
    seconds: float = 0.0
    selected_epoch: int = 0
    precision: str = ""
    parameters: int = 0
    trainable: int = 0
    test_opened: str = ""
    devices: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run is left as it is when its study is run again."""
        return self.state in ("finished", "pruned", "failed")


@dataclass(frozen=True)
class _Writer:
    """The process that wrote a state.json, and its machine's name ("" in old files: this machine)."""

    pid: Annotated[int, Field(ge=0, lt=2**31)]
    host: str = ""


_EPOCH, _STATUS, _WRITER = TypeAdapter(Epoch), TypeAdapter(Status), TypeAdapter(_Writer)


class Run:
    """One training and its folder. Open an existing one, or `create` it from its configuration.

    Instances may be shared by threads; several processes may read a run while one trains it.

    >>> from mien.runs.run import Run
    >>> run = Run.open(results.folder / "runs" / run.id)
    >>> run.net.name, run.seed, run.status.state, [epoch.epoch for epoch in run.history()]
    ('cnn', 0, 'finished', [1])
    >>> run.predictions("validation").probabilities.shape
    (20, 7)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, runs: Path, net: Net, recipe: Recipe, seed: int, faces: Faces) -> "Run":
        """Take the run's folder in `runs`, made if it is not there; the same configuration always has the same folder.

        Raises:
            UserError: it began on other weights of its backbone than those that are here now.
        """
        run = cls(runs / f"{net.name}-{run_id(net, recipe, seed, faces.fingerprint)}")
        backbone = BackboneRecord(**facts.to_dict()) if (facts := net.backbone) else None
        if not (run.folder / CONFIG).exists():
            record = FacesRecord.of(faces)
            run.write_config(RunConfig(net, backbone, recipe, seed, record, versions(), machine(), now()))
        elif not run.status.ended:
            if backbone:
                run._check_weights(backbone)
            if run.recipe.device != recipe.device:  # it goes on there
                run.write_config(replace(run.config, recipe=recipe))
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a run's folder.

        Raises:
            UserError: it is no run's folder, or its run.json is damaged or of another format.
        """
        run = cls(folder)
        run.config  # noqa: B018 - reading it is the check
        return run

    def _check_weights(self, backbone: BackboneRecord) -> None:
        """A run goes on from the backbone's weights that it began with."""
        began = (self.config.backbone or backbone).sha256
        if began != backbone.sha256:
            raise UserError(
                f"{self.folder}: began on weights of {backbone.name} whose SHA-256 is {began}; those here have "
                f"{backbone.sha256}; bring the former back, or remove the folder"
            )

    @property
    def config(self) -> RunConfig:
        """Its configuration, from run.json.

        Raises:
            UserError: the folder has no run.json, or it is damaged or of another format.
        """
        config = read_config(self.folder / CONFIG)
        if config is None:
            raise UserError(f"{self.folder}: not a run's folder, it has no {CONFIG}")
        return config

    def write_config(self, config: RunConfig) -> None:
        """Write run.json."""
        write_config(self.folder, config)

    @property
    def id(self) -> str:
        """The folder's name: the net's name and a hash of the configuration."""
        return self.folder.name

    @property
    def net(self) -> Net:
        """The net."""
        return self.config.net

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""
        return self.config.recipe

    @property
    def seed(self) -> int:
        """The seed of weights, data order and dropout."""
        return self.config.seed

    @property
    def status(self) -> Status:
        """How the run stands on disk now.

        One that is "running" in the file of a dead process counts as stopped; of another machine's process, met on
        shared storage, its file is believed.

        Raises:
            UserError: state.json is damaged.
        """
        record = _read_status(self.folder / STATE)
        if record is None:
            return Status()
        status, writer = record
        here = (writer.host or platform.node()) == platform.node()
        dead = status.state == "running" and here and not is_running(writer.pid)
        return replace(status, state="stopped") if dead else status

    def write_status(self, status: Status) -> None:
        """Record how the run stands."""
        write_json(self.folder / STATE, asdict(status) | {"pid": os.getpid(), "host": platform.node()})

    def history(self) -> list[Epoch]:
        """The epochs done so far, in their order; a torn last line is left out.

        Raises:
            UserError: history.jsonl is damaged.
        """
        return list(read_history(self.folder / HISTORY) or ())

    def predictions(self, split: str) -> Predictions | None:
        """What the finished run predicts for a split; None if it was not evaluated on it.

        Raises:
            UserError: the file is damaged.
        """
        path = self.folder / f"{split}.npz"
        predictions, classes = read_predictions(path), len(self.config.faces.classes)
        if predictions and predictions.probabilities.shape[1] != classes:
            columns = predictions.probabilities.shape[1]
            raise DamagedError(f"{path}: damaged: {columns} columns for {classes} classes; {retrain(self.folder)}")
        return predictions

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Write what the run predicts for a split."""
        write_predictions(self.folder / f"{split}.npz", predictions)

    def stamps(self) -> tuple[Stamp | None, ...]:
        """The stamps of the files that say how the run stands; another tuple when one of them has changed."""
        return tuple(stamp(self.folder / name) for name in (CONFIG, STATE, HISTORY, "validation.npz", "test.npz"))


def run_id(net: Net, recipe: Recipe, seed: int, fingerprint: str) -> str:
    """Ten hex digits that stand for net, recipe, seed and faces.

    The net's name is no part of it, nor are entries of the recipe that have their default: those that a later version
    adds leave a run what it was. A run that it starts from counts by its own ten digits, wherever it lies.
    """
    former = {now: before for before, now in FORMER_NAMES.items()}  # so a run has the id that it always had
    changes = {former.get(name, name): value for name, value in recipe.changes().items()}
    if recipe.init_from:
        changes["start"] = Path(recipe.init_from).name.rpartition("-")[2]
    configuration = {"net": net.to_dict() | {"name": ""}, "recipe": changes, "seed": seed, "faces": fingerprint}
    return sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:10]


@cached_by_stamp(8192)
def _read_status(path: Path) -> tuple[Status, _Writer]:
    with reported_damage(path, retrain(path.parent)):
        record: Any = read_json(path)
        if isinstance(record, Mapping) and "kept_epoch" in record:  # its name before version 0.1.0
            record = {**record, "selected_epoch": record["kept_epoch"]}
        return _STATUS.validate_python(record), _WRITER.validate_python(record)


@cached_by_stamp(1024)
def read_history(path: Path) -> tuple[Epoch, ...]:
    """Read a history.jsonl; a torn last line is left out.

    Raises:
        UserError: it is damaged.
    """
    with reported_damage(path, retrain(path.parent)):
        return tuple(_EPOCH.validate_python(line) for line in read_lines(path))
