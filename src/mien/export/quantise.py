"""Quantise: an ONNX model with weights in float16, for half the size, or in int8, which is also computed in int8."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.export.graph import NET, batches, quiet
from mien.model_files.facts import INPUT

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

CALIBRATION = 512
"""Train faces from which the range of the activations is measured."""

WEIGHT_LIMIT = 64
"""The largest magnitude of an int8 weight, at which products saturate on no processor.

Processors without VNNI (AVX2, plain AVX-512) multiply unsigned by signed bytes and add two such products in 16 bits,
where the sum saturates; 255 * (64 + 64) = 32,640 still fits into 32,767. See docs/decisions/0011-int8.md.
"""

ZERO = 128
"""The gray that is zero in int8: centred pixels have their zero at 127.5, which is not a byte."""

_LAYERS = {"Conv", "Gemm"}
"""Layers with weights: the second input is the kernel, output channels first, the optional third one the bias."""

_RESHAPES = {"Unsqueeze", "Reshape", "Flatten", "Pad", "Concat", "Identity"}


def to_float16(model: "ModelProto") -> "ModelProto":
    """The same model with its weights stored as float16, converted to float32 when the file is opened.

    Processors compute faster in float32 than in float16, so only the file becomes smaller. Tensors with values beyond
    float16's range stay in float32.
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
    """The same model with its net in int8: weights per channel, activations per tensor, scaling and softmax in float32.

    Static quantisation in ONNX's QDQ form, by onnxruntime's own tool. Weights have 7 bits, -64 to 64, so that
    products saturate on no processor and the file has the same output on all of them.

    Args:
        model: in float32.
        images: train faces for calibration, uint8 [N, H, W].
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

    # The tool uses the root logger.
    with TemporaryDirectory() as folder, quiet("root"):
        target = Path(folder) / "int8.onnx"
        quantize_static(
            with_whole_zero(model),
            target,
            Faces(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=[node.name for node in model.graph.node if not _of_net(node)],
        )
        return onnx.load(target)


def saturating(model: "ModelProto") -> list[str]:
    """The names of the int8 weights whose products might saturate on a processor without VNNI, whatever the input."""
    from onnx import TensorProto, numpy_helper

    kernels = (one for one in model.graph.initializer if one.data_type == TensorProto.INT8 and len(one.dims) > 1)
    return [one.name for one in kernels if np.abs(numpy_helper.to_array(one).astype(int)).max() > WEIGHT_LIMIT]


def with_whole_zero(model: "ModelProto") -> "ModelProto":
    """A copy of a float32 model in which centred pixels, x / 255 - 0.5, are centred on `ZERO` / 255 instead.

    Then the pixels are exact in int8, where a zero at 127.5 rounded each of them by half a gray. The first layers
    correct for the shift in their bias. The correction is exact except for padding zeros, which then mean gray 128. A
    model with another scaling, or whose first layers are neither convolutions nor dense, is not changed.
    """
    from onnx import numpy_helper

    shifted = deepcopy(model)  # also because onnxruntime's tool moves the weights of its input into a file
    graph = shifted.graph
    constants = {one.name: one for one in graph.initializer}
    centring = [node for node in graph.node if node.op_type == "Sub" and _is_half(constants.get(node.input[1]))]
    layers = _first_layers(graph, {node.output[0] for node in centring})
    if not all(layer.op_type in _LAYERS for layer in layers):
        return shifted
    # New constants, because the old ones may be shared with other nodes.
    for node in centring:
        zero = numpy_helper.from_array(np.array(ZERO / 255, np.float32), f"{node.output[0]}.zero")
        graph.initializer.append(zero)
        node.input[1] = zero.name
    for layer in layers:
        kernel, *bias = (numpy_helper.to_array(constants[name]).astype(np.float64) for name in layer.input[1:])
        moved = sum(bias) + (ZERO / 255 - 0.5) * kernel.reshape(len(kernel), -1).sum(1)
        moved_bias = numpy_helper.from_array(moved.astype(np.float32), f"{layer.output[0]}.bias")
        graph.initializer.append(moved_bias)
        layer.input[:] = [*layer.input[:2], moved_bias.name]
    used = {name for node in graph.node for name in node.input}
    for unused in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(unused)
    return shifted


def _is_half(constant: "TensorProto | None") -> bool:
    from onnx import numpy_helper

    return constant is not None and numpy_helper.to_array(constant).tolist() == 0.5


def _first_layers(graph: "GraphProto", names: set[str]) -> list["NodeProto"]:
    """The first nodes that compute with the tensors of these names; nodes that only reshape are skipped."""
    layers = []
    for node in graph.node:  # in the order of computing
        if names.isdisjoint(node.input):
            continue
        if node.op_type in _RESHAPES:
            names = names | set(node.output)
        else:
            layers.append(node)
    return layers


def _of_net(node: "NodeProto") -> bool:
    scopes = {entry.key: entry.value for entry in node.metadata_props}.get("pkg.torch.onnx.name_scopes", "")
    return f".{NET}'" in scopes
