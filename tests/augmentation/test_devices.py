"""Augmentation on other devices: it neither waits for them nor sends them what they lack.

PyTorch's device "meta" stands for a GPU: a tensor there has no numbers, so that whatever asks for one fails.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from mien.augmentation import WORDS, Augmentation, check
from mien.augmentation.apply import _within
from mien.augmentation.batch import Batch

SIZE = (13, 18)
MOST = 2**17
"""Bytes that a word may send: numbers of faces, none of pixels."""


class Device(TorchFunctionMode):
    """Refuses what would wait for the device "meta" if it were a GPU, or what MPS lacks; notes what is sent there."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name, options = function.__name__, kwargs or {}
        given = tensors((args, kwargs))
        there = [tensor for tensor in given if tensor.is_meta]
        result = function(*args, **options)
        arrived = [tensor for tensor in tensors(result) if tensor.is_meta]
        if there or arrived:
            masks = any(tensor.dtype == torch.bool for tensor in given)
            assert name not in ("tensor", "as_tensor", "new_tensor"), f"{name} waits until Python's numbers are there"
            assert not (name in ("__setitem__", "index_put_") and masks), (
                f"{name} by a mask waits for its number of faces"
            )
            assert all(tensor.dtype != torch.float64 for tensor in arrived), f"{name} gives float64"
        if name in ("to", "copy_", "cuda") and arrived and len(there) < len(given):
            assert options.get("non_blocking"), f"{name} waits while it sends"
            self.sent.append(given[0].nbytes)
        elif there:
            assert len(there) == len(given), f"{name} of tensors of two devices"
        return result


def tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setattr(Batch, "_generator", lambda self: None)  # torch makes none for this device
    with Device() as device:
        yield device


def batch() -> tuple[Tensor, Tensor]:
    return torch.empty(40, *SIZE, dtype=torch.uint8, device="meta"), torch.empty(40, 7, device="meta")


@pytest.mark.parametrize("name", WORDS)
def test_no_word_waits_for_the_device(device: Device, name: str) -> None:
    word = next(word for word in (f"{name}(0.9)", f"{name}(9)") if not check([word]))
    augmentation, (images, shares) = Augmentation((word,), 0), batch()
    augmentation(images, shares, 0)
    device.sent.clear()
    actual, mixed = augmentation(images, shares, 1)
    shown = augmentation.for_teachers(images, 1)
    assert (actual.device, actual.dtype, actual.shape) == (images.device, torch.float32, images.shape)
    assert (mixed.device, mixed.dtype, mixed.shape) == (images.device, torch.float32, shares.shape)
    assert (shown.device, shown.shape) == (images.device, images.shape)
    assert len(device.sent) <= 12
    assert sum(device.sent) < MOST


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: x.cpu(),
        lambda x: x.numpy(),
        lambda x: x[x > 0],
        lambda x: x.__setitem__(x > 0, torch.zeros(3, device="meta")),
        lambda x: x.nonzero(),
        lambda x: bool((x > 0).any()),
        lambda x: x @ torch.eye(SIZE[1]),
        lambda x: x.new_tensor([1.0, 2.0]),
        lambda x: x + torch.tensor([1.0], device="meta"),
        lambda x: torch.ones(3).to(x.device),
        lambda x: x.tolist(),
        lambda x: x.double(),
    ],
)
def test_the_device_refuses_what_waits(device: Device, wait: Callable[[Tensor], object]) -> None:
    with pytest.raises((AssertionError, RuntimeError, TypeError)):
        wait(batch()[0].float())


def test_points_beyond_the_border_are_its_nearest_where_a_device_has_no_such_padding() -> None:
    images, points = torch.rand(4, 1, *SIZE), torch.empty(4, 2, *SIZE).uniform_(-2, 2)
    expected = F.grid_sample(images, points.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)
    actual = F.grid_sample(images, _within(points).permute(0, 2, 3, 1), align_corners=False)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_grays_drawn_on_the_processor_are_every_byte_alike() -> None:
    grays = Batch(torch.empty(200, 13, 17), torch.empty(200, 7), np.random.default_rng(0)).grays()
    np.testing.assert_allclose(torch.bincount(grays.flatten().long(), minlength=256) / grays.numel(), 1 / 256, rtol=0.4)
