"""Runs on a model of timm: its facts travel with them, and its features are cached by what its weights are."""

from pathlib import Path

import pytest
from safetensors.torch import save
from timm_stand_in import Hub, published
from trained import Start, assert_same, silent, stop_at

from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net
from mien.nets.backbones.weights import fetch
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.study.collect import NetRuns
from mien.study.config.study import StudyNet
from mien.training.evaluate import evaluate
from mien.training.loop import fit

NAME = "tiny.a_in1k"
NET = Net("frozen", (f"timm('{NAME}')", "dense(8)", "relu", "classes"))


@pytest.fixture
def weights(hub: Hub) -> str:
    """The SHA-256 of the weights that are here."""
    return renew(hub, seed=1)


def renew(hub: Hub, seed: int) -> str:
    hub.online[f"timm/{NAME}"] = save(published(NAME, seed))
    return fetch(f"timm/{NAME}").sha256


def test_a_runs_record_has_the_facts_of_what_it_began_with(start: Start, weights: str, hub: Hub) -> None:
    run = start(NET)
    backbone = run.config.backbone
    assert backbone is not None
    assert (backbone.name, backbone.sha256, backbone.licence) == (f"timm/{NAME}", weights, "apache-2.0")
    renew(hub, seed=2)
    assert NetRuns(StudyNet(NET, run.recipe, ""), (run,)).backbone == backbone
    assert start(Net("plain", ("flatten", "classes"))).config.backbone is None


def test_a_run_does_not_go_on_from_other_weights(hub: Hub, weights: str, faces: Faces, tmp_path: Path) -> None:
    Run.create(tmp_path / "runs", NET, Recipe(), 0, faces)
    Run.create(tmp_path / "runs", NET, Recipe(), 0, faces)
    other = renew(hub, seed=2)
    with pytest.raises(UserError, match=rf"began on weights of timm/{NAME} whose SHA-256 is {weights}; .*{other}"):
        Run.create(tmp_path / "runs", NET, Recipe(), 0, faces)


def test_frozen_and_thawed_nets_are_trained_and_resumed(
    start: Start, weights: str, faces: Faces, tmp_path: Path
) -> None:
    thawed = Net("thawed", (f"timm('{NAME}', thaw=1)", "classes"))
    for net in (NET, thawed):
        whole, torn = start(net, epochs=2, batch=40), start(net, epochs=2, batch=40)
        assert fit(whole, faces, silent).state == "finished"
        stop_at(torn, faces, 2, 1)
        fit(torn, faces, silent)
        assert_same(torn, whole)
    assert len(list((tmp_path / "cache" / "features").rglob("*.npy"))) == 2  # of train and of validation


def test_a_finished_run_says_the_same_whatever_weights_came_since(
    start: Start, weights: str, hub: Hub, faces: Faces
) -> None:
    run = start(NET, epochs=1, batch=40)
    fit(run, faces, silent)
    before = evaluate(run, faces, "validation").probabilities
    renew(hub, seed=2)
    other = start(Net("other", NET.layers), epochs=1, batch=40)
    fit(other, faces, silent)
    after = evaluate(run, faces, "validation").probabilities
    assert (before == after).all()
    assert (evaluate(other, faces, "validation").probabilities != after).any()
