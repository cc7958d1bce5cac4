"""Quantise: an ONNX model with smaller numbers: float16 to be stored in half the space, int8 to compute with too."""

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
"""Train faces that show how large the activations become."""

WEIGHT_LIMIT = 64
"""The greatest magnitude of an int8 weight, so that no processor's products saturate.

Processors without VNNI (AVX2, plain AVX-512) multiply unsigned by signed bytes and add two such products in 16 bits,
where the sum saturates; 255 * (64 + 64) = 32,640 still fits into 32,767. See docs/decisions/0011-int8.md.
"""

ZERO = 128
"""The gray that int8 takes for the pixels' zero: centred pixels have theirs at 127.5, which no byte can be."""

_LAYERS = {"Conv", "Gemm"}
"""Of their nodes' inputs the second is the kernel, output channels first, and the third, where there is one, the bias.
"""

_LAID_OUT = {"Unsqueeze", "Reshape", "Flatten", "Pad", "Concat", "Identity"}


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

    Static quantisation in ONNX's QDQ form, by onnxruntime's own tool. Weights have 7 bits, -64 to 64, so that no
    processor's products saturate: the file says the same on all of them.

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

    Then pixels are whole 255ths from a zero that a byte can be, and int8 takes them as they are; from 127.5 each was
    rounded by half a gray. The layers that see the pixels make up for the shift in their bias: exactly, but for the
    zeros of a padding, which mean gray 128 then. A model that scales otherwise, or whose first layers are neither
    convolutions nor dense, stays as it is.
    """
    from onnx import numpy_helper

    shifted = deepcopy(model)  # also, onnxruntime's tool moves the weights of what it is given into a file
    graph = shifted.graph
    constants = {one.name: one for one in graph.initializer}
    centring = [node for node in graph.node if node.op_type == "Sub" and _is_half(constants.get(node.input[1]))]
    layers = _first_layers(graph, {node.output[0] for node in centring})
    if not all(layer.op_type in _LAYERS for layer in layers):
        return shifted
    # New constants, as equal ones may be shared with other nodes.
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
    """The nodes that first compute with what stands under some names; what only lays it out anew is passed through."""
    found = []
    for node in graph.node:  # in the order of computing
        if names.isdisjoint(node.input):
            continue
        if node.op_type in _LAID_OUT:
            names = names | set(node.output)
        else:
            found.append(node)
    return found


def _of_net(node: "NodeProto") -> bool:
    scopes = {entry.key: entry.value for entry in node.metadata_props}.get("pkg.torch.onnx.name_scopes", "")
    return f".{NET}'" in scopes
