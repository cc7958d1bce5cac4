"""One run by several workers: the numbers of one worker, within the rounding of float32 sums."""

from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest
import torch
from trained import Start, assert_same, numbers, silent

from mien.faces import Faces
from mien.nets import Net
from mien.runs.archive import archive_run, restore_run
from mien.runs.run import Epoch, Run
from mien.training.checkpoint import load_weights
from mien.training.loop import Progress, fit
from mien.training.parallel import LostWorkerError, lead

FNN = Net("fnn", ("flatten", "dense(16, l2=1e-3)", "elu", "dense(8)", "elu", "classes"))
CNN = Net("cnn", ("conv(4)", "relu", "pool", "conv(6)", "relu", "flatten", "dense(8)", "relu", "classes"))
NORMAL = Net("normal", ("conv(4)", "batch_norm", "relu", "dropout(0.2)", "global_average", "classes"))

TOLERANCE = 1e-5
"""How far a weight's tensor may lie from that of one worker, as a share of its norm."""


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where workers keep what they throw away; one that is killed cannot."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def by_two(
    run: Run,
    faces: Faces,
    on_step: Callable[[Progress], None] = silent,
    should_prune: Callable[[Epoch], str] | None = None,
) -> str:
    state = lead(run, faces, on_step, should_prune, workers=2, cores=1).state
    assert active_children() == []
    return state


def distance(run: Run, other: Run) -> float:
    """The largest over all tensors of two runs' weights."""
    ours, theirs = (load_weights(each.folder / "weights.safetensors") for each in (run, other))
    assert ours.keys() == theirs.keys()
    return max(((ours[name] - theirs[name]).norm() / theirs[name].norm()).item() for name in ours)


@pytest.mark.parametrize(
    ("net", "recipe"),
    [
        # 160 faces: of the last batch, which is one face, a worker has none.
        (FNN, {"batch": 53, "optimizer": "sgd", "momentum": 0.9}),
        (CNN, {"batch": 53, "augment": ["flip", "rotate(10)"], "class_weights": "balanced"}),
    ],
    ids=lambda value: value.name if isinstance(value, Net) else "",
)
def test_two_workers_equal_one(net: Net, recipe: dict[str, object], start: Start, faces: Faces) -> None:
    config = {"epochs": 2, "precision": "float32", **recipe}
    one, two = start(net, **config), start(net, **config)
    fit(one, faces, silent)
    threads = torch.get_num_threads()
    assert by_two(two, faces) == "finished"
    assert torch.get_num_threads() == threads
    assert distance(two, one) < TOLERANCE
    for ours, theirs in zip(two.history(), one.history(), strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
        assert ours.steps == pytest.approx(theirs.steps, rel=1e-5)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-5)
        assert (ours.accuracy, ours.validation_accuracy) == (theirs.accuracy, theirs.validation_accuracy)
    assert {file.name for file in two.folder.iterdir()} == {file.name for file in one.folder.iterdir()}


@pytest.mark.slow
def test_a_stopped_run_of_two_goes_on_to_the_same_numbers(start: Start, faces: Faces) -> None:
    whole, run = start(NORMAL, epochs=3, batch=64), start(NORMAL, epochs=3, batch=64)
    by_two(whole, faces)

    def interrupt(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (2, 1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        by_two(run, faces, interrupt)
    assert active_children() == []
    assert (run.status.state, len(run.history())) == ("stopped", 1)
    by_two(run, faces)
    assert_same(run, whole)


def test_the_leader_decides_when_to_stop(start: Start, faces: Faces) -> None:
    run = start(FNN, epochs=5)
    assert by_two(run, faces, should_prune=lambda record: "enough" if record.epoch == 2 else "") == "pruned"
    assert run.status.reason == "enough"
    assert [epoch.epoch for epoch in run.history()] == [1, 2]


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_run_and_it_can_go_on(start: Start, faces: Faces) -> None:
    run = start(FNN, epochs=3, batch=64)

    def kill(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (2, 2):
            active_children()[0].kill()

    with pytest.raises(LostWorkerError, match=r"a worker of this run was lost .*; run the study again to go on from"):
        by_two(run, faces, kill)
    assert active_children() == []
    done = numbers(run)
    assert [epoch.epoch for epoch in done] == [1]
    assert by_two(run, faces) == "finished"
    assert numbers(run)[:1] == done


def test_an_archive_brings_a_run_elsewhere_and_back(start: Start, faces: Faces, tmp_path: Path) -> None:
    run, there = start(FNN, epochs=2), tmp_path / "there"
    copy = restore_run(archive_run(run), there)
    assert (copy.net, copy.recipe, copy.status.state) == (run.net, run.recipe, "planned")
    (run.folder / "checkpoint.safetensors").write_bytes(b"of an earlier try")
    (run.folder / ".weights.safetensors.a.tmp").write_bytes(b"half of one")
    assert "checkpoint.safetensors" in archive_run(run)
    fit(copy, faces, silent)
    back = restore_run(archive_run(copy), run.folder)
    assert_same(back, copy)
    assert sorted(file.name for file in run.folder.iterdir()) == sorted(file.name for file in there.iterdir())
