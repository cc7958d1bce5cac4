"""Augmentation of a whole batch by a recipe's words."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mien.augmentation.batch import Batch, sent
from mien.augmentation.geometry import Geometry
from mien.augmentation.registry import GEOMETRY, PIXELS, QUALITY, check, read_word
from mien.errors import UserError

_STREAM = 0x617567
"""Sets these random numbers apart from others that are drawn from the same seed."""


class _Step(NamedTuple):
    """A word, its arguments, and its place among the recipe's words, from which its random numbers follow."""

    name: str
    arguments: dict[str, object]
    at: int


class Augmentation:
    """Changes each face of a batch at random, as the words say.

    The geometric words come first, in their order, as one map a face and one bilinear resampling; what lies beyond the
    border gets the nearest pixel of the border (Keras's fill_mode "nearest"). The other words follow in their order.
    The random numbers of each word follow from the seed, the batch's number and the word's place alone.

    Args:
        words: as `rotate(10)`; () changes nothing.
        seed: 0 or more.

    Attributes:
        degrades: whether a word among them changes how good a picture is.

    Raises:
        UserError: with every mistake in the words.
    """

    def __init__(self, words: Sequence[str], seed: int) -> None:
        if problems := check(words):
            raise UserError("\n".join(problems))
        self.seed = seed
        steps = [_Step(*read_word(text), at) for at, text in enumerate(words)]
        self._moves = [word for word in steps if word.name in GEOMETRY]
        self._changes = [word for word in steps if word.name in PIXELS]
        self.degrades = any(word.name in QUALITY for word in steps)

    def __call__(self, images: Tensor, targets: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Augment a batch, where it lies; the arguments are left unchanged, and a GPU is not waited for.

        Args:
            images: uint8 [N, H, W], on any device.
            targets: float32 [N, K], rows sum to 1, on the same.
            number: of the batch, 0 or more.

        Returns:
            images float32 [N, H, W] in 0..255, and targets float32 [N, K], whose rows sum to 1.
        """
        return self._apply(images, targets, number, self._changes)

    def for_teachers(self, images: Tensor, number: int) -> Tensor:
        """The faces as a call leaves them, but without the words that change how good a picture is.

        So a net learns to give a blurred face the classes that its teachers give the sharp one.

        Returns:
            float32 [N, H, W] in 0..255.
        """
        others = [word for word in self._changes if word.name not in QUALITY]
        return self._apply(images, images.new_empty(len(images), 0, dtype=torch.float32), number, others)[0]

    def _apply(self, images: Tensor, targets: Tensor, number: int, changes: list[_Step]) -> tuple[Tensor, Tensor]:
        moved = self._resampled(images, number) if self._moves else images.float()
        if not changes:
            return moved, targets
        mixed = targets.clone()
        for name, arguments, at in changes:
            PIXELS[name](Batch(moved, mixed, self._rng(number, at)), **arguments)
        return moved, mixed

    def _resampled(self, images: Tensor, number: int) -> Tensor:
        faces, height, width = images.shape
        maps = np.eye(3)
        for name, arguments, at in self._moves:
            maps = maps @ GEOMETRY[name](Geometry(faces, height, width, self._rng(number, at)), **arguments)
        half = np.array([width / 2, height / 2, 1])  # torch's coordinates go from -1 to 1 over the image
        theta = sent((maps * half / half[:, None])[:, :2], images.device)
        centres = _centres(height, width, images.device)
        points = (theta.view(2 * faces, 3) @ centres).view(faces, 2, height, width)
        padding = "border"
        if images.device.type == "mps":  # which has no such padding before torch 2.11
            points, padding = _within(points), "zeros"
        source = images[:, None].float()
        moved = F.grid_sample(source, points.permute(0, 2, 3, 1), padding_mode=padding, align_corners=False)
        return moved[:, 0]

    def _rng(self, number: int, at: int) -> np.random.Generator:
        return np.random.default_rng((_STREAM, self.seed, number, at))


def _within(points: Tensor) -> Tensor:
    """Points [N, 2, H, W], x and y from -1 to 1 over the image, moved to its outermost pixels if beyond."""
    height, width = points.shape[2:]
    limits = (1 - 1 / width, 1 - 1 / height)
    moved = [at.clamp(-limit, limit) for at, limit in zip(points.unbind(1), limits, strict=True)]
    return torch.stack(moved, 1)


@cache
def _centres(height: int, width: int, device: torch.device) -> Tensor:
    """(x, y, 1) of each pixel, float32 [3, H * W]; a product with it takes a third of F.affine_grid's time."""
    x, y = ((2 * torch.arange(length, device=device) + 1) / length - 1 for length in (width, height))
    rows = x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width, device=device)
    return torch.stack(rows).flatten(1)
