"""Graph: all steps from gray pixels to probabilities, of a run or an ensemble, in torch and in ONNX."""

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from mien.training.tta import TestTimeAugmentation

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
"""Version of ONNX's operators: the first in which Resize can antialias, which backbones need to scale faces down."""

NET = "net"
"""Name of each member's net, in the scope of all its ONNX nodes."""

SHARED, LOGARITHMS = "shared", "logarithms"
"""Names, in a graph and its ONNX file, of the shared temperature and of the logarithms of the classes' temperatures."""

_BATCH = 256
"""Faces computed at once: more would take more memory and no less time."""


class Member(nn.Module):
    """A run's views, scaling and net. faces: uint8 [N, H, W] -> logits float32 [N, K], the mean over views."""

    def __init__(self, views: TestTimeAugmentation, scaling: Scaling, net: Model) -> None:
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
    2017, arXiv 1612.01474), as a study's ensembles are evaluated.

    Attributes:
        members: one or more.
        weights: of the members in their mean, float32 [members], sum 1; None: all equal. To be set.
        offsets: subtracted from the mean logits, float32 [K] (see `logit_offsets`); None: nothing. To be set.
        shared, logarithms: of `Temperatures`: float32 [1], and of each class the logarithm, [K]. They change nothing
            here; `set_temperatures` sets those of the ONNX file, after they are fitted on its output.
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
        """The logits of images before temperatures: uint8 [N, H, W] -> float32 [N, K], computed by torch."""
        return torch.cat([self._logits(torch.from_numpy(np.array(part))) for part in batches(images)])

    def _logits(self, faces: Tensor) -> Tensor:
        logits = [member(faces) for member in self.members]
        joined = logits[0] if len(logits) == 1 else _joined(logits, self.weights)
        return joined if self.offsets is None else joined - self.offsets


def _joined(logits: list[Tensor], weights: Tensor | None) -> Tensor:
    """The logarithm of the mean probability."""
    each = torch.stack([one.softmax(1) for one in logits])
    mean = each.mean(0) if weights is None else (each * weights[:, None, None]).sum(0)
    return mean.clamp(min=torch.finfo(torch.float32).tiny).log()


def logit_offsets(counts: Mapping[str, int], classes: Sequence[str], strength: float) -> Tensor:
    """The offsets of post hoc logit adjustment: `strength` times the logarithm of each class's share of train.

    Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314. A class without faces counts as one
    with a single face.

    Args:
        counts: train faces by class.
        classes: the K classes in the order of the logits.
        strength: 0 to 1; higher favours rare classes, and at 1 all classes count as equally common.

    Returns:
        float32 [K], to be subtracted from the logits.
    """
    faces = torch.tensor([max(counts.get(name, 0), 1) for name in classes], dtype=torch.float64)
    return (strength * (faces / faces.sum()).log()).float()


def batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Split images into batches."""
    return (images[first : first + _BATCH] for first in range(0, len(images), _BATCH))


def graph_of(*runs: Run) -> Graph:
    """The graph of finished runs on the same faces, at temperature 1.

    Raises:
        UserError: weights or scaling are gone or damaged.
    """
    return Graph(map(member_of, runs), len(runs[0].config.faces.classes))


def member_of(run: Run) -> Member:
    """A finished run as a member of a graph.

    Raises:
        UserError: weights or scaling are gone or damaged.
    """
    recipe, faces = run.recipe, run.config.faces
    net = build(run.net, faces.size, len(faces.classes), run.seed, pretrained=False)
    net.load_state_dict(load_weights(run.folder / "weights.safetensors"))
    fitted = recipe.scaling == "featurewise" or recipe.whitening != "none"
    scaling = Scaling.of(recipe, load_weights(run.folder / "scaling.safetensors") if fitted else {})
    return Member(TestTimeAugmentation(recipe), scaling, net)


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
            dynamic_shapes=({0: torch.export.Dim("N", min=2)},),  # torch 2.9 refuses 1; files take it
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def set_temperatures(model: "ModelProto", temperatures: Temperatures) -> None:
    """Set the temperatures of a model that `to_onnx` made."""
    from onnx import numpy_helper

    values = {SHARED: np.array([temperatures.shared]), LOGARITHMS: np.log(temperatures.each)}
    for entry in model.graph.initializer:
        if entry.name in values:
            entry.CopyFrom(numpy_helper.from_array(values.pop(entry.name).astype(np.float32), entry.name))
    assert not values, f"not in the model: {', '.join(values)}"


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Silence a library's log and warnings about its internals.

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
