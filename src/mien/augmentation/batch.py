"""The faces of a step, on whichever device trains them, and the random numbers of one word."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Boxes = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]
"""Top, bottom, left and right of a box in each face, in pixels; bottom and right are not included."""


@dataclass
class Batch:
    """The faces of a step, which words change in place.

    What is drawn for a face is drawn on the processor, so that it is the same on every device; what is drawn for a
    pixel is drawn where the faces lie. No word may wait for the device: it sends numbers there, and fetches none.

    Attributes:
        images: float32 [N, H, W], 0..255.
        targets: float32 [N, K], rows sum to 1, on the same device.
        rng: random numbers of this word and this batch.
    """

    images: Tensor
    targets: Tensor
    rng: np.random.Generator

    def sent(self, numbers: NDArray[Any]) -> Tensor:
        """Numbers that were drawn on the processor, on the faces' device; float64 becomes float32."""
        return sent(numbers, self.images.device)

    def factors(self, share: float) -> Tensor:
        """A number for each face, evenly between -share and share, float32 [N, 1, 1]."""
        return self.sent(self.rng.uniform(-share, share, (len(self.images), 1, 1)))

    def drawn(self, bound: float, probability: float) -> NDArray[np.float64]:
        """A number for each face, evenly between 0 and bound, with this probability, and else 0; [N]."""
        numbers = self.rng.uniform(0, bound, len(self.images))
        numbers[self.rng.random(len(self.images)) >= probability] = 0
        return numbers

    def paste(self, source: Tensor, boxes: Boxes) -> None:
        """Put into each face what `source`, as large as `images`, has in the face's box.

        A blend by 0 or 1 is exact, and takes half of torch.where's time.
        """
        height, width = self.images.shape[1:]
        top, bottom, left, right = (edge[:, None] for edge in boxes)
        rows, columns = np.arange(height), np.arange(width)
        edges = np.hstack([(rows >= top) & (rows < bottom), (columns >= left) & (columns < right)])
        inside = self.sent(edges).float()
        self.images.lerp_(source, inside[:, :height, None] * inside[:, None, height:])

    def noise(self, deviation: float) -> Tensor:
        """A normal number for each pixel, of mean 0 and this standard deviation, float32 [N, H, W]."""
        return torch.empty_like(self.images).normal_(0, deviation, generator=self._generator())

    def grays(self) -> Tensor:
        """A whole number for each pixel, evenly from 0 to 255, float32 [N, H, W]."""
        device, shape = self.images.device, self.images.shape
        if device.type == "cpu":  # a third of the time that torch takes
            count = self.images.numel()
            drawn = self.rng.integers(0, 2**32, -(-count // 4), np.uint32).astype("<u4", copy=False).view(np.uint8)
            return torch.from_numpy(drawn[:count]).view(shape).float()
        return torch.randint(0, 256, shape, dtype=torch.float32, device=device, generator=self._generator())

    def _generator(self) -> torch.Generator:
        return torch.Generator(self.images.device).manual_seed(int(self.rng.integers(2**32)))


def sent(numbers: NDArray[Any], device: torch.device) -> Tensor:
    """Numbers of the processor, on a device, without waiting for it; float64 becomes float32.

    To MPS alone a copy waits: torch's there may read what numpy has freed (pytorch/pytorch issue 189690).
    """
    tensor = torch.from_numpy(numbers.astype(np.float32) if numbers.dtype == np.float64 else numbers)
    if device.type == "cuda":
        tensor = tensor.pin_memory()  # what is not pinned may have to wait for the work before it
    return tensor.to(device, non_blocking=device.type != "mps")
