"""A frozen backbone's features: computed once, cached, and as good as the images themselves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from trained import Start, assert_same, silent, stop_at

from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.training import features as features_module
from mien.training.checkpoint import load_weights
from mien.training.evaluate import evaluate
from mien.training.features import cached_features, compute_features
from mien.training.loop import fit
from mien.training.scaling import Scaling
from mien.training.timing import time_features, time_step
from mien.training.trainer import Trainer

Publish = Callable[[str], Path]
NET = Net("frozen", ("mobilenet_v2", "dense(16)", "relu", "dropout(0.2)", "classes"))
PLAIN = Scaling.of(Recipe(), {})


@pytest.fixture
def mobilenet(publish: Publish) -> None:
    publish("mobilenet_v2")


@pytest.fixture
def few(faces: Faces) -> Faces:
    """40 faces of train, 20 of validation, 20 of test."""
    rows = np.flatnonzero((faces.splits > 0) | (np.arange(len(faces)) < 40))
    return replace(faces, images=faces.images[rows], labels=faces.labels[rows], splits=faces.splits[rows])


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many faces features were computed of, for each time that they were."""
    counts: list[int] = []

    def counting(model: torch.nn.Module, images: torch.Tensor, *rest: object) -> torch.Tensor:
        counts.append(len(images))
        return compute_features(model, images, *rest)

    monkeypatch.setattr(features_module, "compute_features", counting)
    return counts


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_features_are_what_the_backbone_says(
    dtype: torch.dtype, mobilenet: None, few: Faces, computed: list[int]
) -> None:
    model, images = build(NET, 24).eval(), torch.from_numpy(few.images[:20].copy())
    for _ in range(2):
        actual = cached_features(model, images, PLAIN, dtype, "some faces")
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            predictions = model[0](images[:, None] / 255 - 0.5)
        assert actual.dtype == dtype
        assert actual.shape == (20, 1280)
        assert torch.allclose(
            actual.float(), predictions.float(), rtol=2e-2 if dtype == torch.bfloat16 else 1e-4, atol=1e-3
        )
    assert computed == [20]


def test_other_faces_sizes_scalings_and_precisions_have_features_of_their_own(
    mobilenet: None, few: Faces, computed: list[int]
) -> None:
    model, images = build(NET, 24), torch.from_numpy(few.images[:4].copy())
    larger = build(Net("larger", ("mobilenet_v2(size=32)", "classes")), 24)
    standardised = Scaling.of(Recipe(scaling="standardised"), {})
    ways = [
        (model, PLAIN, torch.float32, "a"),
        (model, PLAIN, torch.float32, "b"),
        (larger, PLAIN, torch.float32, "a"),
        (model, standardised, torch.float32, "a"),
        (model, PLAIN, torch.bfloat16, "a"),
    ]
    for way in (*ways, *ways):
        cached_features(way[0], images, *way[1:])
    assert computed == [4] * 5


def test_a_damaged_file_is_computed_anew(mobilenet: None, few: Faces, computed: list[int], tmp_path: Path) -> None:
    model, images = build(NET, 24), torch.from_numpy(few.images[:4].copy())
    first = cached_features(model, images, PLAIN, torch.float32, "a").clone()
    (file,) = (tmp_path / "cache" / "features").iterdir()
    for content in (b"", b"nonsense", file.read_bytes()[:-4]):
        file.write_bytes(content)
        assert torch.equal(cached_features(model, images, PLAIN, torch.float32, "a"), first)
    assert computed == [4] * 4


def test_a_cache_that_cannot_be_written_is_reported(
    mobilenet: None, few: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(NET, 24)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be written .*it takes 0\.0 MB; MIEN_CACHE names another folder"):
        cached_features(model, torch.from_numpy(few.images[:4].copy()), PLAIN, torch.float32, "a")


def test_on_features_a_model_says_what_it_says_on_images(mobilenet: None, few: Faces) -> None:
    trainer = Trainer(build(NET, 24), Recipe(precision="float32"), 0)
    part = few.split("train")
    inputs = trainer.inputs(part)
    assert inputs.shape == (40, 1280)
    images = torch.from_numpy(part.images.copy())[:, None] / 255 - 0.5
    predictions = trainer.model.eval()(images).softmax(1)
    assert torch.allclose(trainer.probabilities(inputs), predictions, atol=1e-5)
    trainer.close()


def test_a_run_computes_features_once_and_keeps_a_whole_model(
    start: Start, mobilenet: None, few: Faces, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (0, 1):
        run = start(NET, seed, few, epochs=2, batch=16)
        status = fit(run, few, silent)
        assert (status.state, status.trainable, status.parameters) == ("finished", 20_615, 2_278_599)
    assert computed == [40, 20]
    weights = load_weights(run.folder / "weights.safetensors")
    assert set(weights) == set(build(NET, 24).state_dict())
    # A finished run needs nothing but its folder.
    monkeypatch.setattr("mien.nets.backbones.backbone.load", lambda facts: pytest.fail("weights were looked for"))
    predictions = run.predictions("validation")
    assert predictions is not None
    assert np.array_equal(evaluate(run, few, "validation").probabilities, predictions.probabilities)
    evaluate(run, few, "test")
    assert computed == [40, 20, 20]


def test_a_killed_run_resumes_to_the_same_numbers(start: Start, mobilenet: None, few: Faces) -> None:
    recipe = {"epochs": 3, "batch": 16, "keep": "best"}
    whole, torn = start(NET, 0, few, **recipe), start(NET, 0, few, **recipe)
    fit(whole, few, silent)
    stop_at(torn, few, 2, 1)
    assert not any("mobilenet" in name for name in load_weights(torn.folder / "checkpoint.safetensors"))
    fit(torn, few, silent)
    assert_same(torn, whole)


def test_augmented_or_thawed_faces_go_through_the_backbone(
    start: Start, mobilenet: None, few: Faces, computed: list[int]
) -> None:
    thawed = Net("thawed", ("mobilenet_v2(thaw=1)", "classes"))
    for net, recipe in ((NET, {"augment": ["flip"]}), (thawed, {"layer_decay": 0.5})):
        run = start(net, 0, few, epochs=1, batch=32, **recipe)
        assert fit(run, few, silent).state == "finished"
    assert computed == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_last_batch_of_one_face_is_trained_on(precision: str, start: Start, mobilenet: None, few: Faces) -> None:
    """A thawed block whose image is a single pixel: one face has no spread that could be normalised."""
    run = start(Net("thawed", ("mobilenet_v2(thaw=2)", "classes")), 0, few, epochs=1, batch=39, precision=precision)
    assert fit(run, few, silent).state == "finished"


def test_a_plan_counts_the_features(mobilenet: None, few: Faces, computed: list[int]) -> None:
    recipe = Recipe(batch=8)
    assert time_step(NET, recipe, few, times=1) > 0
    assert time_features(NET, recipe, few) > 0
    assert time_features(Net("plain", ("flatten", "classes")), recipe, few) == 0
    assert computed == []
