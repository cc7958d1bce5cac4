"""Batch normalisation put back into a network that was published with it folded into scale and shift."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class RestoredBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that at first does what it was folded into: scale * x + shift, a channel.

    Before it is trained, `fit` gives it the statistics of what comes in, without a change of what comes out.
    x: float [N, C, H, W] -> float [N, C, H, W].
    """

    def folded(self, name: str, scale: Tensor, shift: Tensor) -> dict[str, Tensor]:
        """Its state under that name: mean 0, variance 1, and the published scale and shift, float [C] each."""
        zeros = torch.zeros_like(shift)
        return {
            f"{name}.weight": scale * (1 + self.eps) ** 0.5,
            f"{name}.bias": shift,
            f"{name}.running_mean": zeros,
            f"{name}.running_var": zeros + 1,
            f"{name}.num_batches_tracked": torch.tensor(0),
        }

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Take the mean and variance of x, float [N, C, H, W], for its own; what it gives in evaluation stays."""
        assert self.running_mean is not None
        assert self.running_var is not None
        variance, mean = torch.var_mean(x.float(), (0, 2, 3), correction=0)
        scale = self.weight / (self.running_var + self.eps).sqrt()
        self.bias.add_(scale * (mean - self.running_mean))
        self.weight.copy_(scale * (variance + self.eps).sqrt())
        self.running_mean.copy_(mean)
        self.running_var.copy_(variance)


def convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d, str, RestoredBatchNorm2d]]:
    """Each convolution of a network and the normalisation behind it, with their names, from the image on."""
    modules = list(network.named_modules())
    convs = [(name, module) for name, module in modules if isinstance(module, nn.Conv2d)]
    norms = [(name, module) for name, module in modules if isinstance(module, RestoredBatchNorm2d)]
    for (conv, convolution), (norm, normalisation) in zip(convs, norms, strict=True):
        yield conv, convolution, norm, normalisation
