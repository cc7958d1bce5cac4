"""Max-pooling, and activations and dropout on bfloat16, compiled; torch's own take several times as long.

Measured in docs/decisions/0003-fast-step.md.

The bits of a bfloat16, read as int16, sort like the number as long as it is not negative, and relu leaves no other.
So the kernels work on int16, which compilers vectorise well; values pass through them bit by bit. And as there are no
more than 65,536 bfloat16, any function of one is a table. All images lie channels last in memory: a torch tensor
[N, C, H, W] is a numpy array [N, H, W, C] here.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numba import types
from numba.extending import overload
from numpy.typing import NDArray
from torch import Tensor

from mien.compiled import compiled

Bits = NDArray[np.int16]
Values = NDArray[np.float32] | NDArray[np.int16]

DEAD = 4
"""In the place of a window's winner: none of its values is positive, so none has a gradient."""


def relu(x: Tensor) -> None:
    """Set what is negative to 0, in place. x: bfloat16 or float32, any shape."""
    (x.view(torch.int16) if x.dtype == torch.bfloat16 else x).clamp_(min=0)


def relu_backward(gradient: Tensor, y: Tensor) -> None:
    """Keep the gradient where relu gave a positive value, 0 elsewhere, in place.

    gradient, y: bfloat16 or float32 [N, C, H, W] channels last or [N, C]; y is relu's output.
    """
    if y.dtype == torch.bfloat16:
        _relu_backward(_flat_bits(gradient), _flat_bits(y))
    else:
        torch.ops.aten.threshold_backward.grad_input(gradient, y, 0, grad_input=gradient)


def apply(function: Callable[[Tensor], Tensor], x: Tensor) -> None:
    """Set each value of x to that of a function which works in place: torch's values, bit for bit.

    x: bfloat16 or float32 [N, C, H, W] channels last or [N, C].
    """
    if x.dtype == torch.bfloat16:
        _look_up(_flat_bits(x), _table(function))
    else:
        function(x)


def random_int16(like: Tensor, generator: torch.Generator) -> Tensor:
    """Random numbers from all int16, one for each value: int16 [size]."""
    # The generator takes hardly longer for 64 bits than for 16.
    fours = torch.empty(-(-like.numel() // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    return fours.view(torch.int16)[: like.numel()]


def drop(x: Tensor, drawn: Tensor, rate: float) -> None:
    """Set the share `rate` of the values to 0, in place: those whose number is among that share of all numbers.

    x: bfloat16 or float32 [N, C, H, W] channels last or [N, C]; drawn: from `random_int16`; rate: from 0, below 1.
    """
    floor = min(round(rate * 2**16), 2**16 - 1) - 2**15
    _drop(_flat_bits(x), drawn.numpy(), floor)


def pool(x: Tensor, with_relu: bool) -> tuple[Tensor, Tensor]:
    """The largest value of each 2x2 window, after relu if `with_relu`, and which of the four it was.

    x: bfloat16 or float32 [N, C, H, W] channels last -> the same type, [N, C, H // 2, W // 2] channels last,
    int8 [N, H // 2, W // 2, C]: 0..3 in reading order, the first among equals, or `DEAD`.
    """
    n, c, h, w = x.shape
    y = torch.empty((n, c, h // 2, w // 2), dtype=x.dtype, memory_format=torch.channels_last)
    winner = torch.empty(n, h // 2, w // 2, c, dtype=torch.int8)
    _pool(_values(x), _values(y), winner.numpy(), with_relu)
    return y, winner


def pool_backward(gradient: Tensor, winner: Tensor, shape: torch.Size) -> Tensor:
    """The gradient of `pool`'s input, of `shape` [N, C, H, W] channels last.

    gradient: bfloat16 or float32 [N, C, H // 2, W // 2] channels last; winner: as `pool` gave it.
    """
    n, c, h, w = shape
    x = torch.empty((n, c, h, w), dtype=gradient.dtype, memory_format=torch.channels_last)
    if h % 2:
        x[:, :, -1].zero_()
    if w % 2:
        x[..., -1].zero_()
    _pool_backward(_values(gradient), winner.numpy(), _values(x))
    return x


def _values(x: Tensor) -> Values:
    """[N, C, H, W] as [N, H, W, C], of bfloat16 the bits, on the same memory if that is channels last."""
    dense = x.detach().permute(0, 2, 3, 1).contiguous()
    values: Values = (dense.view(torch.int16) if x.dtype == torch.bfloat16 else dense).numpy()
    return values


def _flat_bits(x: Tensor) -> Bits:
    """All bits of a tensor in the order of its memory, as int16 or int32 [size] on the same memory."""
    dense = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
    assert dense.is_contiguous()
    bits: Bits = dense.view(torch.int16 if x.dtype == torch.bfloat16 else torch.int32).numpy().reshape(-1)
    return bits


@cache
def _table(function: Callable[[Tensor], Tensor]) -> Bits:
    """The function's value at each bfloat16, as bits, in the order of the bits read as uint16."""
    every = torch.from_numpy(np.arange(2**16, dtype=np.uint16).view(np.int16)).view(torch.bfloat16)
    bits: Bits = function(every).view(torch.int16).numpy()
    return bits


@compiled("void(i2[::1], i2[::1])")
def _look_up(x: Bits, table: Bits) -> None:
    for i in range(x.size):
        x[i] = table[np.uint16(x[i])]


@compiled(["void(i2[::1], i2[::1], i8)", "void(i4[::1], i2[::1], i8)"])
def _drop(x: Bits, drawn: Bits, floor: int) -> None:
    least = np.int16(floor)
    for i in range(x.size):
        x[i] = x[i] if drawn[i] >= least else 0


@compiled("void(i2[::1], i2[::1])")
def _relu_backward(gradient: Bits, y: Bits) -> None:
    for i in range(gradient.size):
        gradient[i] = gradient[i] if y[i] > 0 else np.int16(0)


_IMAGES = "i2[:,:,:,::1]", "f4[:,:,:,::1]"


def _rank(value: Any) -> Any:
    """In compiled code: what sorts like the number, and gives the value back when it is ranked again."""


@overload(_rank)
def _compile_rank(value: Any) -> Callable[[Any], Any]:
    def itself(value: Any) -> Any:
        return value

    def of_bits(value: Any) -> Any:
        """Below zero, the larger the bits of a bfloat16 the smaller the number."""
        return np.int16(value ^ ((value >> 15) & 0x7FFF))

    return itself if value == types.float32 else of_bits


def _only(value: Any, wanted: Any) -> Any:
    """In compiled code: the value where it is wanted, else 0."""


@overload(_only)
def _compile_only(value: Any, wanted: Any) -> Callable[[Any, Any], Any]:
    def chosen(value: Any, wanted: Any) -> Any:
        return value if wanted else np.float32(0)

    def masked(value: Any, wanted: Any) -> Any:
        return value & np.int16(-wanted)

    return chosen if value == types.float32 else masked


@compiled([f"void({image}, {image}, i1[:,:,:,::1], b1)" for image in _IMAGES])
def _pool(x: Values, y: Values, winner: NDArray[np.int8], with_relu: bool) -> None:
    faces, height, width, channels = y.shape
    zero = x.dtype.type(0)
    for n in range(faces):
        for i in range(height):
            for j in range(width):
                x0, x1 = x[n, 2 * i, 2 * j], x[n, 2 * i, 2 * j + 1]
                x2, x3 = x[n, 2 * i + 1, 2 * j], x[n, 2 * i + 1, 2 * j + 1]
                to, place = y[n, i, j], winner[n, i, j]
                for c in range(channels):
                    best, k = _rank(x0[c]), np.int8(0)
                    if _rank(x1[c]) > best:
                        best, k = _rank(x1[c]), np.int8(1)
                    if _rank(x2[c]) > best:
                        best, k = _rank(x2[c]), np.int8(2)
                    if _rank(x3[c]) > best:
                        best, k = _rank(x3[c]), np.int8(3)
                    if with_relu and best <= zero:
                        best, k = zero, np.int8(DEAD)
                    to[c], place[c] = _rank(best), k


@compiled([f"void({image}, i1[:,:,:,::1], {image})" for image in _IMAGES])
def _pool_backward(gradient: Values, winner: NDArray[np.int8], x: Values) -> None:
    faces, height, width, channels = gradient.shape
    for n in range(faces):
        for i in range(height):
            for j in range(width):
                of, place = gradient[n, i, j], winner[n, i, j]
                # One loop a place: with several outputs in one loop the compiler does not vectorise.
                for k in range(4):
                    to = x[n, 2 * i + k // 2, 2 * j + k % 2]
                    for c in range(channels):
                        to[c] = _only(of[c], place[c] == k)
