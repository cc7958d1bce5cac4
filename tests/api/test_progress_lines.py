"""Plain lines about a study that runs."""

from pathlib import Path

from mien.api.progress_lines import ProgressLines
from mien.faces import Faces
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Epoch, Run, Status
from mien.runs.search_results import TrialResult
from mien.training.loop import Progress


def test_each_epoch_each_end_and_each_trial_has_a_line(tmp_path: Path, small: Faces) -> None:
    run = Run.create(tmp_path, Net("cnn", ("flatten", "classes")), Recipe(epochs=4, batch=7), 3, small)
    lines: list[str] = []
    following = ProgressLines(lines.append)
    following.on_plan([run])
    following.on_step(Progress(run, 3, 4, 1, 2, 1.0, 70.0, None))
    record = Epoch(3, 1.25, 0.5, 1.0, 0.574, 1.0, 70.0, (1.0,))
    following.on_step(Progress(run, 3, 4, 2, 2, 1.0, 70.0, record))
    following.on_run_end(run, Status("failed", "the loss became nan"))
    run.write_status(Status("finished", seconds=65.0))
    following.on_plan([run, run])
    best = TrialResult(1, "finished", {"units": 4}, (0.5,), (0.5,))
    following.on_trial("cnn", 3, TrialResult(2, "pruned", {"units": 8, "p": 0.25}), best)
    assert lines == [
        "1 run, 0 ended before",
        "cnn seed 3: epoch 3/4, loss 1.2500, train 50.0 %, validation 57.4 %, 70 faces/s, 0.2 s left",
        "cnn seed 3: failed the loss became nan",
        "2 runs, 2 ended before",
        "cnn seed 3: finished in 1 min 5 s",
        "cnn seed 3: finished in 1 min 5 s",
        "cnn, trial 2 of 3: units 8, p 0.25: pruned; best so far 50.0 % (trial 1)",
    ]
