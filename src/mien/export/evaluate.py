"""Judge: a model about to be kept, by what its file says: temperatures for it, its likeness to torch, its scores."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.export.agreement import Agreement, Precision, agreement, probabilities, refuse
from mien.export.graph import Graph, set_temperatures
from mien.export.temperature import Temperatures, fit_temperatures
from mien.faces import Faces
from mien.model_files.reference import draw_reference_faces
from mien.model_files.scores import split_scores

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True)
class Judged:
    """What a model was found to be.

    Attributes:
        temperatures: those it has now.
        agreement: with torch, on validation.
        scores: as `Facts.scores` tells them.
        reference_faces: uint8 [COUNT, H, W], for the file to carry.
        reference: what it says of them in float32, float32 [COUNT, K].
    """

    temperatures: Temperatures
    agreement: Agreement
    scores: dict[str, Any]
    reference_faces: NDArray[np.uint8]
    reference: NDArray[np.float32]


def judge(
    model: "ModelProto", graph: Graph, faces: Faces, precision: Precision, temperature: bool, test: bool
) -> Judged:
    """Fit a model's temperatures and set them, compare it with torch, and score it.

    Args:
        model: that `to_onnx` made of the graph; it is changed.
        graph: of the same in torch.
        faces: all splits.
        precision: of the model.
        temperature: whether temperatures are fitted, on validation.
        test: whether the test split is judged.

    Raises:
        UserError: the model differs from torch by more than it may.
    """
    validation = faces.split("validation")
    temperatures = Temperatures.none(len(faces.classes))
    with TemporaryDirectory() as folder:
        plain, heated = Path(folder) / "plain.onnx", Path(folder) / "heated.onnx"
        plain.write_bytes(model.SerializeToString())
        before = {"validation": probabilities(plain, validation.images)}
        if temperature:
            temperatures = fit_temperatures(_logarithm(before["validation"]), validation.labels)
            set_temperatures(model, temperatures)
        heated.write_bytes(model.SerializeToString())
        said = {"validation": probabilities(heated, validation.images)}
        torch_said = temperatures.heated(graph.logits(validation.images).numpy())
        found = agreement(said["validation"], torch_said, validation.labels)
        if precision == "int8":
            exact = probabilities(heated, validation.images, optimised=False)
            found = replace(found, kernels=float(np.abs(said["validation"] - exact).max()))
        refuse(found, precision)
        drawn = draw_reference_faces(*validation.images.shape[1:])
        reference = probabilities(heated, drawn, optimised=False)
        if test:
            before["test"] = probabilities(plain, faces.split("test").images)
            # What the file itself would say: on validation it does.
            said["test"] = temperatures.heated(_logarithm(before["test"]))
    scores: dict[str, Any] = {}
    for split in said:
        scores |= split_scores(split, said[split], before[split], faces)
    return Judged(temperatures, found, scores, drawn, reference)


def _logarithm(said: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.maximum(said, np.finfo(np.float32).tiny))
