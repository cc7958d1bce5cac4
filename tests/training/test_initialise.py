"""Runs whose initial weights are another run's."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from trained import CNN, NORMAL, Start, assert_same, silent, stop_at

from mien.faces import Faces
from mien.nets import build
from mien.runs.run import Run, run_id
from mien.training.checkpoint import load_weights
from mien.training.initialise import check_init_from, initialise
from mien.training.loop import fit


@pytest.fixture
def learnt(start: Start, faces: Faces) -> Run:
    """A run that has learnt something."""
    run = start(NORMAL, epochs=3, batch=16, learning_rate=0.01)
    fit(run, faces, silent)
    return run


def test_it_begins_with_all_weights_where_the_emotions_are_the_same(learnt: Run, faces: Faces) -> None:
    model = build(NORMAL, 24, 7, seed=5)
    initialise(model, learnt.folder, faces.classes)
    for name, tensor in load_weights(learnt.folder / "weights.safetensors").items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=0, atol=0)


def test_other_emotions_get_a_last_layer_of_their_own(learnt: Run) -> None:
    model, fresh = build(NORMAL, 24, 3, seed=5), build(NORMAL, 24, 3, seed=5)
    initialise(model, learnt.folder, ("calm", "happy", "sad"))
    before = load_weights(learnt.folder / "weights.safetensors")
    saved = {name for name, tensor in fresh.state_dict().items() if torch.equal(model.state_dict()[name], tensor)}
    assert {name for name in saved if name.startswith("classes")} == {"classes_1.weight", "classes_1.bias"}
    torch.testing.assert_close(model.state_dict()["conv_1.weight"], before["conv_1.weight"], rtol=0, atol=0)


def test_a_run_that_starts_from_another_is_ahead_from_its_first_epoch(learnt: Run, start: Start, faces: Faces) -> None:
    recipe = {"epochs": 1, "batch": 16, "learning_rate": 1e-4}
    fresh, begun = start(NORMAL, **recipe), start(NORMAL, init_from=str(learnt.folder), **recipe)
    for run in (fresh, begun):
        fit(run, faces, silent)
    former = learnt.history()[-1]
    assert begun.history()[0].loss < 1.1 * former.loss < fresh.history()[0].loss


def test_a_stopped_one_goes_on_to_the_same_numbers_though_the_former_is_gone(
    learnt: Run, start: Start, faces: Faces, tmp_path: Path
) -> None:
    recipe = {"epochs": 3, "batch": 16, "ema_decay": 0.9}
    elsewhere = tmp_path / "elsewhere" / learnt.folder.name
    shutil.copytree(learnt.folder, elsewhere)
    whole = start(NORMAL, init_from=str(learnt.folder), **recipe)
    fit(whole, faces, silent)
    stopped = start(NORMAL, init_from=str(elsewhere), **recipe)
    stop_at(stopped, faces, 2, 3)
    shutil.rmtree(elsewhere)
    fit(stopped, faces, silent)
    assert stopped.id == whole.id, "where the former run lies is no part of the question"
    assert_same(stopped, whole)


def test_another_former_run_makes_another_run(learnt: Run, faces: Faces) -> None:
    recipe = learnt.recipe
    ids = {
        run_id(NORMAL, recipe.model_copy(update={"init_from": start}), 0, faces.fingerprint)
        for start in ("", "/a/normal-0123456789", "/b/other-0123456789", "/a/normal-1123456789")
    }
    assert len(ids) == 3


def test_what_does_not_fit_is_reported(learnt: Run, faces: Faces) -> None:
    config = learnt.recipe.model_copy(update={"init_from": str(learnt.folder)})
    assert check_init_from(NORMAL, config, faces) == []
    assert check_init_from(CNN, learnt.recipe, faces) == []
    smaller = replace(faces, images=np.zeros((len(faces), 20, 20), np.uint8))
    assert check_init_from(NORMAL, config, smaller) == [
        f"nets.normal.init_from: {learnt.id} was trained on faces of 24 pixels; these have 20"
    ]
    scaled = config.model_copy(update={"scaling": "standardised"})
    [problem] = check_init_from(NORMAL, scaled, faces)
    assert "was trained with scaling = 'centred', the recipe has 'standardised'; set scaling = 'centred'" in problem
