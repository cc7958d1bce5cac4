"""Graph: the whole way from gray pixels to probabilities of a run, or of several together, as torch and as ONNX."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.export.temperature import Temperatures
from mien.model_files.facts import INPUT, OUTPUT
from mien.nets import Model, build
from mien.runs.run import Run
from mien.training.checkpoint import load_weights
from mien.training.scaling import Scaling
from mien.training.tta import Views

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
"""Of ONNX's operators: the first in which Resize can smooth, as backbones ask for where faces are made smaller."""

NET = "net"
"""What each member's net is called: all nodes between its scaling and its averaging stand under this name."""

SHARED, LOGARITHMS = "shared", "logarithms"
"""Where a graph and its ONNX file keep the shared temperature, and the logarithm of each class's."""

_AT_ONCE = 256
"""Faces judged at once: more would take more memory and no less time."""


class Member(nn.Module):
    """A run's views, scaling and net. faces: uint8 [N, H, W] -> logits float32 [N, K], the mean over views."""

    def __init__(self, views: Views, scaling: Scaling, net: Model) -> None:
        super().__init__()
        self.views, self.scaling = views, scaling
        self.add_module(NET, net)
        self.eval()

    def forward(self, faces: Tensor) -> Tensor:
        """The logits of faces."""
        # All views of a face go through the net in one batch, which is faster than one after the other.
        return self.views.mean(self.get_submodule(NET)(self.scaling(self.views(faces))))


class Graph(nn.Module):
    """Members, offsets, temperatures and softmax. faces: uint8 [N, H, W] -> float32 [N, K], rows sum to 1.

    Of several members the mean of their probabilities is taken, and its logarithm for logits (Lakshminarayanan et al.
    2017, arXiv 1612.01474), as a study's ensembles are judged.

    Attributes:
        members: one or more.
        weights: what each of several weighs in their mean, float32 [members], sum 1; None: all the same. To be set.
        offsets: what is taken from the mean logits, float32 [K]; None takes nothing. To be set, as they come after it.
        shared, logarithms: of `Temperatures`: float32 [1], and of each class the logarithm, [K]. They change nothing
            here; `set_temperatures` sets those of the ONNX file, once it is known what this says.
    """

    shared: Tensor
    logarithms: Tensor

    def __init__(self, members: Iterable[Member], classes: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.weights: Tensor | None = None
        self.offsets: Tensor | None = None
        self.register_buffer(SHARED, torch.ones(1))
        self.register_buffer(LOGARITHMS, torch.zeros(classes))
        self.eval()

    def forward(self, faces: Tensor) -> Tensor:
        """The probabilities of faces."""
        logits = self._logits(faces)
        temperatures = ((logits / self.shared).softmax(1) * self.logarithms).sum(1, keepdim=True).exp()
        return (logits / temperatures).softmax(1)

    @torch.no_grad()
    def logits(self, images: NDArray[np.uint8]) -> Tensor:
        """What it says of images uint8 [N, H, W] before temperatures and softmax, by torch in float32 -> [N, K]."""
        return torch.cat([self._logits(torch.from_numpy(np.array(part))) for part in batches(images)])

    def _logits(self, faces: Tensor) -> Tensor:
        logits = [member(faces) for member in self.members]
        joined = logits[0] if len(logits) == 1 else _together(logits, self.weights)
        return joined if self.offsets is None else joined - self.offsets


def _together(logits: list[Tensor], weights: Tensor | None) -> Tensor:
    """The logarithm of the mean probability."""
    each = torch.stack([one.softmax(1) for one in logits])
    mean = each.mean(0) if weights is None else (each * weights[:, None, None]).sum(0)
    return mean.clamp(min=torch.finfo(torch.float32).tiny).log()


def batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Images a batch at a time."""
    return (images[first : first + _AT_ONCE] for first in range(0, len(images), _AT_ONCE))


def graph_of(*runs: Run) -> Graph:
    """The graph of finished runs on the same faces, at temperature 1.

    Raises:
        UserError: weights or scaling are gone or damaged.
    """
    return Graph(map(member_of, runs), len(runs[0].config.faces.classes))


def member_of(run: Run) -> Member:
    """What a finished run is in a graph.

    Raises:
        UserError: weights or scaling are gone or damaged.
    """
    recipe, faces = run.recipe, run.config.faces
    net = build(run.net, faces.size, len(faces.classes), run.seed, pretrained=False)
    net.load_state_dict(load_weights(run.folder / "weights.safetensors"))
    fitted = recipe.scaling == "featurewise" or recipe.whitening != "none"
    scaling = Scaling.of(recipe, load_weights(run.folder / "scaling.safetensors") if fitted else {})
    return Member(Views(recipe), scaling, net)


def to_onnx(graph: Graph, size: int) -> "ModelProto":
    """A graph as ONNX, in float32, for any number of faces of size x size pixels."""
    faces = torch.zeros(2, size, size, dtype=torch.uint8)
    with torch.no_grad(), quiet("torch.onnx"):
        program = torch.onnx.export(
            graph,
            (faces,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def set_temperatures(model: "ModelProto", temperatures: Temperatures) -> None:
    """Set those of a model that `to_onnx` made."""
    from onnx import numpy_helper

    values = {SHARED: np.array([temperatures.shared]), LOGARITHMS: np.log(temperatures.each)}
    for entry in model.graph.initializer:
        if entry.name in values:
            entry.CopyFrom(numpy_helper.from_array(values.pop(entry.name).astype(np.float32), entry.name))
    assert not values, f"not in the model: {', '.join(values)}"


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Keep back what a library says of its own insides, of use to nobody here.

    Args:
        name: of its logger.
    """
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
