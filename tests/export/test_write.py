"""A finished run as one ONNX file: the same answers, whatever the net; refused where they are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from mien.errors import UserError
from mien.export import agreement as compare
from mien.export import write
from mien.export.graph import graph_of
from mien.export.temperature import Temperatures
from mien.export.write import Exported, export
from mien.faces import Faces
from mien.model_files.facts import INPUT, OUTPUT, read_facts
from mien.nets import Net
from mien.runs.run import Run

KINDS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "dense": (("flatten", "dense(16)", "elu", "dropout(0.2)", "classes"), {}),
    "strided": (("conv(4, 4, stride=2, padding='same')", "silu", "average_pool", "flatten", "classes"), {}),
    "residual, mirror": (("conv(4)", "gelu", "residual(6, stride=2)", "global_average", "classes"), {"tta_flip": True}),
    "squeezed": (("conv(8)", "residual(8, squeeze=4)", "global_average", "classes"), {}),
    "zooms": (("conv(4)", "relu", "pool", "flatten", "classes"), {"tta_flip": True, "tta_scales": (0.8, 1.1)}),
    "zca": (("flatten", "dense(8)", "batch_norm", "tanh", "classes"), {"scaling": "featurewise", "whitening": "zca"}),
    "standardised, average": (("flatten", "sigmoid", "classes"), {"scaling": "standardised", "ema_decay": 0.9}),
}


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets int8 lose a few of the 50 validation faces, of which a single one is more than 0.3 points."""
    monkeypatch.setattr(compare, "MAX_LOSS", 0.1)


def probabilities_of(path: Path, images: np.ndarray) -> np.ndarray:
    """What a file says, without anything of mien's."""
    return onnxruntime.InferenceSession(path).run([OUTPUT], {INPUT: images})[0]


def check_file(path: Path, run: Run, faces: Faces) -> None:
    """It says what torch says in float32, whatever the number of faces."""
    images = faces.split("validation").images
    graph = graph_of(run)
    facts = read_facts(path)
    truth = Temperatures(facts.temperature, facts.temperatures).apply(graph.logits(images).numpy())
    assert np.abs(probabilities_of(path, images) - truth).max() < 1e-4
    for count in (1, 5):
        assert np.abs(probabilities_of(path, images[:count]) - truth[:count]).max() < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_says_what_torch_says(kind: str, trained, faces: Faces, tmp_path: Path) -> None:
    layers, recipe = KINDS[kind]
    run = trained(Net("net", layers), **recipe)
    done = export([run], faces, tmp_path / "net.onnx")
    check_file(done.file, run, faces)
    assert done.agreement.largest < 1e-4
    assert done.agreement.same == 1
    assert done.facts.tta_flip == bool(recipe.get("tta_flip"))
    assert read_facts(done.file).tta_scales == recipe.get("tta_scales", ())


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("mobilenet_v2", marks=pytest.mark.slow),
        pytest.param("mobilenet_v2(size=16)", marks=pytest.mark.slow),
        pytest.param("efficientnet_lite0(thaw=1, size=32)", marks=pytest.mark.slow),
        pytest.param("resnet50", marks=pytest.mark.slow),
    ],
)
def test_a_backbone_goes_with_its_net(word: str, trained, faces: Faces, tmp_path: Path, publish: Callable) -> None:
    publish(word.partition("(")[0])
    run = trained(Net("net", (word, "classes")))
    check_file(export([run], faces, tmp_path / "net.onnx").file, run, faces)


def test_the_facts_tell_where_it_comes_from_and_what_it_is_worth(
    small: Run, small_export: Exported, faces: Faces
) -> None:
    done = small_export
    facts = read_facts(done.file)
    assert facts == done.facts
    assert (facts.name, facts.run, facts.net, facts.seed, facts.study) == ("tiny", small.id, "small", 0, "")
    assert (facts.height, facts.width, facts.classes) == (24, 24, faces.classes)
    assert (facts.licence, facts.note, facts.recipe) == ("MIT", "For trying out.", small.recipe.changes())
    assert facts.layers == small.net.layers
    assert facts.parameters == small.status.parameters
    assert facts.data["fingerprint"] == faces.fingerprint
    assert done.bytes == done.file.stat().st_size
    for split in ("validation", "test"):
        part = faces.split(split)
        correct = probabilities_of(done.file, part.images).argmax(1) == part.labels
        assert facts.scores[f"{split}_accuracy"] == correct.mean()
        assert facts.scores[f"{split}_low"] <= correct.mean() <= facts.scores[f"{split}_high"]
        assert sum(one["support"] for one in facts.scores[f"{split}_per_class"].values()) == len(part)


def test_temperatures_change_how_sure_it_is_and_no_answer(
    small: Run, small_export: Exported, faces: Faces, tmp_path: Path
) -> None:
    images = faces.split("validation").images
    fitted, plain = small_export, export([small], faces, tmp_path / "m.onnx", temperature=False)
    assert {plain.facts.temperature, *plain.facts.temperatures} == {1}
    assert len({fitted.facts.temperature, *fitted.facts.temperatures}) > 2
    assert plain.facts.scores["validation_ece"] == pytest.approx(fitted.facts.scores["validation_ece_before"], abs=1e-5)
    assert fitted.facts.scores["validation_nll"] < plain.facts.scores["validation_nll"]
    logits = graph_of(small).logits(images)
    assert np.array_equal(probabilities_of(plain.file, images).argmax(1), logits.argmax(1).numpy())


def test_the_adjustment_takes_back_how_common_each_class_is_in_train(small: Run, faces: Faces, tmp_path: Path) -> None:
    validation = faces.split("validation")
    plain = graph_of(small).logits(validation.images).numpy()
    counts = np.bincount(faces.split("train").labels, minlength=len(faces.classes))
    for share in (0.5, 1.0):
        done = export([small], faces, tmp_path / "m.onnx", logit_adjustment=share)
        assert read_facts(done.file).logit_adjustment == share
        shifted = plain - share * np.log(counts / counts.sum())
        expected = Temperatures(done.facts.temperature, done.facts.temperatures).apply(shifted)
        assert np.abs(probabilities_of(done.file, validation.images) - expected).max() < 1e-4


def test_several_runs_are_one_file_that_says_the_mean_of_their_probabilities(trained, faces, tmp_path: Path) -> None:
    runs = [
        trained(Net("a", KINDS["zooms"][0]), test=True, tta_scales=(0.8,)),
        trained(Net("b", KINDS["dense"][0])),
    ]
    images = faces.split("validation").images
    done = export(runs, faces, tmp_path / "m.onnx", temperature=False, net="both")
    each = [graph_of(run).logits(images).softmax(1).numpy() for run in runs]
    assert np.abs(probabilities_of(done.file, images) - np.mean(each, axis=0)).max() < 1e-5
    weighed = export(runs, faces, tmp_path / "w.onnx", temperature=False, net="both", weights=(0.9, 0.1))
    assert np.abs(probabilities_of(weighed.file, images) - 0.9 * each[0] - 0.1 * each[1]).max() < 1e-5
    assert np.abs(each[0] - each[1]).max() > 0.1
    assert [one["weight"] for one in weighed.facts.members] == [0.9, 0.1]
    assert done.trained_accuracy == pytest.approx(done.agreement.accuracy, abs=0.03)
    facts = read_facts(done.file)
    assert facts.to_json() == done.facts.to_json()
    assert (facts.net, facts.run) == ("both", f"{runs[0].id} + {runs[1].id}")
    assert [(one["run"], one["net"], tuple(one["layers"])) for one in facts.members] == [
        (run.id, run.net.name, run.net.layers) for run in runs
    ]
    assert facts.parameters == sum(run.status.parameters for run in runs)
    assert "test_accuracy" not in facts.scores, "test was opened for the first of them alone"


@pytest.mark.slow
@pytest.mark.usefixtures("lenient")
def test_several_runs_in_int8_are_quantised_each(trained, faces: Faces, tmp_path: Path) -> None:
    runs = [trained(seed=seed, epochs=6, learning_rate=0.01) for seed in (0, 1)]
    done = export(runs, faces, tmp_path / "m.onnx", "int8")
    assert done.agreement.same > 0.9
    alone = [quantised(export([run], faces, tmp_path / "one.onnx", "int8").file) for run in runs]
    assert quantised(done.file) == sum(alone) > 0


def test_test_is_not_looked_at_unless_its_study_did(trained, faces: Faces, tmp_path: Path) -> None:
    run = trained()
    done = export([run], faces, tmp_path / "m.onnx")
    assert "validation_accuracy" in done.facts.scores
    assert not [name for name in done.facts.scores if name.startswith("test")]
    assert run.status.test_opened == ""


@pytest.mark.slow
def test_a_mirrored_face_gets_the_same_answer_where_the_recipe_asks_for_mirrors(trained, faces, tmp_path) -> None:
    images = faces.split("validation").images
    flipped = np.ascontiguousarray(images[:, :, ::-1])
    for mirror, same in ((True, True), (False, False)):
        file = export([trained(tta_flip=mirror)], faces, tmp_path / f"{mirror}.onnx").file
        assert np.allclose(probabilities_of(file, images), probabilities_of(file, flipped), atol=1e-5) == same


@pytest.mark.slow
@pytest.mark.usefixtures("lenient")
def test_smaller_numbers_make_smaller_files_of_the_same_answers(small: Run, faces: Faces, tmp_path: Path) -> None:
    sizes = {}
    for precision in ("float32", "float16", "int8"):
        done = export([small], faces, tmp_path / f"{precision}.onnx", precision)
        sizes[precision] = weights_in(done.file)
        assert done.facts.precision == precision
        assert done.agreement.same > 0.9
        assert probabilities_of(done.file, faces.images[:3]).sum(1) == pytest.approx(1, abs=1e-5)
    assert sizes["float16"] < 0.55 * sizes["float32"]
    assert sizes["int8"] < 0.4 * sizes["float32"]


def quantised(path: Path) -> int:
    """How many tensors of a file are kept in int8."""
    return sum(weight.data_type == onnx.TensorProto.INT8 for weight in onnx.load(path).graph.initializer)


def weights_in(path: Path) -> int:
    """Bytes that the weights of a file take."""
    return sum(len(weight.raw_data) for weight in onnx.load(path).graph.initializer)


@pytest.mark.usefixtures("lenient")
def test_int8_leaves_scaling_and_softmax_in_float32(trained, faces: Faces, tmp_path: Path) -> None:
    run = trained(whitening="zca")
    model = onnx.load(export([run], faces, tmp_path / "m.onnx", "int8").file)
    givers = {name: node for node in model.graph.node for name in node.output}
    whitening = max((weight for weight in model.graph.initializer), key=lambda weight: len(weight.raw_data))
    assert whitening.data_type == onnx.TensorProto.FLOAT
    softmax = givers[OUTPUT]
    assert softmax.op_type == "Softmax"
    assert givers[softmax.input[0]].op_type not in ("DequantizeLinear", "QuantizeLinear")


def test_the_file_tells_nothing_of_the_machine(small_export: Exported) -> None:
    content = small_export.file.read_bytes()
    assert str(Path(write.__file__).parent).encode() not in content
    assert b"site-packages" not in content
    assert b".py" not in content


@pytest.mark.usefixtures("lenient")
def test_exporting_twice_gives_the_same_weights_and_answers(small: Run, faces: Faces, tmp_path: Path) -> None:
    a, b = (onnx.load(export([small], faces, tmp_path / "m.onnx", "int8").file) for _ in range(2))
    assert a.graph == b.graph


def test_a_file_that_differs_is_refused_and_the_old_one_stays(
    small: Run, faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(graph, size):
        model = to_onnx(graph, size)
        last = next(weight for weight in model.graph.initializer if weight.name.endswith("classes_1.weight"))
        last.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(last), last.name))
        return model

    to_onnx = write.to_onnx
    monkeypatch.setattr(write, "to_onnx", spoilt)
    (tmp_path / "old.onnx").write_bytes(b"old")
    with pytest.raises(UserError, match=r"not exported: on 50 validation faces a probability differs .* same answer"):
        export([small], faces, tmp_path / "old.onnx")
    with pytest.raises(UserError, match=r"not exported: in float16 the validation accuracy is .* in float32"):
        export([small], faces, tmp_path / "new.onnx", "float16")
    assert [path.name for path in tmp_path.iterdir()] == ["old.onnx"]
    assert (tmp_path / "old.onnx").read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_reported(small: Run, faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"m\.onnx: cannot be written: "):
        export([small], faces, tmp_path / "file" / "m.onnx")
