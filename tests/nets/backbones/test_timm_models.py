"""timm's models as backbones, on a stand-in for timm; the last tests are of the real one, where it can be imported."""

import builtins
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file
from timm_stand_in import SIZE, Hub, Tiny, forget, published
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.nets import Net, build, check, missing_weights, parameters, summary, trainable
from mien.nets.backbones import AbsentError, timm_models
from mien.nets.backbones.backbone import Backbone
from mien.nets.backbones.timm_models import facts_of
from mien.nets.backbones.timm_network import TimmNetwork
from mien.nets.backbones.weights import add, fetch, find

NAME = "tiny.a_in1k"
NET = Net("mine", (f"timm('{NAME}')", "classes"))


def put(hub: Hub, name: str = NAME, seed: int = 1) -> bytes:
    """Put weights online."""
    content: bytes = save(published(name, seed))
    hub.online[f"timm/{name}"] = content
    return content


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["backbones", *arguments], catch_exceptions=False, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def test_planning_downloads_nothing_and_tells_how_weights_come(hub: Hub) -> None:
    put(hub)
    assert check(NET) == []
    assert missing_weights(NET) == (
        f"timm/{NAME}: its weights are not here; get them by: mien backbones fetch timm/{NAME}, "
        f"or: mien backbones add path/to/{NAME}.safetensors"
    )
    with pytest.raises(UserError, match="its weights are not here"):
        build(NET)
    assert hub.downloads == []


def test_fetched_weights_compute_what_timms_own_model_does(hub: Hub) -> None:
    put(hub)
    assert "weights saved, SHA-256" in run("fetch", f"timm/{NAME}")
    assert missing_weights(NET) == ""
    model = build(NET).eval()
    theirs = Tiny(NAME).eval()
    theirs.load_state_dict(published(NAME))
    theirs.reset_classifier(0)
    x = torch.rand(3, 1, 48, 48, generator=torch.Generator().manual_seed(0)) - 0.5
    mean, std = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1), torch.tensor([0.2, 0.2, 0.1]).view(3, 1, 1)
    with torch.no_grad():
        assert torch.allclose(model[0](x), theirs((x + 0.5 - mean) / std), atol=1e-6)
    assert hub.downloads == [f"timm/{NAME}/model.safetensors"]


def test_facts_are_timms_and_the_files(hub: Hub) -> None:
    content = put(hub)
    before = facts_of(NAME)
    assert (before.sha256, before.bytes, find(before)) == ("", 0, None)
    facts = fetch(f"timm/{NAME}")
    assert (facts.mean, facts.std) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))
    assert (facts.size, facts.channels, facts.features) == (SIZE, 3, 8)
    assert (facts.licence, facts.paper) == ("apache-2.0", "timm's tiny, arXiv:2110.00476")
    assert facts.source == f"https://huggingface.co/timm/{NAME}, network of timm 1.0.stand-in"
    assert (facts.bytes, len(facts.sha256)) == (len(content), 64)
    assert NET.backbone == facts
    assert NET.kind == "cnn"


def test_the_cache_of_the_hub_and_a_named_folder_are_looked_into(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(hub)
    hub.hf_hub_download(f"timm/{NAME}", "model.safetensors")
    assert missing_weights(NET) == ""
    save_file(published("tiny.b_in1k"), tmp_path / "tiny.b_in1k.safetensors")
    other = Net("other", ("timm(name='tiny.b_in1k')", "classes"))
    assert missing_weights(other) != ""
    monkeypatch.setenv("MIEN_WEIGHTS", str(tmp_path))
    assert missing_weights(other) == ""
    # Once they are kept, their source may go.
    (tmp_path / "tiny.b_in1k.safetensors").unlink()
    build(other)


def test_what_the_model_computes_by_itself_is_there_however_it_is_built(hub: Hub) -> None:
    put(hub)
    fetch(f"timm/{NAME}")
    model = build(NET)
    again = build(NET, pretrained=False)
    again.load_state_dict(model.state_dict())
    for built in (model, again):
        assert built.get_buffer("timm_1.network.model.computed").item() == 3


def test_stages_are_what_is_thawed(hub: Hub) -> None:
    put(hub)
    fetch(f"timm/{NAME}")
    counts = [trainable(Net("n", (f"timm('{NAME}', thaw={thaw})", "classes"))) for thaw in range(4)]
    stem, first, last = 4 * 27 + 8, 6 * 36 + 6, 8 * 54 + 8 + 16
    head = 8 * 7 + 7
    assert counts == [head, head + last, head + last + first, head + last + first + stem]
    assert parameters(NET) == head + stem + 8 + first + last + 16 + 1  # running values, and what it computes
    (problem,) = check(Net("n", (f"timm('{NAME}', 4)", "classes")))
    assert "thaw = 4, but it has 3 blocks" in problem
    backbone = build(Net("n", (f"timm('{NAME}', thaw=1)", "classes")))[0].train()
    assert isinstance(backbone, Backbone)
    assert not backbone.network.get_submodule("model.bn1").training
    assert backbone.network.get_submodule("model.norm").training


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("timm('tiny')", "timm 1.0.stand-in has no pretrained model called 'tiny'; did you mean 'tiny.a_in1k' or 'ti"),
        ("timm('fixd.a_in1k')", "did you mean 'fixed.a_in1k'"),
        ("timm('zzz')", "no pretrained model called 'zzz'"),
        ("timm(tiny)", "hyper-parameter 'tiny' is not bound to a value (no hyper-parameter is); a text needs quotes"),
        ("timm", "timm needs name: timm(name, thaw=0, size=None)"),
        ("timm(3)", "timm: name = 3 should be a valid string"),
        (
            "timm('fixed.a_in1k')",
            "it cannot take 48x48 pixels (Input height (48) doesn't match model (32).); set its size; it was",
        ),
    ],
)
def test_mistakes_are_reported(hub: Hub, word: str, message: str) -> None:
    (problem,) = check(Net("n", (word, "classes")))
    assert problem.startswith("nets.n.layers[0]: ")
    assert message in problem


def test_its_size_helps_a_model_that_takes_no_other(hub: Hub) -> None:
    assert check(Net("n", (f"timm('fixed.a_in1k', size={SIZE})", "classes"))) == []
    assert check(Net("n", ("pool", f"timm('{NAME}')", "classes"))) == [
        "nets.n.layers[1]: timm must be the first layer: it sees the face itself"
    ]
    bound = Net("n", ("timm(model, n)", "classes"), {"model": NAME, "n": 1})
    assert check(bound) == []
    assert bound.backbone == facts_of(NAME)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("norm.weight"), "Missing key.* norm.weight|Missing key.*norm.weight"),
        (lambda weights: weights.update(strange=torch.zeros(1)), "Unexpected key.*strange"),
        (lambda weights: weights.update({"bn1.bias": torch.zeros(5)}), "size mismatch for bn1.bias"),
    ],
)
def test_weights_of_another_model_are_refused(
    hub: Hub, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], Any], message: str
) -> None:
    weights = published(NAME)
    change(weights)
    file = tmp_path / f"{NAME}.safetensors"
    save_file(weights, file)
    with pytest.raises(UserError, match=rf"does not hold the weights of timm's {NAME}: .*({message})"):
        add(file)
    assert missing_weights(NET) != ""


def test_files_that_are_not_what_they_are_called_are_refused(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.safetensors"
    with pytest.raises(UserError, match="cannot be read: no such file or directory"):
        add(file)
    # A pickle under that name is not read as one.
    torch.save(published(NAME), file)
    with pytest.raises(UserError, match="does not hold the weights of timm's"):
        add(file)
    other = tmp_path / "model.safetensors"
    save_file(published(NAME), other)
    with pytest.raises(UserError, match="has no pretrained model called 'model'"):
        add(other)
    save_file(published(NAME), file)
    assert run("add", str(file)).startswith(f"timm/{NAME}: weights saved, SHA-256 ")


def test_a_file_that_the_hub_published_otherwise_is_refused(hub: Hub) -> None:
    put(hub)
    link = Path(hub.hf_hub_download(f"timm/{NAME}", "model.safetensors"))
    link.resolve().write_bytes(save(published(NAME, seed=2)))
    with pytest.raises(UserError, match=r"model\.safetensors: damaged: its SHA-256 is .*, published is .*; remove it"):
        facts_of(NAME)
    (problem,) = check(NET)
    assert "damaged" in problem


def test_what_cannot_be_fetched_is_reported(hub: Hub) -> None:
    with pytest.raises(UserError, match=r"model\.safetensors of timm/tiny\.a_in1k cannot be fetched: cannot reach"):
        fetch(f"timm/{NAME}")
    with pytest.raises(UserError, match=r"not on Hugging Face's hub; get it by: mien backbones add offline\.a_in1k\."):
        fetch("timm/offline.a_in1k")
    assert facts_of("offline.a_in1k").ways == []
    with pytest.raises(UserError, match="no pretrained model called 'nothing'"):
        fetch("timm/nothing")


def test_newer_weights_take_the_place_of_older(hub: Hub) -> None:
    put(hub)
    old = fetch(f"timm/{NAME}")
    before = build(NET)[0]
    put(hub, seed=2)
    new = fetch(f"timm/{NAME}")
    after = build(NET)[0]
    assert old.sha256 != new.sha256 == facts_of(NAME).sha256
    assert find(old) is None
    assert isinstance(before, Backbone)
    assert isinstance(after, Backbone)
    assert before.fingerprint != after.fingerprint


def test_the_list_has_those_that_are_here(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "timm" not in run()
    put(hub, "fixed.a_in1k")
    facts = fetch("timm/fixed.a_in1k")
    listed = json.loads(run("--json"))[-1]
    assert (listed["name"], listed["sha256"], listed["here"]) == (facts.name, facts.sha256, str(find(facts)))
    (row, _) = summary(Net("n", ("timm('fixed.a_in1k')", "classes")), SIZE)
    assert listed["parameters"] == row.parameters
    assert re.search(r"^timm/fixed\.a_in1k +here ", run(), re.MULTILINE)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ModuleNotFoundError("No module named 'timm'", name="timm"),
            "needs timm, which is not installed; get it by: ",
        ),
        (
            ModuleNotFoundError("No module", name="torchvision"),
            "needs torchvision, which is not installed; get it by: ",
        ),
        (RuntimeError("operator torchvision::nms\ndoes not exist"), "operator torchvision::nms does not exist; torch"),
        (
            OSError("libcudart.so.13: cannot open"),
            "libcudart.so.13: cannot open; torch and torchvision must be of the",
        ),
    ],
)
def test_without_timm_the_command_is_reported(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.delitem(sys.modules, "timm")
    forget()
    imported = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "timm":
            raise error
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert check(NET) == []  # what is absent is no mistake of the net's
    assert check(Net("other", (f"timm('{NAME}')", "densse(8)", "classes")))[0].startswith("nets.other.layers[1]: ")
    reason = missing_weights(NET)
    assert reason.startswith(f"timm('{NAME}'): ")
    assert message in reason
    assert "pip install" in reason
    assert NET.backbone is None
    with pytest.raises(AbsentError, match=r"^nets\.mine\.layers\[0\]: timm"):
        parameters(NET)
    with pytest.raises(UserError, match="pip install"):
        fetch(f"timm/{NAME}")
    assert json.loads(run("--json"))[-1]["name"] == "mobilenet_vggface2"


@pytest.mark.parametrize(
    ("name", "side", "blocks"),
    [
        ("resnet18.a1_in1k", 48, 5),
        ("mobilenetv3_small_050.lamb_in1k", 48, 5),
        ("regnety_002.pycls_in1k", 48, 5),
        ("convnext_atto.d2_in1k", 48, 4),
        ("vit_tiny_patch16_224.augreg_in21k_ft_in1k", 224, 12),
        ("swin_tiny_patch4_window7_224.ms_in1k", 224, 4),
    ],
)
def test_with_the_real_timm(name: str, side: int, blocks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With drawn weights in place of the published ones: nothing is downloaded."""
    forget()
    if obstacle := timm_models.obstacle():
        pytest.skip(obstacle)
    import timm

    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    theirs = timm.create_model(name).eval()
    file = tmp_path / f"{name}.safetensors"
    save_file(theirs.state_dict(), file)
    (facts,) = add(file)
    net = Net("n", (f"timm('{name}', size={side})", "classes"))
    assert check(net) == []
    backbone = build(net)[0].eval()
    assert isinstance(backbone, Backbone)
    assert isinstance(backbone.network, TimmNetwork)
    assert len(backbone.network.blocks()) == blocks
    x = torch.rand(2, 1, side, side) - 0.5
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (facts.mean, facts.std))
    with torch.no_grad():
        features = backbone(x)
        output = theirs.forward_head(theirs.forward_features((x + 0.5 - mean) / std), pre_logits=True)
    assert features.shape == (2, facts.features)
    assert torch.allclose(features, output, atol=1e-4)
    whole = Net("n", (f"timm('{name}', thaw={blocks}, size={side})", "classes"))
    outside = sum(weight.numel() for key, weight in theirs.named_parameters() if key in ("cls_token", "pos_embed"))
    top = sum(weight.numel() for weight in theirs.get_classifier().parameters())
    every = sum(weight.numel() for weight in theirs.parameters()) - outside - top
    assert trainable(whole) == every + 7 * facts.features + 7
