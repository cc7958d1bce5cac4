import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from mien.training.fast import winograd
from mien.training.fast.functions import Convolve

CLOSE = 1e-5
"""How far, by its norm, a float32 result may be from float64's; a direct convolution's errors are a few 1e-7."""


def images(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator).contiguous(memory_format=torch.channels_last)


@settings(deadline=None, max_examples=60)
@given(
    faces=st.integers(1, 9),
    channels=st.sampled_from([8, 16, 40]),
    filters=st.sampled_from([8, 24, 64]),
    height=st.integers(3, 19),
    width=st.integers(3, 19),
    padding=st.integers(0, 1),
    with_bias=st.booleans(),
    seed=st.integers(0, 2**31),
)
@example(faces=150, channels=8, filters=8, height=4, width=3, padding=1, with_bias=True, seed=0)  # more than a block
def test_the_convolution_and_its_gradients_are_float64s(
    faces: int, channels: int, filters: int, height: int, width: int, padding: int, with_bias: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = images((faces, channels, height, width), generator)
    kernel = torch.randn(filters, channels, 3, 3, generator=generator)
    bias = torch.randn(filters, generator=generator) if with_bias else None
    exact = [tensor.double().requires_grad_() for tensor in (x, kernel, bias) if tensor is not None]
    expected = torch.conv2d(*exact[:2], exact[2] if with_bias else None, padding=padding)
    gradient = images(tuple(expected.shape), generator)

    transformed = winograd.transform_kernel(kernel)
    y = winograd.convolve(x, transformed, bias, padding)
    ours = winograd.gradients(gradient, x, transformed, padding, of_image=True)
    theirs = torch.autograd.grad(expected, exact, gradient.double())
    for actual, wanted in zip((y, *ours[: len(theirs)]), (expected, *theirs), strict=True):
        assert actual.dtype == torch.float32
        assert (actual - wanted).norm() <= CLOSE * wanted.norm() + 1e-30
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert winograd.gradients(gradient, x, transformed, padding, of_image=False)[0] is None


def test_it_computes_the_same_bits_each_time() -> None:
    x, kernel = images((40, 16, 9, 9), torch.Generator().manual_seed(1)), torch.randn(16, 16, 3, 3)
    transformed = winograd.transform_kernel(kernel)
    y = winograd.convolve(x, transformed, None, 0)
    first, again = (winograd.gradients(y, x, transformed, 0, of_image=True) for _ in range(2))
    assert torch.equal(y, winograd.convolve(x, transformed, None, 0))
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))


@pytest.mark.parametrize(
    ("channels", "filters", "side", "stride", "padding", "dtype", "suits"),
    [
        (16, 16, 3, 1, 0, torch.float32, True),
        (24, 64, 3, 1, 1, torch.float32, True),
        (16, 16, 3, 1, 0, torch.bfloat16, False),
        (1, 32, 3, 1, 0, torch.float32, False),
        (32, 8, 3, 1, 0, torch.float32, False),
        (20, 32, 3, 1, 0, torch.float32, False),
        (32, 32, 5, 1, 0, torch.float32, False),
        (32, 32, 3, 2, 1, torch.float32, False),
        (32, 32, 3, 1, 2, torch.float32, False),
    ],
)
def test_only_what_gains_by_it_is_computed_here(
    channels: int, filters: int, side: int, stride: int, padding: int, dtype: torch.dtype, suits: bool
) -> None:
    x, kernel = torch.randn(2, channels, 9, 9).to(dtype), torch.randn(filters, channels, side, side).to(dtype)
    assert winograd.suits(x, kernel, [stride] * 2, [padding] * 2) is suits
    y = Convolve.apply(x.requires_grad_(), kernel.requires_grad_(), None, [stride] * 2, [padding] * 2)
    assert torch.allclose(y, torch.conv2d(x, kernel, None, stride, padding), atol=1e-3 if suits else 0, rtol=0)
