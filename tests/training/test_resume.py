"""A run that was stopped, by its user or by a kill, ends with the numbers of one that was not."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from trained import CNN, NORMAL, Start, assert_same, silent, stop_at

from mien.faces import Faces
from mien.nets import Net
from mien.training.loop import Progress, fit

OPTIMIZERS = [{"optimizer": "adam"}, {"optimizer": "sgd"}, {"optimizer": "sgd", "momentum": 0.9}]


@pytest.mark.parametrize("net", [CNN, NORMAL], ids=lambda net: net.name)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda recipe: " ".join(map(str, recipe.values())))
def test_a_run_stopped_by_its_user_goes_on(net: Net, optimizer: dict[str, object], start: Start, faces: Faces) -> None:
    recipe = {"epochs": 4, "batch": 64, **optimizer}
    whole, run = start(net, **recipe), start(net, **recipe)
    fit(whole, faces, silent)
    stop_at(run, faces, epoch=1, step=2)  # before there is a checkpoint
    assert (run.status.state, run.status.seconds, run.history()) == ("stopped", 0, [])
    stop_at(run, faces, epoch=3, step=1)
    assert run.status.state == "stopped"
    assert run.status.seconds == pytest.approx(sum(epoch.seconds for epoch in run.history()))
    assert [epoch.epoch for epoch in run.history()] == [1, 2]
    progress: list[Progress] = []
    fit(run, faces, progress.append)
    assert (progress[0].epoch, progress[0].step) == (3, 1), "what was done is not done again"
    assert_same(run, whole)


def test_the_history_is_taken_back_to_the_checkpoint(start: Start, faces: Faces) -> None:
    whole, run = start(CNN, epochs=4, batch=64), start(CNN, epochs=4, batch=64)
    fit(whole, faces, silent)
    stop_at(run, faces, epoch=3, step=1)
    history = run.folder / "history.jsonl"
    beyond = json.dumps(json.loads(history.read_text(encoding="utf-8").splitlines()[-1]) | {"epoch": 3, "loss": 99.0})
    with history.open("a", encoding="utf-8") as file:
        file.write(beyond + "\n" + '{"epoch": 4, "lo')
    fit(run, faces, silent)
    assert_same(run, whole)


@pytest.mark.parametrize("content", ['{"epoch": 1, "lo', '{"epoch": 1}\n'], ids=["torn", "beyond"])
def test_a_history_without_a_checkpoint_begins_anew(content: str, start: Start, faces: Faces) -> None:
    whole, run = start(CNN, epochs=2, batch=64), start(CNN, epochs=2, batch=64)
    fit(whole, faces, silent)
    (run.folder / "history.jsonl").write_text(content, encoding="utf-8")
    fit(run, faces, silent)
    assert_same(run, whole)


def test_what_a_kill_left_half_written_is_cleared(start: Start, faces: Faces) -> None:
    run = start(CNN)
    temporary = run.folder / ".checkpoint.safetensors.k3x9wq_a.tmp"
    temporary.write_bytes(b"half of one")
    (run.folder / ".somebody's").mkdir()
    fit(run, faces, silent)
    assert not temporary.exists()
    assert (run.folder / ".somebody's").is_dir()


def test_patience_counts_over_a_stop(start: Start, faces: Faces) -> None:
    recipe = {"epochs": 9, "patience": 3, "keep": "best", "optimizer": "sgd", "learning_rate": 1e-30}
    run = start(CNN, **recipe)
    stop_at(run, faces, epoch=3, step=1)
    assert fit(run, faces, silent).selected_epoch == 1
    assert [epoch.epoch for epoch in run.history()] == [1, 2, 3, 4]


TRAIN_AND_DIE = """
import os, signal, sys
from pathlib import Path
import torch
from mien.faces.drawn import draw_faces
from mien.training.loop import fit
from mien.runs.run import Run

folder, moment, place = sys.argv[1:4]
torch.set_num_threads(int(sys.argv[4]))

def on_step(progress):
    if moment == "step" and f"{progress.epoch}:{progress.step}" == place:
        os.kill(os.getpid(), signal.SIGKILL)

def watched(replace):
    def renamed(self, target):
        if moment == "before" and Path(target).name == place:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)
    return renamed

Path.replace = watched(Path.replace)
fit(Run.open(Path(folder)), draw_faces(200, size=24), on_step)
"""

MOMENTS = [
    ("step", "2:2"),  # in the middle of an epoch
    ("before", "checkpoint.safetensors"),  # the epoch is in the history, but not yet in the checkpoint
    ("step", "4:3"),  # behind an epoch's last step
    ("before", "weights.safetensors"),  # all epochs are done
    ("before", "validation.npz"),  # between the two predictions
]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_numbers(start: Start, faces: Faces) -> None:
    recipe = {"epochs": 4, "batch": 64, "keep": "best"}
    whole, run = start(CNN, **recipe), start(CNN, **recipe)
    fit(whole, faces, silent)
    epochs_done = []
    for moment in MOMENTS:
        dead = subprocess.run(
            [sys.executable, "-c", TRAIN_AND_DIE, run.folder, *moment, str(torch.get_num_threads())],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert dead.returncode == -signal.SIGKILL, dead.stderr
        assert run.status.state == "stopped", "though its file says running"
        assert not (run.folder / "validation.npz").exists()
        epochs_done.append(len(run.history()))
    assert epochs_done == [1, 2, 3, 4, 4]
    fit(run, faces, silent)
    assert_same(run, whole)
