"""int8 that every processor computes alike."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from mien.errors import UserError
from mien.export import agreement as compare
from mien.export import quantise
from mien.export.agreement import agreement
from mien.export.graph import graph_of, to_onnx
from mien.export.quantise import WEIGHT_LIMIT, saturating, to_int8, with_whole_zero
from mien.export.write import export
from mien.faces import Faces
from mien.model_files.bundled import FOLDER
from mien.model_files.facts import INPUT, OUTPUT
from mien.model_files.session import open_session
from mien.nets import Net
from mien.runs.run import Run

NETS = {
    "valid": ("conv(4)", "relu", "flatten", "dense(8)", "relu", "classes"),
    "same": ("conv(4, 5, stride=2, padding='same')", "relu", "flatten", "classes"),
    "two first layers": ("residual(4, stride=2)", "global_average", "classes"),
    "dense": ("flatten", "dense(8)", "relu", "classes"),
}

BY_BATCH_NORM = ("flatten", "batch_norm", "classes")


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets int8 lose a few of the 50 validation faces, of which a single one is more than 0.3 points."""
    monkeypatch.setattr(compare, "MAX_LOSS", 0.1)


def probabilities_of(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], {INPUT: images})[0]


def greatest_sum(weights: np.ndarray, seen: np.ndarray) -> int:
    """The greatest sum of two products that stand side by side, as a processor without VNNI adds them in 16 bits."""
    products = seen.astype(int) * weights.astype(int)
    return int(np.abs(products[0::2] + products[1::2]).max())


@pytest.mark.parametrize("kind", NETS)
def test_no_product_of_an_exported_net_can_saturate(kind: str, trained, faces: Faces, tmp_path: Path) -> None:
    done = export([trained(Net("net", NETS[kind]), tta_flip=True)], faces, tmp_path / "m.onnx", "int8")
    model = onnx.load(done.file)
    kernels = [one for one in model.graph.initializer if one.data_type == onnx.TensorProto.INT8 and len(one.dims) > 1]
    assert len(kernels) >= 2
    assert saturating(model) == []
    for kernel in kernels:
        weights = onnx.numpy_helper.to_array(kernel).ravel()
        pair = np.sort(np.abs(weights))[-2:].astype(np.int8)
        assert greatest_sum(pair, np.full(2, 255, np.uint8)) <= np.iinfo(np.int16).max
    assert done.agreement.kernels < 0.02


def test_weights_of_eight_bits_are_seen(small: Run, faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    model = to_int8(to_onnx(graph_of(small), 24), faces.images[:50])
    kernel = next(
        one for one in model.graph.initializer if one.data_type == onnx.TensorProto.INT8 and len(one.dims) > 1
    )
    weights = onnx.numpy_helper.to_array(kernel).copy()
    weights.ravel()[0] = WEIGHT_LIMIT + 1
    kernel.CopyFrom(onnx.numpy_helper.from_array(weights, kernel.name))
    assert saturating(model) == [kernel.name]
    assert greatest_sum(np.int8([65, 64]), np.full(2, 255, np.uint8)) > np.iinfo(np.int16).max


@pytest.mark.parametrize("kind", NETS)
def test_a_whole_zero_changes_no_answer_but_at_a_padded_border(kind: str, trained, faces: Faces) -> None:
    model = to_onnx(graph_of(trained(Net("net", NETS[kind]), tta_flip=True)), 24)
    moved = with_whole_zero(model)
    assert moved.graph != model.graph
    images = faces.split("validation").images
    largest = np.abs(probabilities_of(moved, images) - probabilities_of(model, images)).max()
    assert largest < (1e-5 if kind in ("valid", "dense") else 5e-3)
    used = {name for node in moved.graph.node for name in node.input}
    assert {one.name for one in moved.graph.initializer} <= used, "onnxruntime warns of what nothing uses"


@pytest.mark.parametrize(("layers", "recipe"), [(BY_BATCH_NORM, {}), (NETS["valid"], {"scaling": "featurewise"})])
def test_other_scalings_and_first_layers_stay_as_they_are(layers, recipe, trained, faces: Faces) -> None:
    model = to_onnx(graph_of(trained(Net("net", layers), **recipe)), 24)
    assert with_whole_zero(model).graph == model.graph


def test_int8_takes_every_gray_as_it_is(small: Run, faces: Faces) -> None:
    """Of 256 grays no two are one, and none is rounded."""
    model = to_int8(to_onnx(graph_of(small), 24), faces.images)
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    first = next(node for node in model.graph.node if node.op_type == "QuantizeLinear")
    scale, zero = (constants[name] for name in first.input[1:3])
    pixels = np.arange(256)
    scaled = pixels.astype(np.float32) / np.float32(255) - np.float32(quantise.ZERO / 255)
    steps = scaled / scale + zero
    assert np.abs(steps - pixels).max() < 0.02
    assert np.array_equal(np.rint(steps), pixels)


def test_kernels_that_differ_from_float32_are_refused() -> None:
    labels = np.zeros(10, np.uint8)
    answers = np.tile(np.float32([0.6, 0.4]), (10, 1))
    result = agreement(answers, answers, labels)
    compare.check(result, "int8")
    for kernels in (0.03, float("nan")):
        with pytest.raises(UserError, match="on this processor a probability in int8 differs"):
            compare.check(type(result)(**{**vars(result), "kernels": kernels}), "int8")


def as_a_haswell(*words: str) -> subprocess.CompletedProcess[str]:
    """A Python on a processor with AVX2 and no VNNI, as qemu emulates it."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        pytest.skip("emulating another processor needs qemu-x86_64 (Debian: qemu-user)")
    return subprocess.run(
        [emulator, "-cpu", "Haswell", sys.executable, *words],
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


ANSWERS = """
import sys
import numpy as np
from mien.predict.classifier import Classifier
images = np.load(sys.argv[1])
np.save(sys.argv[3], Classifier(sys.argv[2]).probabilities(images))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fast", "a net of eight bits, as older files have them"])
def test_a_processor_without_vnni_says_the_same(
    kind: str, trained, faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "fast":
        file, images = FOLDER / "fast.onnx", np.tile(faces.images[:50], (1, 2, 2))
    else:
        monkeypatch.setattr("mien.export.write.saturating", lambda model: [])
        monkeypatch.setattr("mien.export.write.to_int8", in_eight_bits)
        monkeypatch.setattr(compare, "TOLERANCE", 1)  # as here, where this processor's products saturate too
        run = trained(Net("net", ("conv(32)", "relu", "conv(32)", "relu", "flatten", "classes")), epochs=4)
        file, images = export([run], faces, tmp_path / "old.onnx", "int8").file, faces.images[:50]
        forget_reference(file)
    np.save(tmp_path / "images.npy", images)
    done = as_a_haswell("-c", ANSWERS, str(tmp_path / "images.npy"), str(file), str(tmp_path / "emulated.npy"))
    assert done.returncode == 0, done.stderr[-2000:]
    here = open_session(file, exact=True).run([OUTPUT], {INPUT: images})[0]
    assert np.abs(np.load(tmp_path / "emulated.npy") - here).max() < 0.02


@pytest.mark.slow
def test_best_gives_its_answers_on_a_processor_without_vnni() -> None:
    done = as_a_haswell("-m", "mien", "models", "check", "best")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def in_eight_bits(model: onnx.ModelProto, images: np.ndarray) -> onnx.ModelProto:
    """As files were quantised before their weights had seven bits."""
    from unittest.mock import patch

    from onnxruntime import quantization

    def whole(*words, **options):
        return original(*words, **options | {"reduce_range": False})

    original = quantization.quantize_static
    with patch.object(quantization, "quantize_static", whole):
        return to_int8(model, images)


def forget_reference(file: Path) -> None:
    """Leave out of a file's facts what older ones do not have."""
    import json

    model = onnx.load(file)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    facts = json.loads(entries["mien"])
    del facts["reference"], entries["mien.reference_faces"]
    onnx.helper.set_model_props(model, entries | {"mien": json.dumps(facts)})
    onnx.save(model, file)
