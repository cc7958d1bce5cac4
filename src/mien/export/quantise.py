"""Quantise: an ONNX model with smaller numbers: float16 to be stored in half the space, int8 to compute with too."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.export.facts import INPUT
from mien.export.graph import NET, batches, quiet

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

CALIBRATION = 512
"""Train faces that show how large the activations become."""


def to_float16(model: "ModelProto") -> "ModelProto":
    """The same model with its weights stored as float16, made float32 again when it is opened.

    Processors compute in float32 faster than in float16, or compute float16 by float32 anyhow: so the file alone
    becomes smaller. Weights of which float16 is no close picture (greater than its range) stay as they are.
    """
    from onnx import TensorProto, helper, numpy_helper

    small = type(model)()
    small.CopyFrom(model)
    casts = []
    for weight in small.graph.initializer:
        array = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or array.size < 64 or np.abs(array).max() > np.finfo(np.float16).max:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}.float16"))
        casts.append(helper.make_node("Cast", [weight.name], [name], f"{name}.float32", to=TensorProto.FLOAT))
    nodes = [*casts, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    return small


def to_int8(model: "ModelProto", images: NDArray[np.uint8]) -> "ModelProto":
    """The same model with its net in int8: weights a channel, activations a tensor, scaling and softmax in float32.

    Static quantisation in ONNX's QDQ form, by onnxruntime's own tool.

    Args:
        model: in float32.
        images: uint8 [N, H, W], train faces that it is calibrated on.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Faces(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches: Iterator[NDArray[np.uint8]] = batches(images)

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    # The tool speaks through the root logger.
    with TemporaryDirectory() as folder, quiet("root"):
        target = Path(folder) / "int8.onnx"
        quantize_static(
            deepcopy(model),  # the tool moves the weights of what it is given into a file
            target,
            Faces(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=[node.name for node in model.graph.node if not _of_net(node)],
        )
        return onnx.load(target)


def _of_net(node: "NodeProto") -> bool:
    scopes = {entry.key: entry.value for entry in node.metadata_props}.get("pkg.torch.onnx.name_scopes", "")
    return f".{NET}'" in scopes
