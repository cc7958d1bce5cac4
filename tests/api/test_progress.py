"""The bars of a study that runs from Python."""

import sys
import warnings
from pathlib import Path

import pytest

import mien
from mien.api.progress import ProgressBars, counting
from mien.faces import Faces
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.runs.run import Epoch, Run, Status
from mien.runs.search_results import TrialResult
from mien.training.loop import Progress


@pytest.fixture
def run(tmp_path: Path, small: Faces) -> Run:
    return Run.create(tmp_path, Net("cnn", ("flatten", "classes")), Recipe(epochs=4, batch=7), 3, small)


def step(run: Run, epoch: int, done: int, accuracy: float | None = None) -> Progress:
    record = None if accuracy is None else Epoch(epoch, 1.0, 0.5, 1.0, accuracy, 1.0, 70.0, (1.0,))
    return Progress(run, epoch, 4, done, 2, 1.0, 70.0, record)


def last(capsys: pytest.CaptureFixture[str]) -> str:
    """What the terminal shows of the bar that was drawn last."""
    return capsys.readouterr().err.replace("\n", "\r").rstrip("\r").split("\r")[-1].strip()


def test_a_bar_shows_the_figures_of_its_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bars = ProgressBars()
    bars.on_plan([run])
    bars.on_step(step(run, 2, 2, accuracy=0.574))
    bars.on_step(step(run, 3, 1))
    bars._bars[run.id].refresh()
    # Five of eight steps are done; a step is 7 faces, so that 21 are left at 70 a second.
    shown = last(capsys)
    assert shown.startswith("62%|")
    assert shown.endswith("| cnn seed 3: epoch 3/4, 70 faces/s, 0.3 s left, validation 57.4 %")


def test_a_bar_of_a_run_that_was_stopped_begins_where_that_was(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bars = ProgressBars()
    bars.on_step(step(run, 3, 1))
    assert bars._bars[run.id].initial == 4
    assert capsys.readouterr().err.strip().startswith("50%|")
    bars.close()


def test_a_bar_ends_with_how_its_run_ended(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bars = ProgressBars()
    bars.on_step(step(run, 3, 2, accuracy=0.5))
    bars.on_run_end(run, Status("finished", seconds=65.0))  # without the fourth epoch: it lost patience
    shown = last(capsys)
    assert shown.startswith("100%|")
    assert shown.endswith("| cnn seed 3: finished in 1 min 5 s, validation 50.0 %")
    assert not bars._bars
    bars.on_step(step(run, 1, 1))
    bars.on_run_end(run, Status("failed", "the loss became nan"))
    assert "| cnn seed 3: failed the loss became nan" in last(capsys)


def test_a_search_has_one_bar_with_its_trial_and_the_best_so_far(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bars = ProgressBars()
    first = TrialResult(1, "finished", {"units": 4}, (0.5,), (0.5,))
    bars.on_trial("cnn", 3, first, first)
    bars.on_trial("cnn", 3, TrialResult(2, "running", {"units": 8}), first)
    bars.on_step(step(run, 1, 1))
    assert list(bars._bars) == ["cnn"]
    bars._bars["cnn"].refresh()
    shown = last(capsys)
    assert shown.startswith("33%|")
    assert "cnn: trial 2 of 3: epoch 1/4, 70 faces/s" in shown
    assert shown.endswith("; best so far 50.0 % (trial 1)")
    bars.on_trial("cnn", 3, TrialResult(3, "pruned", {"units": 8}, (), (0.2,)), first)
    assert not bars._bars
    assert last(capsys).startswith("100%|")


def test_runs_that_ended_before_are_counted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bars = ProgressBars()
    run.write_status(Status("finished"))
    bars.on_plan([run])
    bars.on_plan([run])
    assert capsys.readouterr() == ("", "1 of 1 run ended before\n")


def test_a_trial_that_outlasts_the_last_one_is_no_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    bars = ProgressBars()
    bars.on_trial("cnn", 2, TrialResult(1, "running", {}), None)
    bars.on_trial("cnn", 2, TrialResult(2, "failed", {}), None)
    bars.on_step(step(run, 1, 1))
    assert not bars._bars


def test_a_study_gives_plain_lines_where_stderr_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = ["flatten", "classes"]
    study = mien.Study(name="s", data={"source": "drawn:200"}, recipe={"epochs": 1}, nets={"n": {"layers": layers}})
    study.run(folder=tmp_path / "s")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\r" not in shown.err
    lines = shown.err.splitlines()
    assert lines[-3] == "1 run, 0 ended before"
    assert lines[-2].startswith("n seed 0: epoch 1/1, loss ")
    assert lines[-1].startswith("n seed 0: finished in ")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    study = mien.Study(name="s", data={"source": "drawn:200"}, recipe={"epochs": 2}, nets={"n": {"layers": layers}})
    study.run(folder=tmp_path / "s")
    assert "\r" in capsys.readouterr().err


def test_photos_are_counted_in_plain_lines_where_stderr_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.api.progress.EVERY", -1.0)
    with counting("photos", 1200) as one_more:
        for _ in range(1001):
            one_more()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == "photos: 1,001 of 1,200"
    assert "\r" not in shown.err


def test_a_silent_study_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = mien.Study(
        name="s", data={"source": "drawn:200"}, recipe={"epochs": 1}, nets={"n": {"layers": ["flatten", "classes"]}}
    )
    study.run(folder=tmp_path / "s", progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_notebook_without_ipywidgets_gets_text_on_stdout_and_no_warning(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # tqdm warns where it is first imported in a kernel that has no ipywidgets.
    for name in [name for name in sys.modules if name.startswith("tqdm.auto")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", sys)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bars = ProgressBars()
        bars.on_step(step(run, 1, 1))
        bars.close()
    shown = capsys.readouterr()
    assert "cnn seed 3: epoch 1/4" in shown.out
    assert shown.err == ""
