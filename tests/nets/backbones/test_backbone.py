"""Backbones as layers: their counts, what they see, what is frozen, and that they compute what was published."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mien.nets import ZOO, Model, Net, build, check, parameters, summary, trainable
from mien.nets.backbones import BACKBONES
from mien.nets.backbones.backbone import NETWORKS, Backbone
from mien.nets.backbones.conv import Conv, SameConv
from mien.nets.backbones.weights import find, load

Publish = Callable[[str], Path]


@pytest.mark.parametrize(
    ("name", "count", "fitted"),
    [
        ("ft_1", 25_690_503, 2_102_791),
        ("ft_2", 3_967_559, 1_709_575),
        ("ft_3", 3_967_559, 1_709_575),
    ],
)
def test_the_courses_nets_have_its_counts(name: str, count: int, fitted: int) -> None:
    assert (parameters(ZOO[name]), trainable(ZOO[name])) == (count, fitted)
    assert summary(ZOO[name])[0].trainable == 0
    assert ZOO[name].kind == "cnn"


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("mobilenet_v2", 19),
        ("efficientnet_lite0", 18),
        ("resnet50", 17),
        ("dlib_face_resnet", 14),
        ("mobilenet_vggface2", 14),
    ],
)
def test_every_block_can_be_thawed_and_no_more(name: str, blocks: int) -> None:
    counts = [trainable(Net("n", (f"{name}(thaw={thaw}, size=96)", "classes"))) for thaw in (0, 1, blocks - 1, blocks)]
    assert counts[0] == BACKBONES[name].features * 7 + 7
    assert sorted(set(counts)) == counts
    vain = 26_560 if name == "resnet50" else 0  # biases that a batch normalisation follows
    published = sum(weight.numel() for weight in NETWORKS[name]().parameters()) - vain
    assert counts[-1] == counts[0] + published
    (problem,) = check(Net("n", (f"{name}(thaw={blocks + 1})", "classes")))
    assert f"thaw = {blocks + 1}, but it has {blocks} blocks" in problem


def test_a_backbone_stands_first() -> None:
    assert check(Net("n", ("pool", "mobilenet_v2", "classes"))) == [
        "nets.n.layers[1]: mobilenet_v2 must be the first layer: it sees the face itself"
    ]


def test_the_net_tells_its_backbone() -> None:
    assert Net("n", ("word", "classes"), {"word": "resnet50(2)"}).backbone == BACKBONES["resnet50"]
    assert ZOO["cnn_1"].backbone is None
    assert Net("n", ("conv(", "classes")).backbone is None


def test_a_face_is_seen_as_the_pictures_it_learnt_from(publish: Publish) -> None:
    publish("mobilenet_v2")
    backbone = build(Net("n", ("mobilenet_v2(size=40)", "classes")), size=24)[0].eval()
    assert isinstance(backbone, Backbone)
    seen: list[torch.Tensor] = []
    backbone.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.rand(2, 1, 24, 24, generator=torch.Generator().manual_seed(0)) - 0.5
    features = backbone(x)
    larger = F.interpolate(x + 0.5, (40, 40), mode="bilinear")
    for channel, (mean, std) in enumerate(zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)):
        assert torch.allclose(seen[0][:, channel], (larger[:, 0] - mean) / std, atol=1e-5)
    assert torch.allclose(features, backbone.network(seen[0]).mean((2, 3)))
    assert features.shape == (2, 1280)


def test_making_a_face_smaller_smooths_it(publish: Publish) -> None:
    publish("mobilenet_v2")
    backbone = build(Net("n", ("mobilenet_v2(size=12)", "classes")), size=48)[0].eval()
    seen: list[torch.Tensor] = []
    backbone.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    chequered = (torch.arange(48)[:, None] + torch.arange(48)) % 2 - 0.5
    backbone(chequered[None, None])
    assert seen[0][0, 0, 2:-2, 2:-2].std() < 0.1


def thawed(publish: Publish, thaw: int) -> Model:
    publish("mobilenet_v2")
    return build(Net("n", (f"mobilenet_v2(thaw={thaw})", "dense(8)", "relu", "classes")), size=32).train()


def test_only_what_is_thawed_changes(publish: Publish) -> None:
    model = thawed(publish, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([weight for weight in model.parameters() if weight.requires_grad], 1.0)
    x = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5
    for _ in range(2):
        model.zero_grad()
        F.cross_entropy(model(x), torch.arange(8) % 7).backward()
        optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    parts = {".".join(name.split(".")[:4]) for name in changed}
    assert {part for part in parts if "mobilenet" in part} == {
        f"mobilenet_v2_1.network.features.{block}" for block in (17, 18)
    }
    assert {name for name in changed if "running_mean" in name} == {
        f"mobilenet_v2_1.network.features.{place}.running_mean"
        for place in ("17.conv.0.1", "17.conv.1.1", "17.conv.3", "18.1")
    }
    assert any(name.startswith("dense_1") for name in changed)


@pytest.mark.parametrize("thaw", [0, 2, 19])
def test_depths_hold_everything_that_is_trained_once(thaw: int, publish: Publish) -> None:
    model = thawed(publish, thaw)
    depths = model.depths()
    assert [depth for depth, _ in depths] == list(range(thaw + 1))
    assert len(depths[0][1]) == 4
    entries = [id(weight) for _, weights in depths for weight in weights]
    assert len(entries) == len(set(entries))
    assert set(entries) == {id(weight) for weight in model.parameters() if weight.requires_grad}
    if thaw:
        last = model.get_submodule("mobilenet_v2_1.network.features.18")
        assert {id(weight) for weight in depths[1][1]} == {id(weight) for weight in last.parameters()}
    assert model.frozen == (thaw == 0)
    assert len(list(model.learnt)) == 4 - model.frozen


@pytest.mark.parametrize("name", [name for name, facts in BACKBONES.items() if facts.top])
def test_published_weights_are_taken_whole(name: str, publish: Publish) -> None:
    publish(name)
    model = build(Net("n", (name, "classes")), size=32)
    ours = model[0].network.state_dict()
    facts = BACKBONES[name]
    theirs = {key: tensor for key, tensor in load(facts).items() if key not in facts.top}
    assert all(torch.equal(ours[key], tensor) for key, tensor in theirs.items())
    rest = {key for key in ours if key not in theirs}
    assert len(rest) == (53 if name == "resnet50" else 0)
    assert all(not ours[key].any() for key in rest)
    assert torch.isfinite(model.eval()(torch.zeros(1, 1, 32, 32))).all()


@pytest.mark.parametrize(
    ("make", "side"),
    [
        (lambda: Conv(8, 16, 1, bias=True), 5),
        (lambda: Conv(8, 16, 1, stride=2, bias=True), 5),
        (lambda: Conv(8, 8, 3, stride=2, groups=8), 6),
        (lambda: Conv(8, 8, 3, stride=2, groups=8), 7),
        (lambda: Conv(8, 8, 3, groups=8), 2),
        (lambda: Conv(8, 8, 3, groups=8), 1),
        (lambda: Conv(8, 8, 5, groups=8), 2),
        (lambda: Conv(8, 12, 3, stride=2), 2),
        (lambda: Conv(3, 8, 7, stride=2), 5),
        (lambda: SameConv(8, 8, 5, 2, groups=8), 6),
        (lambda: SameConv(3, 8, 3, 2), 7),
    ],
)
def test_a_convolution_in_bfloat16_is_the_one_in_float32_but_for_rounding(
    make: Callable[[], nn.Conv2d], side: int
) -> None:
    torch.manual_seed(0)
    convolution = make()
    x = torch.randn(4, convolution.in_channels, side, side, requires_grad=True)
    actual = []
    for cast in (False, True):
        x.grad = convolution.weight.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=cast):
            y = convolution(x)
        weigh = torch.arange(y.numel(), dtype=torch.float32).view(y.shape).sin()
        (y.float() * weigh).sum().backward()
        assert x.grad is not None
        assert convolution.weight.grad is not None
        actual.append((y.detach().float(), x.grad.clone(), convolution.weight.grad.clone()))
    for exact, rounded in zip(*actual, strict=True):
        assert exact.shape == rounded.shape
        assert ((exact - rounded).norm() / exact.norm()).item() < 0.02


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite0"])
def test_with_the_real_weights_a_palace_is_a_palace(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn's china.jpg, the Summer Palace: ImageNet's class 698, palace."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    facts = BACKBONES[name]
    if find(facts) is None:
        pytest.skip(f"the weights of {name} are not here; {facts.ways[0]}")
    from PIL import Image
    from sklearn.datasets import load_sample_image

    picture = Image.fromarray(load_sample_image("china.jpg")).resize((384, 256)).crop((80, 16, 304, 240))
    x = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
    x = (x - torch.tensor(facts.mean).view(3, 1, 1)) / torch.tensor(facts.std).view(3, 1, 1)
    backbone = Backbone(facts, 0, None)
    backbone.load_published()
    weights = load(facts)
    with torch.no_grad():
        features = backbone.eval().network(x).mean((2, 3))
        classes = F.linear(features, *(weights[part] for part in facts.top)).softmax(1)
    assert classes.argmax().item() == 698
    assert classes.max().item() > 0.3
