"""A model of timm as a backbone's network: its features, its parts, and its published weights in their places."""

from collections.abc import Iterator, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from mien.nets.modules import PointwiseConv2d


class TimmNetwork(nn.Module):
    """A model of timm without its classifier, pooled as timm pools it: float [N, 3, H, W] -> float [N, features, 1, 1].

    Buffers that timm computes and leaves out of its weights are part of them here, so that a run holds them too.
    """

    def __init__(self, name: str) -> None:
        import timm

        super().__init__()
        with torch.device("cpu"), torch.random.fork_rng(devices=[]):
            self.model: nn.Module = timm.create_model(name, pretrained=False)
            self.model.reset_classifier(0)
        for module in self.model.modules():
            if type(module) is nn.Conv2d and _is_strided_pointwise(module):
                module.__class__ = PointwiseConv2d  # the same weights, trained without oneDNN's bug
        published = self.model.state_dict().keys()
        for module in self.model.modules():
            module._non_persistent_buffers_set.clear()
        self.computed = self.model.state_dict().keys() - published

    def forward(self, x: Tensor) -> Tensor:
        """The features of x."""
        features: Tensor = self.model(x)
        return features[:, :, None, None]

    def blocks(self) -> list[Sequence[nn.Module]]:
        """The parts that can be thawed, from the image on: the stages of timm's `feature_info`.

        What stands before a stage belongs to it, and to the last also what stands behind. Weights that stand in no
        part, as a class token, are never thawed.
        """
        ends = [f"{stage['module']}." for stage in getattr(self.model, "feature_info", ())]
        blocks: list[Sequence[nn.Module]] = []
        block: list[nn.Module] = []
        for place, part in _parts(self.model, "", ends):
            block.append(part)
            if any(end.startswith(place) for end in ends):
                blocks.append(block)
                block = []
        return [*blocks[:-1], [*blocks[-1], *block]] if blocks else [block]

    def take(self, weights: dict[str, Tensor], classifier: str | Sequence[str] | None) -> None:
        """Take published weights but for the classifier's, all of them and no others; a RuntimeError if they differ."""
        named = [classifier] if isinstance(classifier, str) else classifier or ()
        top = tuple(f"{part}." for part in named)
        given = {name: tensor for name, tensor in weights.items() if not name.startswith(top)}
        self.model.load_state_dict({name: self.model.get_buffer(name) for name in self.computed} | given)


@cache
def skeleton(name: str) -> TimmNetwork:
    """A model's network on the meta device, to be copied: shapes alone.

    It is made on the processor first, since not every model can be made without.
    """
    return TimmNetwork(name).to("meta").eval()


@cache
@torch.no_grad()
def features_of(name: str, size: tuple[int, int, int]) -> int:
    """How many values a model gives for an image of this size, [3, H, W]."""
    return int(skeleton(name)(torch.empty(1, *size, device="meta")).shape[1])


def _is_strided_pointwise(module: nn.Conv2d) -> bool:
    shape = (module.kernel_size, module.padding, module.groups)
    return shape == ((1, 1), (0, 0), 1) and module.stride != (1, 1)


def _parts(module: nn.Module, before: str, ends: Sequence[str]) -> Iterator[tuple[str, nn.Module]]:
    """A module's parts with their places, as `layer4.`; one that holds the ends of several stages is taken apart."""
    for name, part in module.named_children():
        place = f"{before}{name}."
        if sum(end.startswith(place) and end != place for end in ends) > 1:
            yield from _parts(part, place, ends)
        else:
            yield place, part
