"""Devices. No GPU is needed: what a GPU does is tried on the processor, through the same code, and on torch's meta."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from trained import Start, silent

from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.training import device as device_module
from mien.training.device import (
    best_precision,
    choose_device,
    describe,
    devices,
    named_device,
    present_device,
    read_together,
    reported_memory,
)
from mien.training.gradients import BatchResult, Whole
from mien.training.graphed import WARM_UP, Graphed
from mien.training.loop import fit
from mien.training.losses import make_loss
from mien.training.trainer import Trainer

CPU, META = torch.device("cpu"), torch.device("meta")
NET = Net(
    "net",
    ("conv(4, l2=0.01)", "batch_norm", "relu", "residual(6, stride=2)", "dropout(0.2)", "global_average", "classes"),
)
RECIPE = {
    "augment": ["flip", "rotate(10)", "blur(1)", "erase", "cutmix"],
    "label_smoothing": 0.1,
    "focal_gamma": 1.0,
    "class_weights": "balanced",
    "scaling": "standardised",
    "ema_decay": 0.9,
    "batch": 32,
}


class NeverWaits(TorchDispatchMode):
    """Refuses what makes the processor wait for a GPU: reading a number, and results whose size depends on numbers."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "unique", "bincount")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert not name.startswith(self.WAITING), f"{name} waits for the device"
        return func(*args, **(kwargs or {}))


@contextmanager
def gpus(monkeypatch: pytest.MonkeyPatch, count: int, bfloat16: bool = True) -> Iterator[None]:
    """Let torch say that it has so many CUDA GPUs."""
    cuda = torch.cuda
    monkeypatch.setattr(cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(cuda, "device_count", lambda: count)
    monkeypatch.setattr(cuda, "set_device", lambda index: None)
    monkeypatch.setattr(cuda, "current_device", lambda: 0)
    monkeypatch.setattr(cuda, "get_device_name", lambda index: f"Card {index}")
    monkeypatch.setattr(cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    monkeypatch.setattr(torch.version, "cuda", "13.0" if count else None)
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    yield
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


def test_auto_takes_cuda_then_mps_then_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    with gpus(monkeypatch, 0):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        assert (choose_device(), devices()) == (CPU, [CPU])
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        assert choose_device("auto") == torch.device("mps")
        assert best_precision(torch.device("mps")) == "float32"
    with gpus(monkeypatch, 2):
        assert choose_device("auto").type == "cuda"
        assert torch.backends.cudnn.deterministic
        assert describe(choose_device("cuda:1")) == "cuda:1 Card 1"
        assert describe(choose_device("cuda")) == "cuda:0 Card 0"
        assert best_precision(choose_device("cuda")) == "bfloat16"
    with gpus(monkeypatch, 1, bfloat16=False):
        assert best_precision(choose_device("cuda")) == "float16"


@pytest.mark.parametrize(("able", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_a_processor_trains_in_bfloat16_where_it_has_amx_with_any_torch(
    able: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": able}, raising=False)
    assert best_precision() == precision
    intel = {"cpu_name": "Intel(R) Xeon(R) Processor", "amx_bf16": able, "avx512_bf16": True, "avx_vnni": True}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: intel)
    assert best_precision() == precision
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: able)
    assert best_precision() == precision


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"avx512_bf16": True, "avx_vnni": True}, "bfloat16"),  # Zen 5
        ({"avx512_bf16": True, "avx_vnni": False}, "float32"),  # Zen 4
        ({"avx512_bf16": False, "avx_vnni": False}, "float32"),
    ],
)
def test_zen_5_trains_in_bfloat16(able: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "AMD EPYC", **able}, raising=False)
    assert best_precision() == precision


@pytest.mark.parametrize(
    ("count", "name", "message"),
    [
        (0, "cuda", "device cuda: this torch (.*) is built without CUDA; .*; this machine has: cpu$"),
        (2, "cuda:2", "device cuda:2: there are 2 GPUs, counted from 0; this machine has: cuda:0, cuda:1, cpu$"),
        (2, "mps", "device mps: this machine has no GPU of Apple's"),
    ],
)
def test_a_device_that_is_not_here_is_one_message(
    count: int, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gpus(monkeypatch, count):
        with pytest.raises(UserError, match=message):
            choose_device(name)
        assert present_device(name) == choose_device()


def test_without_a_gpu_a_torch_that_is_built_with_cuda_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with gpus(monkeypatch, 0):
        monkeypatch.setattr(torch.version, "cuda", "13.0")
        with pytest.raises(UserError, match=r"torch finds no GPU with a driver .*; this machine has: cpu$"):
            choose_device("cuda")


def test_a_word_that_is_no_device_is_refused_in_options_and_recipes() -> None:
    with pytest.raises(UserError, match="--device: found 'gpu'; auto, cpu, cuda"):
        named_device("gpu")
    with pytest.raises(ValueError, match="found 'gpu'; auto, cpu, cuda"):
        Recipe(device="gpu")


def test_the_device_is_no_part_of_what_a_run_is(start: Start, faces: Faces) -> None:
    assert Recipe(device="cpu").changes() == {}
    assert start(NET).id == start(NET, device="cpu").id == start(NET, device="cuda:1").id


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_never_waits_for_the_device(precision: str, faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the processor, by what computes on a GPU: whatever would wait there is refused here."""
    monkeypatch.setattr("mien.training.trainer.make_gradients", Whole)
    recipe = Recipe.model_validate(RECIPE | {"precision": precision})
    loss = make_loss(recipe, faces.labels, 7)
    teacher = Trainer(build(NET, 24), recipe, 1)
    student = Trainer(build(NET, 24), recipe.model_copy(update={"teachers": ("it",)}), 0, loss=loss, teachers=[teacher])
    images, targets = student.inputs(faces.first(32)), torch.eye(7)[torch.from_numpy(faces.labels[:32]).long()]
    for word in ("item", "tolist"):
        monkeypatch.setattr(torch.Tensor, word, lambda *_: pytest.fail("waits for the device"))
    with NeverWaits():
        step = student.step(images, targets, 1)
    monkeypatch.undo()
    assert 0 < step.loss.item() < 10
    assert 0 <= step.correct.item() <= 32


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_all_of_a_step_lies_on_the_device(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On torch's meta device, which computes no numbers, and refuses tensors of others beside its own."""
    for name in ("AdamW", "SGD"):
        made = getattr(torch.optim, name)
        monkeypatch.setattr(torch.optim, name, lambda *a, made=made, fused, **k: made(*a, **k, foreach=False))
    recipe = Recipe.model_validate(
        RECIPE | {"optimizer": optimizer, "augment": [], "tta_flip": True, "tta_scales": [0.9]}
    )
    labels = np.arange(70, dtype=np.uint8) % 7
    trainer = Trainer(build(NET, 24), recipe, 0, loss=make_loss(recipe, labels, 7, META), device=META)
    images = torch.zeros(8, 24, 24, dtype=torch.uint8, device=META)
    for number, targets in enumerate((torch.zeros(8, dtype=torch.int64, device=META), torch.zeros(8, 7, device=META))):
        step = trainer.step(images, targets, 1 + number)
        assert (step.loss.device, step.correct.device) == (META, META)
    assert all(weight.grad is not None and weight.grad.device == META for weight in trainer.model.parameters())
    assert trainer.soft_targets(images).shape == (8, 7)


def test_losses_that_are_read_together_are_those_that_are_read_one_by_one(
    start: Start, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, several = start(NET, epochs=2, batch=24), start(NET, epochs=2, batch=24)
    fit(one, faces, silent)
    monkeypatch.setattr("mien.training.loop.steps_between_reads", lambda device: 3)
    steps = []
    fit(several, faces, lambda progress: steps.append((progress.epoch, progress.step, progress.record is not None)))
    assert [(each.steps, each.accuracy, each.loss) for each in several.history()] == [
        (each.steps, each.accuracy, each.loss) for each in one.history()
    ]
    assert steps == [(epoch, *at) for epoch in (1, 2) for at in ((3, False), (6, False), (7, False), (7, True))]
    assert several.status.devices == ("cpu",)


def test_a_loss_that_is_not_finite_is_reported_with_its_step(
    start: Start, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.training.loop.steps_between_reads", lambda device: 4)
    taken = Trainer.step

    def with_nan(self: Trainer, inputs: Any, targets: Any, number: int, rate: float) -> Any:
        step = taken(self, inputs, targets, number, rate)
        return step._replace(loss=step.loss * float("nan")) if number == 6 else step

    monkeypatch.setattr(Trainer, "step", with_nan)
    status = fit(start(NET, epochs=1, batch=24), faces, silent)
    assert (status.state, status.reason.split(";")[0]) == ("failed", "the loss became nan in epoch 1, step 6")


def test_a_run_that_goes_on_on_another_device_says_so(
    start: Start, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = start(NET, epochs=2), start(NET, epochs=2)
    fit(whole, faces, silent)

    def stop(progress: Any) -> None:
        if progress.record:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(run, faces, stop)
    run.write_status(replace(run.status, devices=("cuda:0 Card 0",)))
    assert fit(run, faces, silent).devices == ("cuda:0 Card 0", "cpu")
    assert [epoch.steps for epoch in run.history()] == [epoch.steps for epoch in whole.history()]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("MPS backend out of memory (MPS allocated: 6.77 GiB)"),
        MemoryError(),
    ],
)
def test_too_little_memory_ends_a_run_with_what_to_set(
    error: Exception, start: Start, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(Trainer, "step", full)
    status = fit(start(NET, epochs=1, batch=24), faces, silent)
    assert status.state == "failed"
    assert status.reason.startswith("out of memory on cpu, with 24 faces at once; set recipe.batch lower")


def test_what_does_not_train_names_no_recipe() -> None:
    with (
        pytest.raises(UserError, match="with 1024 faces at once; take another device") as error,
        reported_memory(CPU, 1024, training=False),
    ):
        raise MemoryError
    assert "recipe" not in str(error.value)


def test_another_error_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"), reported_memory(CPU, 8):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_float16_is_scaled_and_its_scale_is_resumed(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own scaler, on the processor."""
    with pytest.raises(UserError, match="float16"):
        Trainer(build(NET, 24), Recipe(precision="float16"), 0)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    plain, scaled = (Trainer(build(NET, 24), Recipe(precision="float32", batch=32), 0) for _ in range(2))
    plain.gradients, scaled.gradients = (
        Whole(plain.model, torch.float32),
        Whole(scaled.model, torch.float32, scale=scaler.scale),
    )
    scaled.scaler = scaler
    images, labels = plain.inputs(faces.first(32)), torch.from_numpy(faces.labels[:32]).long()
    for number in (1, 2, 3):
        losses = [trainer.step(images, labels, number).loss.item() for trainer in (plain, scaled)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    before = [weight.clone() for weight in scaled.model.parameters()]
    monkeypatch.setattr(scaled.gradients, "loss", lambda y, targets: y.sum() * float("inf"))
    scaled.step(images, labels, 4)
    assert scaler.get_scale() == 512, "a step whose gradients are not finite is left out, the scale is halved"
    assert all(torch.equal(one, other) for one, other in zip(before, scaled.model.parameters(), strict=True))


def test_scalars_are_read_in_their_order() -> None:
    assert read_together([torch.tensor(3), torch.tensor(0.5)]) == [3.0, 0.5]


class _Replayed:
    """In place of torch.cuda.CUDAGraph: a replay computes again, from the same inputs into the same result."""

    again: Any

    def replay(self) -> None:
        self.again()


def test_replayed_steps_are_those_that_are_launched_one_kernel_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bookkeeping alone, with a stand-in for what records: batches of two sizes, in any order."""
    for name, value in {
        "Stream": lambda device: SimpleNamespace(wait_stream=lambda other: None),
        "stream": nullcontext,
        "current_stream": lambda: SimpleNamespace(wait_stream=lambda other: None),
        "graph_pool_handle": lambda: 0,
        "CUDAGraph": _Replayed,
        "graph": lambda graph, pool, stream: nullcontext(),
        "manual_seed": torch.manual_seed,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    recorded = Graphed._record

    def record(self: Graphed, x: Any, targets: Any) -> Any:
        made = recorded(self, x, targets)

        def again() -> None:
            fresh = self.differentiate(made.x, made.targets)
            for old, new in zip(made.result, fresh, strict=True):
                old.copy_(new)

        made.graph.again = again
        for weight in self.trained:  # a recording computes nothing
            weight.grad.zero_()
        return made

    monkeypatch.setattr(Graphed, "_record", record)
    nets = [
        nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)) for _ in range(2)
    ]
    nets[1].load_state_dict(nets[0].state_dict())
    launched, replayed = Whole(nets[0], torch.float32), Graphed(nets[1], torch.float32, device=CPU)
    rng = torch.Generator().manual_seed(0)
    results: list[tuple[BatchResult, BatchResult]] = []
    for key in range(14):
        n = 5 if key % 3 == 2 else 8
        x, targets = torch.randn(n, 1, 4, 4, generator=rng), torch.randint(0, 3, (n,), generator=rng)
        results.append((launched.batch(x.clone(), targets, key), replayed.batch(x.clone(), targets, key)))
        for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
            assert torch.equal(one.grad, other.grad)
    assert all(one == other for one, other in results), "a result stays what it was when later steps are replayed"
    assert set(replayed.recorded) == {(torch.Size([n, 1, 4, 4]), torch.Size([n])) for n in (5, 8)}
    assert min(replayed.seen.values()) == WARM_UP + 1
    assert device_module.READ_EVERY > 1
