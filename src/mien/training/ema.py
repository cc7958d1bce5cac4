"""EMA: an exponential moving average of a model's weights over the steps of its training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


class EMA:
    """An exponential moving average of weights and running statistics.

    Averaging the steps' weights: Polyak & Juditsky 1992; by a decay: Tarvainen & Valpola 2017, arXiv 1703.01780.
    At step n the average keeps the share min(decay, n / (9 + n)), so that the first weights are soon forgotten.

    Args:
        model: whose weights are averaged; the same module while it is trained.
        decay: the share of the average that a step keeps, 0..1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
        self.weights = {name: tensor.clone() for name, tensor in self.model.items()}

    @torch.no_grad()
    def add(self, number: int) -> None:
        """Take the weights after a step into the average; number: 1 for the first step."""
        new = 1 - min(self.decay, number / (9 + number))
        torch._foreach_lerp_(list(self.weights.values()), list(self.model.values()), new)

    def load(self, weights: Weights) -> None:
        """Continue from the `weights` of an earlier average."""
        for name, tensor in weights.items():
            self.weights[name].copy_(tensor)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the average into the model while the block lasts, and its own weights back afterwards."""
        own = [tensor.clone() for tensor in self.model.values()]
        self._set(list(self.weights.values()))
        try:
            yield
        finally:
            self._set(own)

    @torch.no_grad()
    def _set(self, tensors: list[Tensor]) -> None:
        torch._foreach_copy_(list(self.model.values()), tensors)
