import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn
from windows_stand_in import in_use

from mien.errors import UserError
from mien.training.checkpoint import TrainingState, load_checkpoint, load_weights, save_checkpoint, save_weights

OPTIMIZERS = {
    "adam": lambda model: torch.optim.Adam(model.parameters(), 0.01, fused=True),
    "sgd": lambda model: torch.optim.SGD(model.parameters(), 0.01, fused=True),
    "momentum": lambda model: torch.optim.SGD(model.parameters(), 0.01, 0.9, fused=True),
}
LAYOUTS = {"rows": torch.contiguous_format, "channels last": torch.channels_last}


def make(layout: torch.memory_format) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    return model.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def train(model: nn.Sequential, optimizer: torch.optim.Optimizer, steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(5, 3, 4, 4, generator=generator)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_training_that_is_saved_and_resumed_ends_where_it_would_have(
    tmp_path: Path, optimizer: type, layout: torch.memory_format
) -> None:
    file, state = tmp_path / "checkpoint.safetensors", TrainingState(3, 12.5, 2, 0.625)
    model = make(layout)
    ours = optimizer(model)
    train(model, ours, 3, seed=1)
    save_checkpoint(file, state, model.state_dict(), ours, best=None, ema=None)
    train(model, ours, 3, seed=2)

    again = make(layout)
    theirs = optimizer(again)
    actual, weights, best, ema = load_checkpoint(file, theirs)
    assert (actual, best, ema) == (state, None, {})
    again.load_state_dict(weights)
    train(again, theirs, 3, seed=2)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_nothing_of_a_checkpoint_stays_mapped_when_it_is_read(tmp_path: Path) -> None:
    file, model = tmp_path / "checkpoint.safetensors", make(torch.contiguous_format)
    save_checkpoint(file, TrainingState(1), model.state_dict(), OPTIMIZERS["adam"](model), best=None, ema=None)
    loaded = load_checkpoint(file, OPTIMIZERS["adam"](model))
    assert str(file) not in in_use(), "Windows would not let the next epoch's replace it"
    assert loaded.weights


def test_the_best_epochs_weights_are_saved_beside_the_last(tmp_path: Path) -> None:
    file, model = tmp_path / "checkpoint.safetensors", make(torch.channels_last)
    best = {name: tensor.clone() + 1 for name, tensor in model.state_dict().items()}
    save_checkpoint(file, TrainingState(1), model.state_dict(), OPTIMIZERS["adam"](model), best, ema=None)
    _, last, loaded, _ = load_checkpoint(file, OPTIMIZERS["adam"](model))
    assert loaded is not None
    for name, tensor in model.state_dict().items():
        assert torch.equal(last[name], tensor)
        assert torch.equal(loaded[name], tensor + 1)


def test_a_checkpoint_of_a_former_version_is_read(tmp_path: Path) -> None:
    """It calls the state "mark" and the averaged weights "average"."""
    file, model = tmp_path / "checkpoint.safetensors", make(torch.channels_last)
    tensors = {
        f"{group}.{name}": tensor.detach().contiguous() + shift
        for group, shift in (("model", 0), ("average", 1))
        for name, tensor in model.state_dict().items()
    }
    mark = {"epoch": 3, "seconds": 12.5, "best_epoch": 2, "best_accuracy": 0.625}
    file.write_bytes(save(tensors, {"mark": json.dumps(mark)}))
    state, weights, best, ema = load_checkpoint(file, OPTIMIZERS["sgd"](model))
    assert (state, best) == (TrainingState(3, 12.5, 2, 0.625), None)
    for name, tensor in model.state_dict().items():
        assert torch.equal(weights[name], tensor)
        assert torch.equal(ema[name], tensor + 1)


def test_weights_come_back_with_names_types_and_values(tmp_path: Path) -> None:
    weights = make(torch.channels_last).state_dict() | {"number": torch.tensor(7)}
    save_weights(tmp_path / "weights.safetensors", weights)
    actual = load_weights(tmp_path / "weights.safetensors")
    assert actual.keys() == weights.keys()
    for name, tensor in weights.items():
        assert actual[name].dtype == tensor.dtype
        assert torch.equal(actual[name], tensor)


@pytest.mark.parametrize("keep", [0, 4, 60, -1], ids=["empty", "half a length", "half a header", "a byte short"])
def test_a_truncated_file_is_named(tmp_path: Path, keep: int) -> None:
    file = tmp_path / "weights.safetensors"
    save_weights(file, make(torch.contiguous_format).state_dict())
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"weights\.safetensors: damaged .*run the study again"):
        load_weights(file)


def test_a_file_that_holds_something_else_is_named(tmp_path: Path) -> None:
    file, model = tmp_path / "checkpoint.safetensors", make(torch.contiguous_format)
    file.write_bytes(b"\x80\x04 this is no checkpoint" * 100)
    with pytest.raises(UserError, match=r"checkpoint\.safetensors: damaged"):
        load_checkpoint(file, OPTIMIZERS["adam"](model))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"weights\.safetensors: is not there; run the study again"):
        load_weights(tmp_path / "weights.safetensors")
