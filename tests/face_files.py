"""Drawn weights of the face networks, in the forms in which theirs are published."""

import torch
from torch import Tensor

DLIB_STAGES = ((32, 3), (64, 4), (128, 3), (256, 3))


def dlib_shapes() -> list[tuple[int, int, int, int]]:
    """The kernels of dlib's network, from the image on, without its last block."""
    shapes, channels = [(32, 3, 7, 7)], 32
    for out, count in DLIB_STAGES:
        for _ in range(count):
            shapes += [(out, channels, 3, 3), (out, out, 3, 3)]
            channels = out
    return shapes


def dlib_file(seed: int = 0) -> tuple[bytes, list[dict[str, Tensor]]]:
    """A file as dlib writes it, and each convolution's kernel, bias, scale and shift."""
    generator = torch.Generator().manual_seed(seed)
    content, layers = b"\x01\x01\x01\rloss_metric_2 and what stands before\x15input_rgb_image_sized", []
    for shape in dlib_shapes():
        kernel = torch.randn(shape, generator=generator) * (2 / shape[1] / shape[2] / shape[3]) ** 0.5
        bias, scale, shift = torch.randn(3, shape[0], generator=generator) * 0.2 + torch.tensor([[0.0], [0.7], [0.0]])
        layers.append({"kernel": kernel, "bias": bias, "scale": scale, "shift": shift})
        content += b"\x01\x05con_4" + tensor(torch.cat([kernel.flatten(), bias])) + b"\x01 \x01\x03\x01\x03"
        content += b"\x01\x07affine_" + tensor(torch.cat([scale, shift])) + b"\x01\x00\x00111\x01\x08relu_110"
    return content + b"\x01\x05con_4 of the last block", layers


def tensor(values: Tensor) -> bytes:
    """A version, four sides, and the values: each number as how many bytes it takes, and these."""
    side = len(values).to_bytes((len(values).bit_length() + 7) // 8, "little")
    return bytes((1, 2, len(side))) + side + b"\x01\x01" * 3 + values.numpy().astype("<f4").tobytes()


MOBILENET_STAGES = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def mobilenet_file(seed: int = 0) -> tuple[bytes, list[dict[str, Tensor]]]:
    """A file as npm's package carries it, and each convolution's kernel as torch has it, scale and shift."""
    generator = torch.Generator().manual_seed(seed)
    values, layers, channels = [torch.zeros(256 * 100 + 100 + 1024 * 256 + 256 + 256 + 1)], [], 32

    def add(kernel: Tensor, depthwise: bool) -> None:
        out = kernel.shape[0]
        scale = torch.rand(out, generator=generator) + 0.5 if depthwise else torch.ones(out)
        shift = torch.randn(out, generator=generator) * 0.3
        layers.append({"kernel": kernel, "scale": scale, "shift": shift})
        # TensorFlow's order: height, width, channels in, channels out; of one kernel a channel, these stand third.
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        values.append(kernel.permute(order).reshape(-1))
        values.extend([scale] if depthwise else [])
        values.extend([shift, torch.tensor([6.0, 0.0])])

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * (2 / shape[1] / shape[2] / shape[3]) ** 0.5

    add(draw(32, 3, 3, 3), depthwise=False)
    for out, _ in MOBILENET_STAGES:
        add(draw(channels, 1, 3, 3), depthwise=True)
        add(draw(out, channels, 1, 1), depthwise=False)
        channels = out
    return torch.cat([*values, torch.zeros(1)]).numpy().astype("<f4").tobytes(), layers
