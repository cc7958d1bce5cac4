"""Runs as their folders tell them, read without torch: `mien.runs.run` writes them and says what each file is."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mien.disk import read_json, read_lines
from mien.process import is_running

Stamp = tuple[int, int]
"""When a file was last written (ns), and its bytes: another stamp, another content."""

FILES = ("run.json", "state.json", "history.jsonl", "validation.npz", "test.npz")
"""What tells how a run stands."""


@dataclass(frozen=True)
class Curves:
    """A run's history as columns, a value an epoch; None where it is no finite number.

    Attributes:
        loss, accuracy: on the faces it is trained on, as they were trained on.
        validation_loss, validation_accuracy: after the epoch.
    """

    loss: list[float | None]
    accuracy: list[float | None]
    validation_loss: list[float | None]
    validation_accuracy: list[float | None]


@dataclass(frozen=True)
class RunFacts:
    """How a run stands.

    Attributes:
        study: the study that it belongs to.
        run: its id: the net's name and a hash of everything asked.
        net: the net's name.
        values: hyper-parameters that the net's layers were bound to.
        seed: of weights, data order and dropout.
        state: planned, running, stopped, pruned, finished, failed; or damaged, where its files cannot be read.
        reason: why it was pruned, failed or is damaged; "" otherwise.
        epochs, epochs_asked: done, and how many it is to be.
        kept_epoch: the epoch whose weights are the result; 0 until finished.
        validation_accuracy: of the result; before that, of the last epoch. 0..1.
        seconds: of training.
        parameters: of the net; 0 until started.
        faces: the fingerprint of those it is trained on.
        created: when it was asked for (ISO time, UTC).
        test_opened: when it was judged on the test split; "" if never.
        curves: epoch by epoch.
    """

    study: str
    run: str
    net: str
    values: dict[str, Any]
    seed: int
    state: str
    reason: str
    epochs: int
    epochs_asked: int
    kept_epoch: int
    validation_accuracy: float | None
    seconds: float
    parameters: int
    faces: str
    created: str
    test_opened: str
    curves: Curves


@dataclass(frozen=True, eq=False)
class Said:
    """What a run says of a split: probabilities float32 [N, K], rows sum to 1, and the true labels uint8 [N]."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the most probable class is the label: bool [N]."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)


class RunFolder:
    """A run's folder, read again only where a file has changed.

    Args:
        path: the folder.
        study: the name of the study that it belongs to.
    """

    def __init__(self, path: Path, study: str) -> None:
        self.path = path
        self.study = study

    @property
    def asked(self) -> dict[str, Any]:
        """The content of run.json."""
        asked: dict[str, Any] = content(self.path / "run.json")
        return asked

    def stamps(self) -> tuple[Stamp | str | None, ...]:
        """What changes whenever the run's facts do: the stamps of its files, and its state, which a kill changes."""
        return (*(stamp(self.path / name) for name in FILES), self._state())

    def facts(self) -> RunFacts:
        """How the run stands; one that cannot be read is damaged."""
        try:
            return self._facts()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"its files cannot be read: {error!r}"
            nothing = Curves([], [], [], [])
            name = self.path.name
            return RunFacts(
                self.study, name, name, {}, 0, "damaged", reason, 0, 0, 0, None, 0.0, 0, "", "", "", nothing
            )

    def said(self, split: str) -> Said | None:
        """What the run says of a split; None if it was not evaluated on it, or the file is damaged."""
        path = self.path / f"{split}.npz"
        found = stamp(path)
        return _said(path, found) if found else None

    def _facts(self) -> RunFacts:
        asked, status = self.asked, content(self.path / "state.json", {})
        curves, said = _curves(self.path / "history.jsonl"), self.said("validation")
        last = curves.validation_accuracy[-1] if curves.validation_accuracy else None
        return RunFacts(
            study=self.study,
            run=self.path.name,
            net=str(asked["net"]["name"]),
            values=dict(asked["net"].get("values", {})),
            seed=int(asked["seed"]),
            state=self._state(),
            reason=str(status.get("reason", "")),
            epochs=len(curves.loss),
            epochs_asked=int(asked["recipe"]["epochs"]),
            kept_epoch=int(status.get("selected_epoch", 0)),
            validation_accuracy=float(said.right.mean()) if said and len(said.labels) else last,
            seconds=float(status.get("seconds", 0.0)),
            parameters=int(status.get("parameters", 0)),
            faces=str(asked["faces"]["fingerprint"]),
            created=str(asked["created"]),
            test_opened=str(status.get("test_opened", "")),
            curves=curves,
        )

    def _state(self) -> str:
        """As `mien.runs.run.Run.status` has it: one that runs in the file of a dead process is stopped."""
        try:
            status = content(self.path / "state.json", {"state": "planned"})
            here = status.get("host", platform.node()) == platform.node()
            dead = status["state"] == "running" and here and not is_running(int(status["pid"]))
            return "stopped" if dead else str(status["state"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "damaged"


def stamp(path: Path) -> Stamp | None:
    """When a file was last written, and its bytes; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def content(path: Path, default: Any = None) -> Any:
    """The content of a JSON file, not to be changed; `default` where there is none."""
    found = stamp(path)
    return default if found is None else _read(path, found)


@lru_cache(maxsize=8192)
def _read(path: Path, written: Stamp) -> Any:
    return read_json(path)


def _curves(path: Path) -> Curves:
    return _read_curves(path, stamp(path))


@lru_cache(maxsize=8192)
def _read_curves(path: Path, written: Stamp | None) -> Curves:
    epochs: Sequence[dict[str, Any]] = read_lines(path)

    def column(name: str) -> list[float | None]:
        values = (float(epoch[name]) for epoch in epochs)
        return [round(value, 5) if isfinite(value) else None for value in values]

    return Curves(*map(column, ("loss", "accuracy", "validation_loss", "validation_accuracy")))


@lru_cache(maxsize=128)
def _said(path: Path, written: Stamp) -> Said | None:
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            said = Said(arrays["probabilities"], arrays["labels"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    fits = said.probabilities.ndim == 2 and said.labels.shape == said.probabilities.shape[:1]
    return said if fits else None
