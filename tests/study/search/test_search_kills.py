"""A search wherever a kill hits it, and beside other searches and processes."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mien.runs.run import Run, Status
from mien.runs.search_results import TrialResult
from mien.study.config.schema import read_study
from mien.study.engines.local import LocalEngine
from mien.study.plan import Plan, make_plan
from mien.study.search.search import Search

STUDY = """
name = "searched"
[data]
source = "drawn:100"
[recipe]
epochs = 2
batch = 64
precision = "float32"
[nets.a]
layers = ["pool(8)", "flatten", "dense(n)", "act", "classes"]
[nets.a.tune]
trials = 4
enqueue = [{ n = 8 }]
pruner = "median(startup=1, warmup=0)"
space.n = "integers(2, 16)"
space.act = ["relu", "elu"]
space."recipe.learning_rate" = "log_uniform(1e-4, 1e-1)"
"""


class Quiet:
    def on_plan(self, runs: object) -> None:
        pass

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        pass

    def on_step(self, progress: object) -> None:
        pass

    def on_run_end(self, run: Run, status: Status) -> None:
        pass


def planned(folder: Path, text: str) -> Plan:
    file = folder / "study_file.toml"
    file.write_text(text, encoding="utf-8")
    return make_plan(read_study(file))


def searched(plan: Plan, folder: Path) -> list[dict[str, object]]:
    """The trials of a search, without what depends on time."""
    net, engine = plan.study.nets[0], LocalEngine(plan.faces, lambda progress: None)
    Search(plan.search(net, folder), plan.faces, lambda one: plan.create_run(one, 0, folder), engine, Quiet()).run()
    return [{**vars(one), "seconds": 0} for one in plan.search(net, folder).trials()]


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", pytest.param("gp", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_search_makes_the_same_trials_wherever_a_kill_cut_its_journal(sampler: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, STUDY.replace("trials = 4", f'trials = 4\nsampler = "{sampler}"'))
    whole = searched(plan, tmp_path / "whole")
    assert len(whole) == 4
    (journal,) = (tmp_path / "whole" / "tuning").glob("*.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    for count, torn in enumerate(lines):
        again = tmp_path / f"{count}"
        shutil.copytree(tmp_path / "whole", again)
        (again / "tuning" / journal.name).write_bytes(b"".join(lines[:count]) + torn[: len(torn) // 2])
        assert searched(plan, again) == whole, f"cut in line {count}: {torn.decode()}"
        shutil.rmtree(again)


def test_a_run_that_another_search_pruned_is_trained_to_its_end(tmp_path: Path) -> None:
    pruned = searched(planned(tmp_path, STUDY.replace("trials = 4", "trials = 6")), tmp_path / "out")
    assert "pruned" in {one["state"] for one in pruned}
    text = STUDY.replace("trials = 4", "trials = 6").replace('"median(startup=1, warmup=0)"', '"none"')
    whole = searched(planned(tmp_path, text), tmp_path / "out")
    assert {one["state"] for one in whole} == {"finished"}
    assert {one["epochs"] for one in whole} == {2}


def test_a_grid_goes_on_where_more_trials_are_configured(tmp_path: Path) -> None:
    text = STUDY.replace('"log_uniform(1e-4, 1e-1)"', "[1e-3]").replace('"integers(2, 16)"', "[8, 4, 2]")
    text = text.replace("[nets.a.tune]", '[nets.a.tune]\nsampler = "grid"')
    some = searched(planned(tmp_path, text), tmp_path / "out")
    every = searched(planned(tmp_path, text.replace("trials = 4", "trials = 99")), tmp_path / "out")
    assert len(some) == 4
    assert every[:4] == some
    assert len(every) == 3 * 2 + 1, "each point once, and the start, which leaves values open"


COMMAND = "import sys; from mien.cli import app; app(sys.argv[1:])"


@pytest.mark.slow
def test_processes_do_not_train_one_run_at_once(tmp_path: Path) -> None:
    text = (
        STUDY.replace('"integers(2, 16)"', "[8]").replace('["relu", "elu"]', '["relu"]').replace("= 2\n", "= 30\n", 1)
    )
    text = text.replace('"log_uniform(1e-4, 1e-1)"', "[1e-3]").replace('"median(startup=1, warmup=0)"', '"none"')
    plan = planned(tmp_path, text)
    call = [sys.executable, "-c", COMMAND, "study", str(tmp_path / "study_file.toml"), "-o", str(tmp_path / "out")]
    leader = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "out" / "study.toml").exists():
        assert leader.poll() is None
    helper = subprocess.run([*call, "--join"], capture_output=True, text=True)
    assert helper.returncode == 0, helper.stderr
    assert leader.wait() == 0
    trials = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    assert [one.state for one in trials] == ["finished"] * 4
    (run,) = (tmp_path / "out" / "runs").iterdir()
    assert [epoch.epoch for epoch in Run.open(run).history()] == list(range(1, 31))


def test_values_that_do_not_fit_these_faces_are_a_failed_trial(tmp_path: Path) -> None:
    text = STUDY.replace('"pool(8)"', '"conv(1, size)"').replace("space.n =", "space.size = [3, 40]\nspace.n =")
    text = text.replace("enqueue = [{ n = 8 }]", "enqueue = [{ size = 40 }, { size = 3 }]")
    plan = planned(tmp_path, text)
    smaller = replace(plan.faces, images=plan.faces.images[:, :24, :24].copy())
    first, second, *_ = searched(replace(plan, faces=smaller), tmp_path / "out")
    assert first["state"] == "failed"
    assert "its window of 40x40 pixels is larger than its input [1, 24, 24]" in str(first["reason"])
    assert second["state"] in ("finished", "pruned")
