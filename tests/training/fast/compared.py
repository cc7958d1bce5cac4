"""What the tests of gradients share: models with their batches, and torch's autograd to compare with."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.faces import Faces
from mien.nets import Model, Net, build
from mien.training.fast import make_gradients
from mien.training.fast.gradients import Chunked

KINDS = {"plain": ("conv(4)", "relu", "dropout(0.5)", "flatten", "dense(8)", "elu", "dropout(0.5)", "classes")}
KINDS |= {"not plain": ("conv(4)", "gelu", "dropout(0.5)", "flatten", "dense(8)", "elu", "dropout(0.5)", "classes")}
"""Nets with dropout in image layers and flat ones, one for each way to their gradients."""


def model_of(layers: tuple[str, ...]) -> Model:
    """Of 24x24 faces; biases are not 0, so that a layer which forgets them is found out."""
    model = build(Net("net", layers), size=24)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, 0, 0.05, generator=generator)
    return model


def without_dropout(model: Model) -> Model:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def batch_of(faces: Faces, n: int, first: int = 0) -> tuple[Tensor, Tensor]:
    images, labels = faces.images[first : first + n], faces.labels[first : first + n]
    return torch.from_numpy(images)[:, None] / 255 - 0.5, torch.from_numpy(labels).long()


def chunked(model: Model, dtype: torch.dtype = torch.float32) -> Chunked:
    gradients = make_gradients(model, dtype)
    assert isinstance(gradients, Chunked)
    return gradients


def autograds(model: Model, x: Tensor, labels: Tensor) -> tuple[list[Tensor], float, int]:
    """Gradients, loss and number of correct faces of a copy of the model, by plain torch in float32."""
    copy = deepcopy(model).train()
    y = copy(x)
    loss = F.cross_entropy(y, labels)
    loss.backward()
    return [weight.grad for weight in copy.parameters()], loss.item(), int((y.argmax(1) == labels).sum())


def of(model: Model) -> list[Tensor]:
    """The gradients that lie in a model."""
    return [weight.grad.clone() for weight in model.parameters()]


def distances(actual: list[Tensor], exact: list[Tensor]) -> list[float]:
    """How far each gradient lies from the exact one, as a share of that one's norm."""
    return [((ours - theirs).norm() / theirs.norm()).item() for ours, theirs in zip(actual, exact, strict=True)]
