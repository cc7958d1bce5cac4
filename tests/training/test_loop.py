from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from trained import CNN, NORMAL, Start, assert_same, numbers, silent, stop_at

from mien.faces import Faces
from mien.nets import Net, build, parameters
from mien.nets.backbones.weights import add
from mien.runs.recipe import Recipe
from mien.training.evaluate import evaluate
from mien.training.loop import fit
from mien.training.timing import time_step

FNN = Net("fnn", ("flatten", "dense(16, l2=1e-3)", "relu", "dropout(0.2)", "classes"))
FROZEN = {"optimizer": "sgd", "learning_rate": 1e-30, "precision": "float32"}
"""A recipe by which no weight changes."""


def test_a_run_reports_its_steps_and_leaves_its_history(start: Start, faces: Faces) -> None:
    run, progress = start(CNN, epochs=3, batch=64), []
    fit(run, faces, progress.append)
    assert [(p.epoch, p.step, p.record is None) for p in progress] == [
        (epoch, step, going_on)
        for epoch in (1, 2, 3)
        for step, going_on in ((1, True), (2, True), (3, True), (3, False))
    ]
    assert {(p.run, p.epochs, p.steps) for p in progress} == {(run, 3, 3)}
    history = run.history()
    assert history == [p.record for p in progress if p.record]
    for epoch, record in enumerate(history, start=1):
        assert record.epoch == epoch
        assert record.loss == pytest.approx(np.dot(record.steps, [64, 64, 32]) / 160)
        assert record.accuracy * 160 == pytest.approx(round(record.accuracy * 160))
        assert record.validation_accuracy * 20 == pytest.approx(round(record.validation_accuracy * 20))
        assert 0 <= record.accuracy <= 1
        assert 0 <= record.validation_accuracy <= 1
        assert record.seconds > 0
        assert record.faces_per_second == pytest.approx(160 / record.seconds)
        means = [p.loss for p in progress if p.epoch == epoch and p.record is None]
        assert means == pytest.approx([np.mean(record.steps[:n]) for n in (1, 2, 3)])
        assert all(p.faces_per_second > 0 for p in progress)


@pytest.mark.parametrize("net", [CNN, FNN, NORMAL], ids=lambda net: net.name)
def test_the_loss_goes_down(net: Net, start: Start, faces: Faces) -> None:
    run = start(net, epochs=6, batch=16, learning_rate=5e-3)
    fit(run, faces, silent)
    losses = [epoch.loss for epoch in run.history()]
    assert losses[-1] < losses[0] - 0.05


def test_a_finished_run_has_its_results_and_no_checkpoint(start: Start, faces: Faces) -> None:
    run = start(CNN, epochs=2, batch=64, precision="float32")
    status = fit(run, faces, silent)
    assert status == run.status
    assert (status.state, status.reason, status.selected_epoch, status.precision) == ("finished", "", 2, "float32")
    assert status.parameters == status.trainable == parameters(CNN, 24, 7)
    assert status.seconds >= sum(epoch.seconds for epoch in run.history())
    assert {file.name for file in run.folder.iterdir()} == {
        *("run.json", "state.json", "history.jsonl", "weights.safetensors", "train.npz", "validation.npz")
    }
    predictions, last = run.predictions("validation"), run.history()[-1]
    assert predictions is not None
    assert np.array_equal(predictions.labels, faces.split("validation").labels)
    assert predictions.accuracy == pytest.approx(last.validation_accuracy)
    of_truth = predictions.probabilities[np.arange(20), predictions.labels]
    assert last.validation_loss == pytest.approx(-np.log(of_truth).mean(), rel=1e-5)


def losses_of(net: Net, seed: int, faces: Faces) -> torch.Tensor:
    """The cross-entropy of each train face before any training, by plain torch."""
    train = faces.split("train")
    y = build(net, 24, 7, seed)(torch.from_numpy(train.images)[:, None] / 255 - 0.5)
    return F.cross_entropy(y, torch.from_numpy(train.labels).long(), reduction="none").detach()


def test_a_face_network_is_trained_from_what_it_was_published_as(
    start: Start, faces: Faces, face_files: dict[str, Path]
) -> None:
    """Its batch normalisation, put back, first gives in training what was published: no step is lost on finding it."""
    add(face_files["dlib_face_resnet"])
    net = Net("n", ("dlib_face_resnet(thaw=14, size=96)", "classes"))
    run = start(net, epochs=1, batch=160, **FROZEN)
    fit(run, faces, silent)
    train = faces.split("train")
    with torch.no_grad():
        published = build(net, 24, 7, run.seed).eval()(torch.from_numpy(train.images)[:, None] / 255 - 0.5)
    expected = F.cross_entropy(published, torch.from_numpy(train.labels).long()).item()
    assert run.history()[0].loss == pytest.approx(expected, rel=2e-3)


def test_an_epochs_loss_is_the_mean_over_all_faces_however_they_are_dealt(start: Start, faces: Faces) -> None:
    net = Net("still", ("conv(4)", "relu", "flatten", "classes"))
    run = start(net, seed=3, epochs=2, batch=37, **FROZEN)
    fit(run, faces, silent)
    for record in run.history():
        assert len(record.steps) == 5
        assert record.loss == pytest.approx(losses_of(net, 3, faces).mean().item(), rel=1e-5)


def test_each_epoch_of_each_seed_goes_once_over_every_face_in_an_order_of_its_own(start: Start, faces: Faces) -> None:
    """With weights that stand still and a face a step, each face is known by its loss."""
    net, orders = Net("still", ("flatten", "classes")), []
    for seed in (0, 1):
        run, alone = start(net, seed, epochs=2, batch=1, **FROZEN), losses_of(net, seed, faces).numpy()
        fit(run, faces, silent)
        for record in run.history():
            assert np.allclose(np.sort(record.steps), np.sort(alone), rtol=1e-4)
            orders.append([int(np.abs(alone - loss).argmin()) for loss in record.steps])
    assert len({tuple(order) for order in orders}) == len(orders)
    for one, other in combinations([*orders, list(range(160))], 2):
        assert np.mean(np.equal(one, other)) < 0.1, "not even much alike"


@pytest.mark.parametrize("net", [CNN, NORMAL], ids=lambda net: net.name)
def test_a_seed_fixes_every_number_and_another_seed_another(net: Net, start: Start, faces: Faces) -> None:
    runs = [start(net, seed, epochs=2, batch=64) for seed in (0, 0, 1)]
    for run in runs:
        fit(run, faces, silent)
    assert_same(runs[0], runs[1])
    for one, other in zip(numbers(runs[0]), numbers(runs[2]), strict=True):
        assert one.steps != other.steps


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("net", [CNN, FNN, NORMAL], ids=lambda net: net.name)
def test_a_loss_or_weights_that_are_no_number_fail_a_run(net: Net, precision: str, start: Start, faces: Faces) -> None:
    """Relu on bfloat16 takes a NaN for a negative number: CNN's loss stays finite when its weights no longer are."""
    run = start(net, epochs=3, batch=64, optimizer="sgd", learning_rate=1e38, precision=precision)
    status = fit(run, faces, silent)
    assert status == run.status
    assert (status.state, status.selected_epoch) == ("failed", 0)
    assert "epoch 1" in status.reason
    assert status.reason.endswith("a learning rate below 1e+38 may help")
    assert {file.name for file in run.folder.iterdir()} <= {"run.json", "state.json", "history.jsonl"}
    assert all(np.isfinite([record.loss, record.validation_loss]).all() for record in run.history())


@pytest.mark.parametrize(("keep", "selected"), [("best", 1), ("last", 3)])
def test_patience_ends_a_run_that_gets_no_better(keep: str, selected: int, start: Start, faces: Faces) -> None:
    run = start(FNN, epochs=9, patience=2, keep=keep, **FROZEN)
    status = fit(run, faces, silent)
    assert [epoch.epoch for epoch in run.history()] == [1, 2, 3]
    assert (status.state, status.selected_epoch) == ("finished", selected)


@pytest.fixture
def misleading() -> Faces:
    """Noise with two emotions; validation shows train's faces under the other one: the better, the worse."""
    images = np.random.default_rng(0).integers(0, 256, (60, 24, 24)).astype(np.uint8)
    labels = (np.arange(60) % 2).astype(np.uint8)
    splits = np.repeat([0, 1], 60).astype(np.uint8)
    return Faces(np.concatenate([images, images]), np.concatenate([labels, 1 - labels]), splits)


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_best_epochs_weights_can_be_the_result(interrupted: bool, start: Start, misleading: Faces) -> None:
    net = Net("net", ("flatten", "dense(32)", "relu", "classes"))
    run = start(net, of=misleading, epochs=6, batch=20, keep="best")
    if interrupted:
        stop_at(run, misleading, epoch=5, step=1)
    status = fit(run, misleading, silent)
    accuracies = [epoch.validation_accuracy for epoch in run.history()]
    assert status.selected_epoch == 1 + int(np.argmax(accuracies)) < 5
    assert accuracies[-1] < max(accuracies)
    predictions = run.predictions("validation")
    assert predictions is not None
    assert predictions.accuracy == pytest.approx(max(accuracies))

    last = start(net, of=misleading, epochs=6, batch=20, keep="last")
    assert fit(last, misleading, silent).selected_epoch == 6
    of_last = last.predictions("validation")
    assert of_last is not None
    assert of_last.accuracy == pytest.approx(accuracies[-1])


def test_the_first_of_equally_good_epochs_is_the_best(start: Start, faces: Faces) -> None:
    assert fit(start(FNN, epochs=3, keep="best", **FROZEN), faces, silent).selected_epoch == 1


@pytest.mark.parametrize("net", [CNN, NORMAL], ids=lambda net: net.name)
def test_evaluating_again_says_the_same(net: Net, start: Start, faces: Faces) -> None:
    run = start(net, epochs=2, batch=64)
    fit(run, faces, silent)
    before = run.predictions("validation")
    assert before is not None
    again = evaluate(run, faces, "validation")
    assert np.array_equal(again.probabilities, before.probabilities)
    assert run.status.test_opened == ""


def test_the_test_split_is_opened_on_record_once(start: Start, faces: Faces) -> None:
    run = start(FNN, epochs=1)
    before = fit(run, faces, silent)
    assert run.predictions("test") is None
    predictions, saved = evaluate(run, faces, "test"), run.predictions("test")
    assert saved is not None
    assert np.array_equal(saved.probabilities, predictions.probabilities)
    assert np.array_equal(saved.labels, faces.split("test").labels)
    assert np.allclose(predictions.probabilities.sum(1), 1)
    assert run.status.test_opened.endswith("+00:00")
    assert replace(run.status, test_opened="") == before

    run.write_status(replace(run.status, test_opened="2020-01-01T00:00:00+00:00"))
    evaluate(run, faces, "test")
    assert run.status.test_opened == "2020-01-01T00:00:00+00:00"


def test_a_step_takes_time(faces: Faces) -> None:
    assert time_step(CNN, Recipe(batch=1000), faces, times=1) > 0
