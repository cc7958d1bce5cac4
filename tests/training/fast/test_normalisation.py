from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mien.nets.modules import batch_norm_of
from mien.training.fast.normalisation import Normalise


@pytest.fixture(scope="module")
def cores() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def module_of(channels: int, generator: torch.Generator) -> nn.Module:
    norm = batch_norm_of(nn.BatchNorm2d, channels)
    nn.init.normal_(norm.weight, 1, 0.5, generator=generator)
    nn.init.normal_(norm.bias, 0, 0.5, generator=generator)
    return norm


DTYPES = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bfloat16", "float32"])


def image(
    shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator, spread: float = 1, mean: float = 0
) -> Tensor:
    x = (torch.randn(shape, generator=generator) * spread + mean).to(dtype)
    return x.contiguous(memory_format=torch.channels_last)


@DTYPES
@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6), st.integers(1, 6)),
    with_shortcut=st.booleans(),
    relu=st.booleans(),
    mean=st.sampled_from([0.0, 3.0]),
    spread=st.sampled_from([0.01, 1.0, 100.0]),
    seed=st.integers(0, 2**31),
)
@example(shape=(1, 11, 1, 1), with_shortcut=False, relu=False, mean=0.0, spread=100.0, seed=1)  # two values, far from 0
def test_it_is_torchs_batch_norm_rounded_once(
    cores: ThreadPoolExecutor,
    dtype: torch.dtype,
    shape: tuple[int, int, int, int],
    with_shortcut: bool,
    relu: bool,
    mean: float,
    spread: float,
    seed: int,
) -> None:
    """Against float64, and each value within its rounding of it."""
    rounding = 0.005 if dtype == torch.bfloat16 else 2e-6
    shape = (shape[0] + 1, *shape[1:])  # torch refuses to normalise over one value
    generator = torch.Generator().manual_seed(seed)
    norm = module_of(shape[1], generator)
    x = image(shape, dtype, generator, spread, mean)
    shortcut, gradient = image(shape, dtype, generator), image(shape, dtype, generator)
    exact = [x.double().requires_grad_(), shortcut.double().requires_grad_()]
    twin = module_of(shape[1], torch.Generator().manual_seed(seed)).double()
    y = twin(exact[0]) + (exact[1] if with_shortcut else 0)

    given_ = [x.clone().requires_grad_(), shortcut.clone().requires_grad_()]
    actual = Normalise.apply(given_[0], given_[1] if with_shortcut else None, norm.weight, norm.bias, norm, relu, cores)
    expected = y.relu() if relu else y
    assert torch.allclose(actual.double(), expected, rtol=rounding, atol=1e-4)
    assert torch.allclose(norm.running_mean.double(), twin.running_mean, rtol=1e-4, atol=1e-6)
    assert torch.allclose(norm.running_var.double(), twin.running_var, rtol=1e-4, atol=1e-6)
    assert norm.num_batches_tracked == 1

    actual.backward(gradient)
    y.backward(gradient.double() * (actual > 0) if relu else gradient.double())  # where it is 0 within its rounding
    size = exact[0].grad.abs().max() + 1e-3
    # Where a channel's values lie closer together than to 0, terms of this size, rounded to float32, cancel.
    values = exact[0].detach()
    deviation = (values.var((0, 2, 3), correction=0) + norm.eps).sqrt()
    terms = norm.weight.detach().abs() / deviation * gradient.abs().max() * (values.abs().amax((0, 2, 3)) / deviation)
    room = rounding * exact[0].grad.abs() + 1e-4 * size + 2**-23 * terms[:, None, None]
    assert ((given_[0].grad.double() - exact[0].grad).abs() <= room).all()
    if with_shortcut:
        assert torch.equal(given_[1].grad.double(), exact[1].grad)
    for ours, theirs in zip(norm.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours.grad.double(), theirs.grad, rtol=1e-3, atol=1e-3)


@DTYPES
def test_a_channel_of_one_value_gives_its_shift(cores: ThreadPoolExecutor, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    norm = module_of(3, generator)
    x = torch.full((2, 3, 4, 4), 7.0, dtype=dtype).requires_grad_()
    y = Normalise.apply(x, None, norm.weight, norm.bias, norm, False, cores)
    assert torch.allclose(y.float(), norm.bias[:, None, None].expand_as(y), rtol=0.004)
    y.sum().backward()
    assert x.grad.isfinite().all()


@DTYPES
def test_it_goes_over_thousands_of_faces_in_float64(cores: ThreadPoolExecutor, dtype: torch.dtype) -> None:
    """Sums of float32 alone would have lost a hundredth of the variance."""
    generator = torch.Generator().manual_seed(0)
    norm = module_of(2, generator)
    x = image((3000, 2, 24, 24), dtype, generator, spread=0.25, mean=4)
    Normalise.apply(x, None, norm.weight, norm.bias, norm, True, cores)
    exact = x.double().var((0, 2, 3))
    assert torch.allclose((norm.running_var.double() - 0.99) / 0.01, exact, rtol=1e-3)
