"""Run: one net x recipe x seed on one set of faces, as a folder that holds all that is needed to judge it.

run.json                           what was asked: net, its backbone's facts, recipe, seed, the faces' fingerprint,
                                   versions, machine
state.json                         how it stands: running, stopped, finished, or pruned or failed (with the reason)
history.jsonl                      a line an epoch
scaling.safetensors                what the recipe's scaling took from train, if it takes anything
checkpoint.safetensors             after each epoch, until the run is finished
weights.safetensors                the result
train.npz validation.npz test.npz  probabilities and labels of each split that was evaluated
"""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien import __version__
from mien.disk import read_json, read_lines, whole_file, write_json
from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net
from mien.process import is_running
from mien.runs.former_names import FORMER_NAMES, current_names
from mien.runs.recipe import Recipe

State = Literal["planned", "running", "stopped", "pruned", "finished", "failed"]


@dataclass(frozen=True)
class Epoch:
    """One line of a run's history.

    Attributes:
        epoch: 1 for the first.
        loss: mean cross-entropy plus penalties over the epoch's faces, as they were trained on.
        accuracy: share of them right, 0..1, each judged by the weights of its moment (dropout on), as Keras reports.
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
        kept_epoch: the epoch whose weights are the result; 0 until finished.
        precision: bfloat16 or float32, as it was trained; "" until started.
        parameters, trainable: of the net.
        test_opened: when the test split was first evaluated (ISO time, UTC); "" if never.
    """

    state: State = "planned"
    reason: str = ""
    seconds: float = 0.0
    kept_epoch: int = 0
    precision: str = ""
    parameters: int = 0
    trainable: int = 0
    test_opened: str = ""

    @property
    def ended(self) -> bool:
        """Whether the run is left as it is when its study is run again."""
        return self.state in ("finished", "pruned", "failed")


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run says of one split.

    Attributes:
        probabilities: float32 [N, K], rows sum to 1.
        labels: uint8 [N], the truth.
    """

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @cached_property
    def predicted(self) -> NDArray[np.intp]:
        """The most probable class of each face, [N]."""
        predicted: NDArray[np.intp] = np.argmax(self.probabilities, axis=1)
        return predicted

    @property
    def accuracy(self) -> float:
        """Share of faces predicted right, 0..1."""
        return float(np.mean(self.predicted == self.labels))


class Run:
    """One training and its folder. Open an existing one, or `create` it from what is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, runs: Path, net: Net, recipe: Recipe, seed: int, faces: Faces) -> "Run":
        """Take the run's folder in `runs`, made if it is not there; the same question always has the same folder.

        Raises:
            UserError: it began on other weights of its backbone than those that are here now.
        """
        run = cls(runs / f"{net.name}-{run_id(net, recipe, seed, faces.fingerprint)}")
        backbone = facts.told() if (facts := net.backbone) else None
        if not (run.folder / "run.json").exists():
            asked = {
                "format": 1,
                "net": net.to_dict(),
                "backbone": backbone,
                "recipe": recipe.model_dump(),
                "seed": seed,
                "faces": {
                    "name": faces.name,
                    "fingerprint": faces.fingerprint,
                    "size": faces.size,
                    "classes": list(faces.classes),
                    "counts": faces.counts(),
                    "left_out": faces.left_out,
                },
                "versions": versions(),
                "machine": machine(),
                "created": now(),
            }
            write_json(run.folder / "run.json", asked)
        elif backbone and not run.status.ended:
            run._check_weights(backbone)
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a run's folder; a folder that is none is a UserError."""
        run = cls(folder)
        try:
            found = run.asked["format"]
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(f"{folder}: not a run's folder, it has no run.json") from None
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{folder / 'run.json'}: damaged; remove the folder and run the study again") from None
        if found != 1:
            raise UserError(f"{folder}: written in format {found}, this is mien {__version__} and reads format 1")
        return run

    def _check_weights(self, backbone: dict[str, Any]) -> None:
        """A run goes on from the backbone's weights that it began with."""
        began = (self.asked.get("backbone") or backbone)["sha256"]
        if began != backbone["sha256"]:
            raise UserError(
                f"{self.folder}: began on weights of {backbone['name']} whose SHA-256 is {began}; those here have "
                f"{backbone['sha256']}; bring the former back, or remove the folder"
            )

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The content of run.json."""
        asked: dict[str, Any] = read_json(self.folder / "run.json")
        return asked

    @property
    def id(self) -> str:
        """The folder's name: the net's name and a hash of everything asked."""
        return self.folder.name

    @property
    def net(self) -> Net:
        """The net, as asked."""
        return Net.from_dict(self.asked["net"])

    @property
    def recipe(self) -> Recipe:
        """The recipe, as asked."""
        return Recipe(**current_names(self.asked["recipe"]))

    @property
    def seed(self) -> int:
        """The seed of weights, data order and dropout."""
        return int(self.asked["seed"])

    @property
    def status(self) -> Status:
        """How the run stands on disk now.

        One that is "running" in the file of a dead process counts as stopped; of another machine's process, met on
        shared storage, its file is believed.
        """
        path = self.folder / "state.json"
        if not path.exists():
            return Status()
        found = read_json(path)
        pid, host = found.pop("pid"), found.pop("host", platform.node())
        if found["state"] == "running" and host == platform.node() and not is_running(pid):
            found["state"] = "stopped"
        return Status(**found)

    def write_status(self, status: Status) -> None:
        """Record how the run stands."""
        write_json(self.folder / "state.json", asdict(status) | {"pid": os.getpid(), "host": platform.node()})

    def history(self) -> list[Epoch]:
        """The epochs done so far, in their order."""
        return [Epoch(**{**line, "steps": tuple(line["steps"])}) for line in read_lines(self.folder / "history.jsonl")]

    def predictions(self, split: str) -> Predictions | None:
        """What the finished run said of a split; None if it was not evaluated on it."""
        path = self.folder / f"{split}.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            return Predictions(arrays["probabilities"], arrays["labels"])

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Keep what the run says of a split."""
        with whole_file(self.folder / f"{split}.npz") as draft, draft.open("wb") as file:
            np.savez(file, probabilities=predictions.probabilities, labels=predictions.labels)


def run_id(net: Net, recipe: Recipe, seed: int, fingerprint: str) -> str:
    """Ten hex digits that stand for net, recipe, seed and faces.

    The net's name is no part of the question, nor are entries of the recipe that have their default: those that a later
    version adds leave a run what it was. A run that it starts from counts by its own ten digits, wherever it lies.
    """
    former = {now: before for before, now in FORMER_NAMES.items()}  # so a run keeps the id that it had
    changes = {former.get(name, name): value for name, value in recipe.changes().items()}
    if recipe.init_from:
        changes["start"] = Path(recipe.init_from).name.rpartition("-")[2]
    question = {"net": net.to_dict() | {"name": ""}, "recipe": changes, "seed": seed, "faces": fingerprint}
    return sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:10]


def versions() -> dict[str, str]:
    """Of what a run's numbers depend on."""
    import torch

    return {
        "mien": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def machine() -> dict[str, str | int]:
    """The machine a run was made on: system, processor, cores."""
    return {"system": platform.platform(), "processor": processor(), "cores": os.cpu_count() or 1}


def processor() -> str:
    """The processor's name, with the matrix instructions that matter for speed."""
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
