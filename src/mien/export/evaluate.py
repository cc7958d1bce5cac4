"""Evaluate: fit an exported model's temperatures, compare it with torch, and compute its scores."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.export.agreement import Agreement, Precision, agreement, check, probabilities
from mien.export.graph import Graph, set_temperatures
from mien.export.temperature import Temperatures, fit_temperatures
from mien.faces import Faces
from mien.model_files.reference import draw_reference_faces
from mien.model_files.scores import split_scores

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True)
class FileEvaluation:
    """The evaluation of an exported model.

    Attributes:
        temperatures: of the model now.
        agreement: with torch, on validation.
        scores: as in `Facts.scores`.
        reference_faces: uint8 [COUNT, H, W], to be stored in the file.
        reference: their probabilities in float32, float32 [COUNT, K].
    """

    temperatures: Temperatures
    agreement: Agreement
    scores: dict[str, Any]
    reference_faces: NDArray[np.uint8]
    reference: NDArray[np.float32]


def evaluate(
    model: "ModelProto", graph: Graph, faces: Faces, precision: Precision, temperature: bool, test: bool
) -> FileEvaluation:
    """Fit and set a model's temperatures, compare it with torch, and compute its scores.

    Args:
        model: made from the graph by `to_onnx`; its temperatures are changed.
        graph: the same model in torch.
        faces: all splits.
        precision: of the model.
        temperature: whether temperatures are fitted, on validation.
        test: whether the test split is evaluated, too.

    Raises:
        UserError: the model differs from torch by more than is allowed.
    """
    validation = faces.split("validation")
    temperatures = Temperatures.none(len(faces.classes))
    with TemporaryDirectory() as folder:
        plain, scaled = Path(folder) / "plain.onnx", Path(folder) / "scaled.onnx"
        plain.write_bytes(model.SerializeToString())
        before = {"validation": probabilities(plain, validation.images)}
        if temperature:
            temperatures = fit_temperatures(_logarithm(before["validation"]), validation.labels)
            set_temperatures(model, temperatures)
        scaled.write_bytes(model.SerializeToString())
        after = {"validation": probabilities(scaled, validation.images)}
        by_torch = temperatures.apply(graph.logits(validation.images).numpy())
        result = agreement(after["validation"], by_torch, validation.labels)
        if precision == "int8":
            exact = probabilities(scaled, validation.images, optimised=False)
            result = replace(result, kernels=float(np.abs(after["validation"] - exact).max()))
        check(result, precision)
        drawn = draw_reference_faces(*validation.images.shape[1:])
        reference = probabilities(scaled, drawn, optimised=False)
        if test:
            before["test"] = probabilities(plain, faces.split("test").images)
            # Equal to the output of the file with its temperatures, which takes longer.
            after["test"] = temperatures.apply(_logarithm(before["test"]))
    scores: dict[str, Any] = {}
    for split in after:
        scores |= split_scores(split, after[split], before[split], faces)
    return FileEvaluation(temperatures, result, scores, drawn, reference)


def _logarithm(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
