import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.training.fast.convolution import image_gradient, kernel_gradients


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    """Faces, side, kernel, stride and padding: none, or of an odd kernel half of it."""
    kernel = draw(st.integers(1, 5))
    padding = draw(st.sampled_from([0, kernel // 2])) if kernel % 2 else 0
    return draw(st.integers(1, 11)), draw(st.integers(kernel, 20)), kernel, draw(st.integers(1, 3)), padding


def bfloat16_error(kernel: int) -> float:
    """How far, by its norm, a gradient in bfloat16 may be from the exact one of the same numbers.

    Rounded once it is off by a 256th at most: bfloat16 has 8 significant bits. Hardware adds up in float32 and rounds
    the sum. Elsewhere torch adds up the kernel's places one by one in bfloat16: kernel ** 2 roundings, which err to
    both sides, so that their error grows as their root.
    """
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}  # torch 2.9 has it not
    return (1 if able.get("amx_bf16") or able.get("avx512_bf16") else 1 + kernel) * 2**-8


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bfloat16", "float32"])
@settings(deadline=None, max_examples=100)
@given(config=convolutions(), seed=st.integers(0, 2**31))
def test_gradients_are_autograds(dtype: torch.dtype, config: tuple[int, int, int, int, int], seed: int) -> None:
    """Computed from the same numbers, in whichever order of sums."""
    n, side, k, stride, padding = config
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, side, side, generator=generator).to(dtype).contiguous(memory_format=torch.channels_last)
    kernel = torch.randn(5, 3, k, k, generator=generator).to(dtype)
    exact = [x.double().requires_grad_(), kernel.double().requires_grad_(), torch.zeros(5).double().requires_grad_()]
    y = torch.conv2d(*exact, stride, padding)
    gradient = torch.randn(y.shape, generator=generator).to(dtype).contiguous(memory_format=torch.channels_last)
    expected = torch.autograd.grad(y, exact, gradient.double())
    call = (gradient, x, kernel, [stride] * 2, [padding] * 2)
    close = bfloat16_error(k) if dtype == torch.bfloat16 else 1e-5
    for ours, theirs in zip([image_gradient(*call), *kernel_gradients(*call)], expected, strict=True):
        assert ours.dtype == dtype
        assert (ours - theirs).norm() <= close * theirs.norm() + 1e-30
