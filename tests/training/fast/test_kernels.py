from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from mien.training.fast import kernels

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(2, 9), st.integers(2, 9))
SEEDS = st.integers(0, 2**32 - 1)
DTYPES = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bfloat16", "float32"])


def image(shape: tuple[int, ...], seed: int, few: bool = False, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """[N, C, H, W], channels last; of few different values, so that most windows have equals."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(-2, 3, shape, generator=generator).float() if few else torch.randn(shape, generator=generator)
    return x.to(dtype).contiguous(memory_format=torch.channels_last)


def by_torch(x: Tensor, gradient: Tensor, with_relu: bool) -> tuple[Tensor, Tensor]:
    """Torch's output and gradient of x, computed in float32, which holds every bfloat16 exactly."""
    x = x.float().requires_grad_()
    y = F.max_pool2d(x, 2)
    y = y.relu() if with_relu else y
    y.backward(gradient.float())
    assert x.grad is not None
    return y.detach(), x.grad


@DTYPES
@settings(deadline=None, max_examples=100)
@given(shape=SHAPES, seed=SEEDS, few=st.booleans(), with_relu=st.booleans())
def test_pooling_and_its_gradient_are_torchs_bit_for_bit(
    dtype: torch.dtype, shape: tuple[int, int, int, int], seed: int, few: bool, with_relu: bool
) -> None:
    n, c, h, w = shape
    x, gradient = image(shape, seed, few, dtype), image((n, c, h // 2, w // 2), seed + 1, dtype=dtype)
    y, winner = kernels.pool(x, with_relu)
    back = kernels.pool_backward(gradient, winner, x.shape)
    expected_y, expected_back = by_torch(x, gradient, with_relu)
    assert y.dtype == back.dtype == dtype
    assert torch.equal(y.float(), expected_y)
    assert torch.equal(back.float(), expected_back)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert back.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("with_relu", [False, True])
@pytest.mark.parametrize(
    ("window", "place"),
    [([1, 1, 1, 1], 0), ([0, 2, 2, 1], 1), ([0, 1, 2, 2], 2), ([0, 1, 2, 3], 3), ([-1, 3, -1, 3], 1)],
)
@DTYPES
def test_the_first_of_equals_wins(dtype: torch.dtype, window: list[float], place: int, with_relu: bool) -> None:
    x = torch.tensor(window).to(dtype).view(1, 1, 2, 2)
    y, winner = kernels.pool(x, with_relu)
    assert winner.item() == place
    back = kernels.pool_backward(torch.ones_like(y), winner, x.shape)
    assert back.flatten().tolist() == [float(k == place) for k in range(4)]


@pytest.mark.parametrize("window", [[-1, -2, -3, -4], [0, 0, 0, 0], [-0.0, -1, -0.0, -2], [-0.0, 0.0, 0.0, -0.0]])
@DTYPES
def test_a_window_without_a_positive_value_is_dead_behind_relu(dtype: torch.dtype, window: list[float]) -> None:
    x = torch.tensor(window).to(dtype).view(1, 1, 2, 2)
    y, winner = kernels.pool(x, with_relu=True)
    assert winner.item() == kernels.DEAD
    assert not y.view(torch.uint8).any(), "not the negative zero, whose bits are not 0"
    assert kernels.pool_backward(torch.ones_like(y), winner, x.shape).count_nonzero() == 0


def test_a_negative_zero_is_above_the_negative_and_below_the_positive() -> None:
    x = torch.tensor([[-3e-5, -0.0, -1.0, -2.0], [-0.0, -1.0, 3e-5, -2.0]]).bfloat16().view(2, 1, 2, 2)
    y, winner = kernels.pool(x, with_relu=False)
    assert winner.flatten().tolist() == [1, 2]
    assert torch.equal(y.flatten(), x.flatten()[[1, 6]])


def test_the_largest_and_the_smallest_numbers_keep_their_order() -> None:
    largest = torch.finfo(torch.bfloat16).max
    x = torch.tensor([[-largest, -1e-38, -1.0, -torch.inf], [1e-38, largest, torch.inf, 1.0]]).bfloat16()
    y, winner = kernels.pool(x.view(2, 1, 2, 2), with_relu=False)
    assert winner.flatten().tolist() == [1, 2]
    assert torch.equal(y.flatten(), x.flatten()[[1, 6]])


@DTYPES
def test_what_an_odd_side_leaves_over_has_no_gradient(dtype: torch.dtype) -> None:
    for side in (3, 5, 7):
        _, winner = kernels.pool(image((2, 17, side, side), 0, dtype=dtype), with_relu=False)
        ones = torch.ones(2, 17, side // 2, side // 2, dtype=dtype)
        back = kernels.pool_backward(ones, winner, torch.Size((2, 17, side, side)))
        assert back[:, :, -1].count_nonzero() == back[:, :, :, -1].count_nonzero() == 0
        assert back.float().sum() == ones.numel()


@DTYPES
@settings(deadline=None, max_examples=60)
@given(shape=SHAPES, seed=SEEDS, few=st.booleans(), flat=st.booleans())
def test_relu_and_its_gradient_are_torchs_bit_for_bit(
    dtype: torch.dtype, shape: tuple[int, int, int, int], seed: int, few: bool, flat: bool
) -> None:
    x, gradient = image(shape, seed, few).to(dtype), image(shape, seed + 1).to(dtype)
    if flat:
        x, gradient = x.flatten(1), gradient.flatten(1)
    expected = torch.where(x > 0, gradient, 0)
    y = x.clone()
    kernels.relu(y)
    assert torch.equal(y, x.clamp(min=0))
    kernels.relu_backward(gradient, y)
    assert torch.equal(gradient, expected)


@DTYPES
def test_a_zero_of_either_sign_has_no_gradient_behind_relu(dtype: torch.dtype) -> None:
    x = torch.tensor([[-0.0, 0.0, -1.0, 1e-30]], dtype=dtype)
    kernels.relu(x)
    gradient = torch.ones_like(x)
    kernels.relu_backward(gradient, x)
    assert gradient.tolist() == [[0, 0, 0, 1]]


@pytest.mark.parametrize("function", [F.elu_, torch.sigmoid_, torch.tanh_], ids=["elu", "sigmoid", "tanh"])
def test_a_table_is_torchs_function_at_every_bfloat16(function: Callable[[Tensor], Tensor]) -> None:
    every = torch.arange(-(2**15), 2**15).to(torch.int16).view(torch.bfloat16).view(2, 64, 16, 32)
    x = every.contiguous(memory_format=torch.channels_last)
    expected = function(every.clone())
    kernels.apply(function, x)
    assert torch.equal(x.isnan(), expected.isnan())
    assert torch.equal(x.nan_to_num(), expected.nan_to_num())


@DTYPES
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.999999])
def test_a_dropped_share_is_the_rate_and_nothing_else_changes(dtype: torch.dtype, rate: float) -> None:
    x = image((50, 21, 16, 16), 0).to(dtype)
    y, drawn = x.clone(), kernels.random_int16(x, torch.Generator().manual_seed(1))
    kernels.drop(y, drawn, rate)
    saved = y != 0
    assert torch.equal(y, x * saved)
    share = 1 - saved.sum().item() / x.count_nonzero().item()
    assert share == pytest.approx(rate, abs=0.003)
    again = x.clone()
    kernels.drop(again, drawn, rate)
    assert torch.equal(again, y)


def test_draws_are_even_and_independent_of_their_neighbours() -> None:
    drawn = kernels.random_int16(torch.empty(400_003), torch.Generator().manual_seed(1)).float() / 2**15
    assert drawn.shape == (400_003,)
    for part in (drawn[0::4], drawn[1::4], drawn[2::4], drawn[3::4]):
        assert part.mean().item() == pytest.approx(0, abs=0.01)
        assert part.square().mean().item() == pytest.approx(1 / 3, abs=0.01)
    for apart in (1, 2, 3, 4):
        assert (drawn[apart:] * drawn[:-apart]).mean().item() == pytest.approx(0, abs=0.005)
