"""Adjustment: what a net learnt of how common each emotion is among its faces, taken back in part."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def offsets(counts: Mapping[str, int], classes: Sequence[str], share: float) -> Tensor:
    """What is taken from each logit: `share` of the logarithm of the class's share of the train split.

    Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314, post hoc. Rare classes gain. A class
    without any face counts as one of a single face.

    Args:
        counts: faces of train by class.
        classes: the K classes in the order of the logits.
        share: 0 takes nothing, 1 all: then the net answers as if each class were as common as the others.

    Returns:
        float32 [K].
    """
    faces = torch.tensor([max(counts.get(name, 0), 1) for name in classes], dtype=torch.float64)
    return (share * (faces / faces.sum()).log()).float()
