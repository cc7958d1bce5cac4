"""Checkpoint: all that a run needs to resume as if it had never stopped, in one safetensors file.

No random state is stored: the order of the data and the dropout follow from the seed and the epoch.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from mien.disk import whole_file
from mien.errors import UserError
from mien.training.ema import Weights

_FORMER_NAMES = {"average": "ema"}
"""Groups of tensors in checkpoints of former versions, which also call their state `mark`."""


@dataclass(frozen=True)
class TrainingState:
    """How far a run has come.

    Attributes:
        epoch: the last that is done, 0 before the first.
        seconds: that the run has taken so far, validation included.
        best_epoch: the epoch with the best validation accuracy, the first among equals; 0 before the first.
        best_accuracy: its validation accuracy, 0..1.
    """

    epoch: int = 0
    seconds: float = 0.0
    best_epoch: int = 0
    best_accuracy: float = -1.0


def save_weights(path: Path, weights: Weights) -> None:
    """Write named tensors, atomically."""
    _write(path, weights, {})


def load_weights(path: Path) -> Weights:
    """Read named tensors; a file that is damaged or gone is a UserError."""
    return _read(path)[0]


def save_checkpoint(
    path: Path,
    state: TrainingState,
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    best: Weights | None,
    ema: Weights | None,
    scaler: torch.amp.GradScaler | None = None,
) -> None:
    """Write a checkpoint, atomically.

    Args:
        path: of the file.
        state: how far the run has come.
        weights: of the model.
        optimizer: whose state is written.
        best: weights of the best epoch so far, where the recipe keeps those.
        ema: averaged weights, where the recipe averages.
        scaler: of the loss, where it is made larger.
    """
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in (best or {}).items()}
    tensors |= {f"ema.{name}": tensor for name, tensor in (ema or {}).items()}
    for at, entries in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{at}.{name}": tensor for name, tensor in entries.items() if tensor is not None}
    metadata = {"state": json.dumps(asdict(state)), "scaler": json.dumps(scaler.state_dict() if scaler else {})}
    _write(path, tensors, metadata)


class Checkpoint(NamedTuple):
    """The content of a checkpoint, but for the optimiser's state; its fields are `save_checkpoint`'s arguments."""

    state: TrainingState
    weights: Weights
    best: Weights | None
    ema: Weights


def load_checkpoint(
    path: Path, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler | None = None
) -> Checkpoint:
    """Read a checkpoint, and set the optimiser's and the scaler's state, on whichever device they are.

    Raises:
        UserError: the file is damaged or gone.
    """
    tensors, metadata = _read(path)
    groups: dict[str, Weights] = {"model": {}, "best": {}, "ema": {}}
    optimizer_state: dict[int, Weights] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name, tensor in tensors.items():
        group, rest = name.split(".", 1)
        group = _FORMER_NAMES.get(group, group)
        if group == "optimizer":
            at, key = rest.split(".", 1)
            optimizer_state.setdefault(int(at), {})[key] = _laid_out_like(parameters[int(at)], tensor)
        else:
            groups[group][rest] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": optimizer_state})
    if scaler and (scaled := json.loads(metadata.get("scaler", "{}"))):
        scaler.load_state_dict(scaled)
    state = TrainingState(**json.loads(metadata["state" if "state" in metadata else "mark"]))
    return Checkpoint(state, groups["model"], groups["best"] or None, groups["ema"])


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """The fused optimisers walk a weight and its state in the order of memory: both must be laid out alike."""
    return torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor


def _write(path: Path, tensors: Weights, metadata: dict[str, str]) -> None:
    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, metadata)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def _read(path: Path) -> tuple[Weights, dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            # Copied: what it gives is the file itself, mapped, which Windows would not let be replaced.
            return {name: file.get_tensor(name).clone() for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: is not there; run the study again to train this run anew") from None
    except Exception as error:  # safetensors' own exception has no public name
        raise UserError(f"{path}: damaged ({error}); remove its folder and run the study again") from None
