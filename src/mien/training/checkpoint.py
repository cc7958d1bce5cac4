"""Checkpoint: all that a run needs to go on as if it had never stopped, in one safetensors file.

Nothing random is kept: the order of the data and the dropout follow from the seed and the epoch.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from mien.disk import whole_file
from mien.errors import UserError
from mien.training.ema import Weights


@dataclass(frozen=True)
class Mark:
    """Where a run stands.

    Attributes:
        epoch: the last that is done, 0 before the first.
        seconds: the run has taken so far, validation included.
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
    mark: Mark,
    weights: Weights,
    optimizer: torch.optim.Optimizer,
    best: Weights | None,
    average: Weights | None,
) -> None:
    """Write a checkpoint, atomically: the model's weights, the optimiser's state, the best epoch's and the average."""
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in (best or {}).items()}
    tensors |= {f"average.{name}": tensor for name, tensor in (average or {}).items()}
    for at, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{at}.{name}": tensor for name, tensor in state.items() if tensor is not None}
    _write(path, tensors, {"mark": json.dumps(asdict(mark))})


def load_checkpoint(path: Path, optimizer: torch.optim.Optimizer) -> tuple[Mark, Weights, Weights | None, Weights]:
    """Read a checkpoint: sets the optimiser's state; gives the mark, the model's weights, the best's, the average."""
    tensors, facts = _read(path)
    groups: dict[str, Weights] = {"model": {}, "best": {}, "average": {}}
    state: dict[int, Weights] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for name, tensor in tensors.items():
        group, rest = name.split(".", 1)
        if group == "optimizer":
            at, key = rest.split(".", 1)
            state.setdefault(int(at), {})[key] = _laid_out_like(parameters[int(at)], tensor)
        else:
            groups[group][rest] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    return Mark(**json.loads(facts["mark"])), groups["model"], groups["best"] or None, groups["average"]


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """The fused optimisers walk a weight and its state in the order of memory: both must be laid out alike."""
    return torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor


def _write(path: Path, tensors: Weights, facts: dict[str, str]) -> None:
    content = save({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, facts)
    with whole_file(path) as draft:
        draft.write_bytes(content)


def _read(path: Path) -> tuple[Weights, dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: is not there; run the study again to train this run anew") from None
    except Exception as error:  # safetensors' own exception has no public name
        raise UserError(f"{path}: damaged ({error}); remove its folder and run the study again") from None
