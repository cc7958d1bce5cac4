"""The gradients of a convolution, its kernel's computed on faces that lie side by side.

oneDNN adds up a kernel's gradient along the rows of an image, in the matrix unit's steps of 32 bfloat16: a row of six
pixels costs as much as one of 32. So images with short rows are glued to wide ones first, the zeros of their padding
between them. Measured in docs/decisions/0003-fast-step.md.
"""

import torch
from torch import Tensor

from mien.nets.modules import every

ROW = 32
"""Values of a row that the matrix unit takes at once."""


def image_gradient(gradient: Tensor, x: Tensor, kernel: Tensor, stride: list[int], padding: list[int]) -> Tensor:
    """The gradient of the image x [N, C, H, W], from that of the convolution's output."""
    return _backward(gradient, x, kernel, stride, padding, [True, False, False])[0]


def kernel_gradients(
    gradient: Tensor, x: Tensor, kernel: Tensor, stride: list[int], padding: list[int]
) -> tuple[Tensor, Tensor]:
    """The gradients of the kernel and of the bias.

    gradient: of the convolution's output [N, F, H', W'], x: its input [N, C, H, W], both channels last;
    kernel: [F, C, k, k], and padding less than half of k, rounded up.
    """
    if kernel.shape[2:] == (1, 1) and stride != [1, 1]:
        x, stride = every(stride, x), [1, 1]  # see `PointwiseConv2d`
    unit = -(-(x.shape[3] + padding[1]) // stride[1])
    beside = min(ROW // unit, len(x)) if x.dtype == torch.bfloat16 else 1
    if beside > 1:
        x = _side_by_side(x, beside, unit * stride[1])
        width = (x.shape[3] + 2 * padding[1] - kernel.shape[3]) // stride[1] + 1
        gradient = _side_by_side(gradient, beside, unit)[..., :width].contiguous(memory_format=torch.channels_last)
    return _backward(gradient, x, kernel, stride, padding, [False, True, True])[1:]


def _backward(
    gradient: Tensor, x: Tensor, kernel: Tensor, stride: list[int], padding: list[int], wanted: list[bool]
) -> tuple[Tensor, Tensor, Tensor]:
    gradients: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient, x, kernel, [len(kernel)], stride, padding, [1, 1], False, [0, 0], 1, wanted
    )
    return gradients


def _side_by_side(x: Tensor, beside: int, width: int) -> Tensor:
    """Images [N, C, H, W] as [ceil(N / beside), C, H, beside * width], channels last, each with zeros at its right."""
    n, channels, height, own = x.shape
    glued = x.new_empty(-(-n // beside), height, beside, width, channels)
    glued[..., own:, :] = 0
    if n % beside:
        glued[-1] = 0  # images are missing there
    for place in range(beside):
        part = x[place::beside].permute(0, 2, 3, 1)
        glued[: len(part), :, place, :own] = part
    return glued.flatten(2, 3).permute(0, 3, 1, 2)
