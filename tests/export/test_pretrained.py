"""A run's weights beside its file and in the package, for nets of other studies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.export.graph import graph_of, logit_offsets
from mien.export.pretrained import save_pretrained
from mien.export.write import export
from mien.faces import VOTES, Faces, open_faces
from mien.faces.fer2013 import VOTE_OF
from mien.model_files.bundled import bundled_run
from mien.model_files.card import card_of
from mien.nets import Net
from mien.predict.classifier import Classifier
from mien.runs.recipe import Recipe
from mien.runs.resolve import resolve_run
from mien.runs.run import Run
from mien.training.checkpoint import load_weights
from mien.training.loop import fit


@pytest.mark.slow
def test_a_net_starts_from_what_is_left_as_from_the_run_itself(small: Run, faces: Faces, tmp_path: Path) -> None:
    saved = save_pretrained(small, tmp_path / "models" / "mine.onnx")
    assert saved.name.startswith("mine-")
    assert {file.name for file in saved.iterdir()} == {"run.json", "state.json", "weights.safetensors"}
    assert resolve_run(saved).net == small.net
    probabilities = {}
    for start in (small.folder, saved):
        recipe = Recipe(epochs=1, batch=50, learning_rate=1e-9, init_from=str(start.resolve()), precision="float32")
        run = Run.create(tmp_path / "runs", small.net, recipe, 0, faces)
        assert fit(run, faces, lambda progress: None).state == "finished"
        recipe = Run.open(save_pretrained(run, tmp_path / "next.onnx")).recipe
        assert recipe.init_from == start.name  # no path of this machine
        probabilities[start] = run.predictions("validation").probabilities
    assert len(probabilities) == 2
    assert export([run], faces, tmp_path / "next.onnx").facts.data["before"] == faces.fingerprint
    assert abs(probabilities[small.folder] - probabilities[saved]).max() < 0.01


@pytest.mark.slow
def test_votes_that_a_run_used_are_recorded_also_through_its_teachers(faces: Faces, tmp_path: Path) -> None:
    cast = np.zeros((len(faces), len(VOTES)), np.uint8)
    cast[np.arange(len(faces)), [VOTES.index(VOTE_OF[faces.classes[label]]) for label in faces.labels]] = 10
    voted = replace(faces, votes=cast)
    net, runs = Net("flat", ("flatten", "classes")), tmp_path / "runs"

    def made(**recipe) -> Run:
        run = Run.create(runs, net, Recipe.model_validate({"epochs": 1, "batch": 50} | recipe), 0, voted)
        assert fit(run, voted, lambda progress: None).state == "finished"
        return run

    plain, by_votes = made(), made(targets="votes")
    distilled = made(teachers=[by_votes.id])
    further = made(init_from=distilled.id)
    facts_of = {
        run.id: export([run], voted, tmp_path / "a.onnx").facts for run in (plain, by_votes, distilled, further)
    }
    assert [facts.data["votes"] for facts in facts_of.values()] == [False, True, True, True]
    assert "outside" not in card_of(facts_of[plain.id], 1)
    assert "The targets are not labels but the shares of FER+'s ten votes" in " ".join(
        card_of(facts_of[by_votes.id], 1).split()
    )
    assert "Indirectly it uses the votes of FER+'s ten annotators" in " ".join(card_of(facts_of[further.id], 1).split())
    both = export([plain, distilled], voted, tmp_path / "b.onnx").facts
    assert (both.data["votes"], [one["votes"] for one in both.members]) == (True, [False, True])


def test_kernels_take_half_the_room_and_statistics_stay_as_they_are(small: Run, tmp_path: Path) -> None:
    before = load_weights(small.folder / "weights.safetensors")
    after = load_weights(save_pretrained(small, tmp_path / "mine.onnx") / "weights.safetensors")
    for name, tensor in before.items():
        assert after[name].dtype == (torch.float16 if tensor.dim() > 1 else tensor.dtype)
        torch.testing.assert_close(after[name].to(tensor.dtype), tensor, rtol=1e-3, atol=1e-6)


def test_other_weights_have_another_folder_and_the_same_the_same(small: Run, trained, tmp_path: Path) -> None:
    first = save_pretrained(small, tmp_path / "mine.onnx")
    assert save_pretrained(small, tmp_path / "mine.onnx") == first
    assert save_pretrained(trained(seed=3), tmp_path / "mine.onnx") != first
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.real
@pytest.mark.parametrize(("name", "same"), [("best", 0.88), ("fast", 0.97)])
def test_a_bundled_run_is_that_of_its_model(fer2013: Path, name: str, same: float) -> None:
    """Or, of `best`, one of the two nets of the ensemble."""
    test = open_faces(str(fer2013)).split("test").first(500)
    classifier, run = Classifier(name), Run.open(bundled_run(name))
    facts = classifier.facts
    assert run.net.layers in [tuple(one["layers"]) for one in facts.members] + [facts.layers]
    graph = graph_of(run)
    graph.offsets = logit_offsets(facts.data["counts"]["train"], facts.classes, facts.logit_adjustment)
    logits = graph.logits(test.images).numpy()
    assert np.mean(logits.argmax(1) == classifier.probabilities(test.images).argmax(1)) > same
