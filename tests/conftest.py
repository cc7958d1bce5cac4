"""Fixtures that every test may use."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from timm_stand_in import Hub

    from mien.faces import Faces

for profile, examples in (("fast", 30), ("thorough", 300)):  # the second by --hypothesis-profile=thorough
    slow = [HealthCheck.too_slow]  # a busy machine fails no test
    settings.register_profile(profile, max_examples=examples, deadline=None, suppress_health_check=slow)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def fer2013() -> Path:
    """The folder that holds the real FER2013; the test is skipped where there is none."""
    place = Path(os.environ.get("MIEN_FER2013", Path(__file__).parents[2] / "shared" / "fer2013"))
    place = place.resolve()  # tests change their folder
    if not (place / "Q1_Train_Data.csv.bz2").exists():
        pytest.skip(f"the real FER2013 is not in {place}; set MIEN_FER2013 to the folder with its csv files")
    return place


@pytest.fixture
def small() -> "Faces":
    """Two faces of each emotion in train, one in validation and one in test, of random pixels, with votes."""
    import numpy as np

    from mien.faces import in_split_order

    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(7), 4)
    splits = np.repeat([0, 0, 1, 2], 7)
    images = rng.integers(0, 256, (28, 48, 48), np.uint8)
    return in_split_order(images, labels, splits, votes=rng.integers(0, 11, (28, 10), np.uint8), name="small")


@pytest.fixture
def csv_text() -> Callable[..., str]:
    """Makes the text of a csv file as FER2013's: `csv_text(faces)`, with or without its `Usage`."""

    def text(faces: "Faces", usage: bool = True) -> str:
        lines = ["emotion,pixels,Usage" if usage else "emotion,pixels"]
        for image, label, split in zip(faces.images, faces.labels, faces.splits, strict=True):
            pixels = " ".join(map(str, image.ravel()))
            lines.append(
                f"{label},{pixels}" + (f",{('Training', 'PublicTest', 'PrivateTest')[split]}" if usage else "")
            )
        return "\n".join(lines) + "\n"

    return text


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of mien's cache, which is empty: there is no such folder yet."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Publish drawn weights of a backbone, as its real ones were: gives the file, which is known by its SHA-256 then.

    It lies in the folder that MIEN_WEIGHTS names, and mien's cache is empty.
    """
    monkeypatch.setenv("MIEN_WEIGHTS", str(tmp_path / "published"))
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))

    def publish(name: str) -> Path:
        import torch

        from mien.nets.backbones import BACKBONES
        from mien.nets.backbones.backbone import NETWORKS

        facts = BACKBONES[name]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            network = NETWORKS[name]()
        convolutions = {place for place, module in network.named_modules() if isinstance(module, torch.nn.Conv2d)}
        biases = {f"{place}.bias" for place in convolutions}
        weights = {key: tensor for key, tensor in network.state_dict().items() if key not in biases}
        kernel, bias = facts.top
        weights |= {kernel: torch.zeros(1000, facts.features), bias: torch.zeros(1000)}
        file = tmp_path / "published" / facts.file
        file.parent.mkdir(exist_ok=True)
        torch.save(weights, file)
        content = file.read_bytes()
        known = replace(facts, sha256=sha256(content).hexdigest(), bytes=len(content), wheel=None)
        monkeypatch.setitem(BACKBONES, name, known)
        return file

    return publish


@pytest.fixture
def face_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Path]:
    """Drawn weights of the face networks, as their real ones were published, which lie where nobody looks for them."""
    from face_files import dlib_file, mobilenet_file

    from mien.nets.backbones import BACKBONES

    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MIEN_WEIGHTS", raising=False)
    files = {}
    for name, (content, _) in {"dlib_face_resnet": dlib_file(), "mobilenet_vggface2": mobilenet_file()}.items():
        facts = BACKBONES[name]
        known = replace(facts, sha256=sha256(content).hexdigest(), bytes=len(content), wheel=None)
        monkeypatch.setitem(BACKBONES, name, known)
        files[name] = tmp_path / facts.file
        files[name].write_bytes(content)
    return files


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Iterator[Hub]":
    """A stand-in for timm and for the hub that holds its weights; nothing is online yet, and mien's cache is empty."""
    from timm_stand_in import Hub, forget, modules

    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MIEN_WEIGHTS", raising=False)
    hub = Hub(tmp_path / "hub")
    for name, module in modules(hub).items():
        monkeypatch.setitem(sys.modules, name, module)
    forget()
    yield hub
    forget()


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as `mien export` writes them: a softmax over a fixed random view of the pixels."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from mien.faces import EMOTIONS
    from mien.model_files.facts import INPUT, KEY, OUTPUT, Facts

    weights = np.random.default_rng(0).normal(0, 2e-3, (48 * 48, 7)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", [INPUT], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], [OUTPUT], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", 48, 48])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", 7])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    facts = Facts(
        name="tiny",
        version="0.1.0",
        classes=EMOTIONS,
        height=48,
        width=48,
        parameters=weights.size,
        precision="float32",
        temperature=1.0,
        temperatures=(1.0,) * 7,
        tta_flip=False,
        run="r",
        study="",
        net="tiny",
        seed=0,
        data={},
        recipe={},
    )
    helper.set_model_props(model, {KEY: facts.to_json()})
    file = tmp_path_factory.mktemp("model") / "tiny.onnx"
    onnx.save(model, file)
    return file


@pytest.fixture(scope="session")
def grace() -> Path:
    """Matplotlib's portrait of Grace Hopper (NASA, public domain), 512 x 600 pixels: one face, two thirds up."""
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    if not file.exists():
        pytest.skip(f"this matplotlib comes without {file.name}")
    return file


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process whose user the system does not know, without HOME, in an empty folder."""

    def unknown(key: object) -> None:
        raise KeyError(f"not found: {key!r}")

    for name in ("HOME", "USERPROFILE", "HOMEPATH", "XDG_CACHE_HOME", "MIEN_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "empty"
