import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mien.cli.study_progress import LiveTable, duration, percent, show_progress
from mien.disk import append_line
from mien.runs.run import Epoch, Run, Status
from mien.study.execute import execute
from mien.training.loop import Progress


def _shown(table: LiveTable) -> list[str]:
    console = Console(file=io.StringIO(), width=140)
    console.print(table.render())
    return console.file.getvalue().splitlines()


@pytest.fixture
def runs(plan, tmp_path: Path) -> list[Run]:
    nets = plan.study.nets
    return [Run.create(tmp_path / "runs", net.net, net.recipe, 0, plan.faces) for net in nets]


def test_the_live_table_shows_every_run_and_the_running_ones_bar(runs: list[Run]) -> None:
    table = LiveTable()
    append_line(runs[0].folder / "history.jsonl", vars(Epoch(2, 1.5, 0.25, 1.6, 0.2, 0.5, 80.0, (1.5,))))
    runs[0].write_status(Status("finished", seconds=65.0))
    table.on_plan(runs)
    table.on_step(Progress(runs[1], 2, 4, 3, 10, 1.25, 80.0, None))
    lines = _shown(table)
    assert " ".join(lines[0].split()) == "net seed state epoch loss train % validation % faces/s time"
    assert " ".join(lines[1].split()) == "worse 0 finished 2/2 1.5000 25.0 20.0 80 1 min 5 s"
    assert lines[2].split() == ["better", "0", "running", "2/4", "1.2500", "80"]
    assert lines[3].split() == ["other", "0", "waiting", "0/2"]
    # 13 of 40 steps are done; a step is 40 faces, so that 27 are left at two a second.
    assert "better seed 0" in lines[-1]
    assert lines[-1].rstrip().endswith("80 faces/s  14 s left")


def test_the_bar_goes_when_nothing_runs(runs: list[Run]) -> None:
    table = LiveTable()
    table.on_plan(runs)
    table.on_step(Progress(runs[1], 2, 2, 10, 10, 1.25, 80.0, None))
    table.on_run_end(runs[1], Status("failed", "the loss was nan"))
    lines = _shown(table)
    assert len(lines) == 4
    assert "failed" in lines[2]


def test_time_left_counts_the_steps_to_come(runs: list[Run]) -> None:
    assert Progress(runs[0], 1, 2, 5, 10, 1.0, 40.0, None).seconds_left == pytest.approx(15.0)
    assert Progress(runs[0], 2, 2, 10, 10, 1.0, 40.0, None).seconds_left == 0


def test_a_terminal_gets_the_table_and_a_file_lines(plan, tmp_path: Path) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=140)
    with show_progress(terminal) as recorder:
        execute(plan, tmp_path / "a", recorder)
    assert "validation %" in terminal.file.getvalue()
    file = Console(file=io.StringIO(), width=40)
    with show_progress(file) as recorder:
        execute(plan, tmp_path / "b", recorder)
    lines = file.file.getvalue().splitlines()
    assert lines[0] == "6 runs, 0 ended before"
    assert lines[1] == "worse seed 0: epoch 1/2, loss 1.5000, train 30.0 %, validation 25.0 %, 80 faces/s, 1.0 s left"
    assert len(lines) == 1 + 6 * 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min"), (185, "3 min 5 s"), (4800, "1 h 20 min")],
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(0, 1e6))
def test_no_duration_counts_sixty_of_anything(seconds: float) -> None:
    assert not {"60 s", "60 min"} & {duration(seconds), duration(seconds)[-6:].strip()}


def test_shares_are_percentages_and_nothing_is_nothing() -> None:
    assert (percent(0.57366), percent(1), percent(None), duration(None)) == ("57.4", "100.0", "", "")
