"""The device that trains and evaluates: which there are, in which precision each computes, and by what."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import UserError
from mien.runs.recipe import Recipe, check_device_name
from mien.training.gradients import Gradients, Scale, Whole
from mien.training.losses import CPU, Loss

READ_EVERY = 16
"""Steps after which the losses of a GPU are read: reading waits until all steps before are computed."""


class OutOfMemoryError(UserError):
    """What is computed together does not fit into the device's memory."""


def devices() -> list[torch.device]:
    """The devices of this machine, the fastest first."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = [torch.device("cuda", index) for index in range(count)]
    return [*gpus, *([torch.device("mps")] if torch.backends.mps.is_available() else []), CPU]


def choose_device(name: str = "auto") -> torch.device:
    """The device of a recipe's or an option's name.

    On CUDA, cuDNN is set to those algorithms that give the same numbers each time.

    Args:
        name: auto (CUDA, else MPS, else the processor), cpu, cuda, cuda:1 and so on, or mps.

    Raises:
        UserError: this machine, or this torch, has no such device.
    """
    here = devices()
    kinds = [device.type for device in here]
    device = torch.device(kinds[0] if name == "auto" else name)
    if device.type not in kinds or (device.index or 0) >= kinds.count(device.type):
        raise UserError(f"device {name}: {_why_not(device)}; this machine has: {', '.join(map(str, here))}")
    if device.type == "cuda":
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        torch.cuda.set_device(device.index or 0)
    return device


def named_device(word: str) -> torch.device:
    """The device of an option's word, which may be no name of one.

    Raises:
        UserError: it is none, or is not here.
    """
    try:
        return choose_device(check_device_name(word))
    except ValueError as error:
        raise UserError(f"--device: {error}") from None


def present_device(name: str) -> torch.device:
    """The device of that name where this machine has it, else the best that it has: for a run made elsewhere."""
    try:
        return choose_device(name)
    except UserError:
        return choose_device()


def describe(device: torch.device) -> str:
    """A device with its name, as results state it: "cpu", "mps", "cuda:0 NVIDIA H200"."""
    if device.type != "cuda":
        return device.type
    index = torch.cuda.current_device() if device.index is None else device.index
    return f"cuda:{index} {torch.cuda.get_device_name(index)}"


def best_precision(device: torch.device = CPU) -> str:
    """The precision that trains fastest on a device without a loss of accuracy that was seen.

    On a processor bfloat16 where that was measured to be the faster: with AMX, and on AMD's Zen 5. AVX512-BF16 alone is
    no reason: on Intel's a step took 1.45 to 1.58 times as long with it (docs/decisions/0003-fast-step.md). On CUDA
    bfloat16, or float16 on cards without it. On MPS float32, the only one of which nothing is left to doubt.
    """
    if device.type == "cpu":
        return "bfloat16" if _has_fast_bfloat16() else "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return "float32"


def precision_of(recipe: Recipe, device: torch.device) -> str:
    """The precision that a recipe is trained in on a device.

    Raises:
        UserError: the device does not compute in it.
    """
    if recipe.precision == "float16" and device.type == "cpu":
        raise UserError("precision = 'float16' is for GPUs; on a processor take bfloat16, float32 or auto")
    return best_precision(device) if recipe.precision == "auto" else recipe.precision


def make_gradients(
    model: nn.Sequential,
    dtype: torch.dtype,
    loss: Loss = F.cross_entropy,
    device: torch.device = CPU,
    scale: Scale | None = None,
) -> Gradients:
    """The fastest way to the gradients of a model that lies on a device; see `Whole` for the arguments."""
    if device.type == "cpu" and dtype != torch.float16:
        from mien.training.fast import make_gradients as on_processor

        return on_processor(model, dtype, loss)
    if device.type == "cuda":
        from mien.training.graphed import Graphed

        return Graphed(model, dtype, loss, device, scale)
    return Whole(model, dtype, loss, device, scale)


def steps_between_reads(device: torch.device) -> int:
    """After how many steps the losses are read: what the processor computes is there at once."""
    return 1 if device.type == "cpu" else READ_EVERY


@contextmanager
def reported_memory(device: torch.device, batch: int, training: bool = True) -> Iterator[None]:
    """Say what to set where a device's memory is spent.

    Args:
        device: that computes.
        batch: faces that are computed together.
        training: whether that is a recipe's batch; if not, it is not for the user to set.

    Raises:
        OutOfMemoryError: it is.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # torch has a class for it on GPUs; on the processor it raises a RuntimeError with one of these texts.
        spent = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if not spent and not any(text in str(error) for text in ("out of memory", "can't allocate memory")):
            raise
        remedy = (
            "set recipe.batch lower, or another device; where another program had taken the memory, remove the run's "
            "folder and run the study again"
            if training
            else "take another device, as --device cpu, or end what else takes its memory, and run the command again"
        )
        raise OutOfMemoryError(f"out of memory on {describe(device)}, with {batch} faces at once; {remedy}") from error


def read_together(scalars: Sequence[Tensor]) -> list[float]:
    """The numbers that scalars on a device have, by one wait for it."""
    numbers: list[float] = torch.stack([one.float() for one in scalars]).tolist()
    return numbers


def _has_fast_bfloat16() -> bool:
    """Whether the processor multiplies matrices of bfloat16 by AMX, or is of those that are fast without it."""
    if hasattr(torch.cpu, "get_capabilities"):
        able = torch.cpu.get_capabilities()
        # Of AMD's processors with AVX512-BF16, Zen 4 has no AVX-VNNI; it was not measured.
        zen_5 = "AMD" in str(able.get("cpu_name")) and able.get("avx512_bf16") and able.get("avx_vnni")
        return bool(able.get("amx_bf16") or zen_5)
    return torch.cpu._is_amx_tile_supported()  # torch 2.9 has nothing else


def _why_not(device: torch.device) -> str:
    if device.type == "mps":
        return "this machine has no GPU of Apple's, or this torch no support for it"
    if torch.version.cuda is None and torch.version.hip is None:
        return f"this torch ({torch.__version__}) is built without CUDA; install one that is built with it"
    if not torch.cuda.is_available():
        return "torch finds no GPU with a driver that it can use (nvidia-smi lists them)"
    return f"there are {torch.cuda.device_count()} GPUs, counted from 0"
