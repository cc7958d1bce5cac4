"""What only a GPU can show: `make gpu`, or pytest -m gpu."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from trained import Start, silent

from mien.augmentation import Augmentation
from mien.faces import Faces
from mien.nets import Net, build
from mien.runs.recipe import Recipe
from mien.training.evaluate import evaluate
from mien.training.gradients import Whole
from mien.training.graphed import WARM_UP, Graphed
from mien.training.loop import fit
from mien.training.losses import make_loss
from mien.training.trainer import Trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU on this machine"),
]
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LAYERS = (
    "conv(8, l2=0.01)",
    "batch_norm",
    "relu",
    "residual(16, stride=2)",
    "dropout(0.3)",
    "global_average",
    "classes",
)
NET = Net("net", LAYERS)
WORDS = (
    "flip",
    "rotate(10)",
    "shift(0.1)",
    "blur(1)",
    "jpeg(40)",
    "brightness(0.2)",
    "contrast(0.2)",
    "mixup",
    "cutmix",
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_replayed_steps_have_the_gradients_of_launched_ones(dtype: torch.dtype, faces: Faces) -> None:
    models = [build(NET, 24).to(CUDA)]
    models.append(deepcopy(models[0]))
    launched, replayed = Whole(models[0], dtype, device=CUDA), Graphed(models[1], dtype, device=CUDA)
    images = torch.from_numpy(np.array(faces.images)).to(CUDA)[:, None].float() / 255 - 0.5
    labels = torch.from_numpy(faces.labels.astype(np.int64)).to(CUDA)
    for key in range(2 * WARM_UP + 6):
        rows = slice(key, key + (16 if key % 3 else 11))
        results = [way.batch(images[rows].clone(), labels[rows], key) for way in (launched, replayed)]
        torch.testing.assert_close(results[0].loss, results[1].loss)
        for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)
    assert len(replayed.recorded) == 2
    torch.testing.assert_close(launched.logits(images), replayed.logits(images))


def test_nothing_in_a_step_waits_for_the_gpu(faces: Faces) -> None:
    entries = {"augment": [*WORDS, "erase", "noise(5)"], "label_smoothing": 0.1, "ema_decay": 0.9, "batch": 32}
    recipe = Recipe.model_validate(entries)
    teacher = Trainer(build(NET, 24), recipe, 1, device=CUDA)
    loss = make_loss(recipe, faces.labels, 7, CUDA)
    student_recipe = recipe.model_copy(update={"teachers": ("it",)})
    student = Trainer(build(NET, 24), student_recipe, 0, loss=loss, teachers=[teacher], device=CUDA)
    images = student.inputs(faces.first(32))
    targets = torch.eye(7, device=CUDA)[torch.from_numpy(faces.labels[:32]).long().to(CUDA)]
    for number in range(1, WARM_UP + 2):
        student.step(images, targets, number)
    torch.cuda.set_sync_debug_mode("error")
    try:
        step = student.step(images, targets, WARM_UP + 2)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert np.isfinite(step.loss.item())


def test_augmentation_is_that_of_the_processor(faces: Faces) -> None:
    augmentation = Augmentation(WORDS, seed=3)
    images, targets = torch.from_numpy(np.array(faces.images[:64])), torch.eye(7)[torch.arange(64) % 7]
    here, there = augmentation(images, targets, 5), augmentation(images.to(CUDA), targets.to(CUDA), 5)
    assert (here[0] - there[0].cpu()).abs().quantile(0.99) < 0.5
    torch.testing.assert_close(here[1], there[1].cpu())


@pytest.mark.parametrize("precision", ["auto", "float32", "float16"])
def test_a_run_is_resumed_to_the_same_numbers(precision: str, start: Start, faces: Faces) -> None:
    recipe = {"epochs": 4, "batch": 24, "augment": ["flip", "erase"], "device": "cuda", "precision": precision}
    whole, again, stopped = start(NET, **recipe), start(NET, **recipe), start(NET, **recipe)
    fit(whole, faces, silent)
    fit(again, faces, silent)

    def stop(progress: Any) -> None:
        if progress.record and progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(stopped, faces, stop)
    status = fit(stopped, faces, silent)
    assert status.devices[0].startswith("cuda:0 ")
    for run in (again, stopped):
        assert [epoch.steps for epoch in run.history()] == [epoch.steps for epoch in whole.history()]
        assert np.array_equal(
            run.predictions("validation").probabilities, whole.predictions("validation").probabilities
        )


def test_a_run_of_the_gpu_is_that_of_the_processor_and_goes_on_there(start: Start, faces: Faces) -> None:
    net = Net("net", tuple(word for word in LAYERS if not word.startswith("dropout")))
    recipe = {"epochs": 2, "batch": 40, "precision": "float32", "optimizer": "sgd"}
    here, there = start(net, **recipe, device="cpu"), start(net, **recipe, device="cuda")
    fit(here, faces, silent)
    fit(there, faces, silent)
    for one, other in zip(here.history(), there.history(), strict=True):
        assert one.steps == pytest.approx(other.steps, rel=0.01)
    there.write_config(here.config)  # a machine without a GPU
    assert evaluate(there, faces, "test").probabilities == pytest.approx(
        evaluate(here, faces, "test").probabilities, abs=0.02
    )
