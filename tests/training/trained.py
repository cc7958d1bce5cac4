"""What the tests of whole runs share."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mien.faces import Faces
from mien.nets import Net
from mien.runs.run import Epoch, Run
from mien.training.loop import Progress, fit

Start = Callable[..., Run]
"""The fixture `start`: start(net, seed, of=faces, epochs=2) creates a run."""

CNN = Net(
    "cnn", ("conv(4)", "relu", "pool", "conv(6)", "elu", "flatten", "dropout(0.2)", "dense(8)", "relu", "classes")
)
NORMAL = Net("normal", ("conv(4)", "batch_norm", "relu", "residual(6)", "dropout(0.2)", "global_average", "classes"))


def silent(progress: Progress) -> None:
    """Do nothing after a step."""


def numbers(run: Run) -> list[Epoch]:
    """The history but for its times, which are never twice the same."""
    return [replace(epoch, seconds=0.0, faces_per_second=0.0) for epoch in run.history()]


def assert_same(run: Run, whole: Run) -> None:
    """Ended with the same numbers, bit for bit, and nothing left over."""
    assert run.status.state == whole.status.state == "finished"
    assert run.status.selected_epoch == whole.status.selected_epoch
    assert numbers(run) == numbers(whole) != []
    assert (run.folder / "weights.safetensors").read_bytes() == (whole.folder / "weights.safetensors").read_bytes()
    for split in ("train", "validation"):
        ours, theirs = run.predictions(split), whole.predictions(split)
        assert ours is not None
        assert theirs is not None
        assert np.array_equal(ours.probabilities, theirs.probabilities)
    assert not (run.folder / "checkpoint.safetensors").exists()


def stop_at(run: Run, faces: Faces, epoch: int, step: int) -> None:
    """Train until the user stops it behind a step."""

    def interrupt(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (epoch, step):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(run, faces, interrupt)
