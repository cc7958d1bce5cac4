"""A search: its trials are runs, it survives a kill, and several processes share it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.runs.results import Results
from mien.runs.run import Run, Status
from mien.runs.search_results import TrialResult
from mien.runs.study_folder import runs_in
from mien.study.config.schema import read_study
from mien.study.execute import execute
from mien.study.plan import Plan, make_plan
from mien.study.search.trials import list_searches
from mien.training.loop import Progress

STUDY = """
name = "searched"
[data]
source = "drawn:100"
[recipe]
epochs = 3
batch = 16
precision = "float32"
[nets.a]
layers = ["pool(4)", "flatten", "dense(n)", "act", "dropout(p)", "classes"]
[nets.a.tune]
trials = 7
pruner = "median(startup=2, warmup=0)"
space.n = [4, 8, 16]
space.act = ["relu", "elu"]
space.p = "uniform(0.0, 0.5)"
space."recipe.learning_rate" = "log_uniform(1e-4, 1e-1)"
"""


class Recorder:
    """Keeps what a search says."""

    def __init__(self) -> None:
        self.trials: list[tuple[int, str]] = []
        self.stop_at: int | None = None
        self.epochs = 0

    def on_plan(self, runs: object) -> None:
        pass

    def on_trial(self, net: str, trials: int, trial: TrialResult, best: TrialResult | None) -> None:
        self.trials.append((trial.number, trial.state))

    def on_step(self, progress: Progress) -> None:
        self.epochs += progress.record is not None
        if self.epochs and self.epochs == self.stop_at:
            raise KeyboardInterrupt

    def on_run_end(self, run: Run, status: Status) -> None:
        pass


def planned(folder: Path, text: str = STUDY) -> Plan:
    file = folder / "study_file.toml"
    file.write_text(text, encoding="utf-8")
    return make_plan(read_study(file))


def without_time(trials: list[TrialResult]) -> list[dict[str, object]]:
    """What does not depend on time."""
    return [{**vars(one), "seconds": 0} for one in trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan, Results, Recorder]:
    """A search that nothing disturbed."""
    folder, recorder = tmp_path_factory.mktemp("whole"), Recorder()
    plan = planned(folder)
    return folder / "out", plan, execute(plan, folder / "out", recorder), recorder


def test_every_trial_is_made_and_reported(whole: tuple[Path, Plan, Results, Recorder]) -> None:
    folder, _, results, recorder = whole
    search = results.tuning["a"]
    trials = search.trials
    assert [one.number for one in trials] == list(range(1, 8))
    assert {one.state for one in trials} == {"finished", "pruned"}
    assert recorder.trials[:2] == [(1, "running"), (1, "finished")]
    assert [number for number, state in recorder.trials if state != "running"] == list(range(1, 8))
    for one in trials:
        run = Run.open(folder / "runs" / one.run)
        assert run.status.state == one.state
        assert [epoch.validation_accuracy for epoch in run.history()] == list(one.accuracies)
        assert dict(run.net.values) == {key: value for key, value in one.values.items() if "." not in key}
        assert run.recipe.learning_rate == one.values["recipe.learning_rate"]
    pruned = [one for one in trials if one.state == "pruned"]
    assert all(one.epochs < 3 and "on validation after epoch" in one.reason for one in pruned)
    assert search.saved_epochs == sum(3 - one.epochs for one in pruned) > 0


def test_the_net_goes_on_with_the_best_trials_values(whole: tuple[Path, Plan, Results, Recorder]) -> None:
    folder, _, results, _ = whole
    search = results.tuning["a"]
    finished = [one for one in search.trials if one.state == "finished"]
    best = max(finished, key=lambda one: one.scores[0])
    assert search.best == best.number
    (net,) = results.nets
    assert net.runs == (best.run,)
    assert net.accuracy.validation.mean == pytest.approx(best.scores[0])
    assert net.selected
    opened = [run.id for run in runs_in(folder) if run.status.test_opened]
    assert opened == [best.run], "test is opened for the best alone"


def test_importances_are_shares_of_one(whole: tuple[Path, Plan, Results, Recorder]) -> None:
    shares = whole[2].tuning["a"].importances
    assert set(shares) == {"n", "act", "p", "recipe.learning_rate"}
    assert sum(shares.values()) == pytest.approx(1)


def test_run_again_it_makes_nothing_anew(whole: tuple[Path, Plan, Results, Recorder]) -> None:
    folder, plan, results, _ = whole
    recorder = Recorder()
    again = execute(plan, folder, recorder)
    assert recorder.trials == []
    assert recorder.epochs == 0
    assert again.tuning == results.tuning


def test_more_trials_go_on_from_those_there_are(whole: tuple[Path, Plan, Results, Recorder]) -> None:
    folder, plan, _, _ = whole
    before = without_time(plan.search(plan.study.nets[0], folder).trials())
    more = planned(folder.parent, STUDY.replace("trials = 7", "trials = 8"))
    search = more.search(more.study.nets[0], folder)
    assert without_time(search.trials()) == before


def test_a_search_that_was_stopped_makes_the_trials_of_one_that_was_not(
    whole: tuple[Path, Plan, Results, Recorder], tmp_path: Path
) -> None:
    plan = planned(tmp_path)
    for epochs in (2, 4, 3):
        recorder = Recorder()
        recorder.stop_at = epochs
        with pytest.raises(KeyboardInterrupt):
            execute(plan, tmp_path / "out", recorder)
    execute(plan, tmp_path / "out", Recorder())
    ours = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    theirs = whole[1].search(whole[1].study.nets[0], whole[0]).trials()
    assert without_time(ours) == without_time(theirs)


COMMAND = "import sys; from mien.cli import app; app(sys.argv[1:])"


def started(*words: str) -> "subprocess.Popen[bytes]":
    call = [sys.executable, "-c", COMMAND, *words]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.slow
def test_a_search_that_was_killed_makes_the_trials_of_one_that_was_not(
    whole: tuple[Path, Plan, Results, Recorder], tmp_path: Path
) -> None:
    plan = planned(tmp_path)
    words = ["study", str(tmp_path / "study_file.toml"), "-o", str(tmp_path / "out")]
    process = started(*words)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(tmp_path.glob("out/runs/*/history.jsonl"))) < 3:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out" / "results.json").exists()
    again = started(*words)
    assert again.communicate()[0]
    assert again.returncode == 0
    ours = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    theirs = whole[1].search(whole[1].study.nets[0], whole[0]).trials()
    assert without_time(ours) == without_time(theirs)


@pytest.mark.slow
def test_two_processes_share_the_trials_of_one_search(tmp_path: Path) -> None:
    text = STUDY.replace("trials = 7", "trials = 16").replace("epochs = 3", "epochs = 20")
    text = text.replace('"median(startup=2, warmup=0)"', '"none"')
    plan = planned(tmp_path, text)
    words = ["study", str(tmp_path / "study_file.toml"), "-o", str(tmp_path / "out")]
    leader = started(*words)
    while not (tmp_path / "out" / "study.toml").exists():
        time.sleep(0.01)
    helper = started(*words, "--join")
    output = helper.communicate()[0].decode()
    assert helper.returncode == 0, output
    assert leader.communicate()[0]
    assert leader.returncode == 0
    search = plan.search(plan.study.nets[0], tmp_path / "out")
    assert [one.number for one in search.trials()] == list(range(1, 17))
    assert {one.state for one in search.trials()} == {"finished"}
    owners = {one.user_attrs["owner"].split()[1] for one in search.study.trials}
    assert owners == {str(leader.pid), str(helper.pid)}, "both have made some"


def test_trials_of_the_same_settings_share_a_run(tmp_path: Path) -> None:
    text = STUDY.replace('"uniform(0.0, 0.5)"', "[0.1]").replace('"log_uniform(1e-4, 1e-1)"', "[1e-3]")
    text = text.replace("[4, 8, 16]", "[4]").replace("trials = 7", 'trials = 5\nsampler = "random"')
    plan = planned(tmp_path, text)
    execute(plan, tmp_path / "out", Recorder())
    trials = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    assert len(trials) == 5
    assert len({one.run for one in trials}) == len(runs_in(tmp_path / "out")) == 2


def test_a_grid_goes_through_every_value_and_ends(tmp_path: Path) -> None:
    text = STUDY.replace('"uniform(0.0, 0.5)"', '"uniform(0.0, 0.5, step=0.5)"').replace("trials = 7", "trials = 99")
    text = text.replace('"log_uniform(1e-4, 1e-1)"', "[1e-3]").replace("epochs = 3", "epochs = 1")
    plan = planned(tmp_path, text.replace("[nets.a.tune]", '[nets.a.tune]\nsampler = "grid"'))
    execute(plan, tmp_path / "out", Recorder())
    trials = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    tried = {(one.values["n"], one.values["act"], one.values["p"]) for one in trials}
    assert tried == {(n, act, p) for n in (4, 8, 16) for act in ("relu", "elu") for p in (0.0, 0.5)}
    assert len(trials) == 12


def test_a_search_begins_where_it_is_reported_to(tmp_path: Path) -> None:
    text = STUDY.replace("trials = 7", 'trials = 3\nenqueue = [{ n = 16, act = "elu" }, { p = 0.25 }]')
    plan = planned(tmp_path, text)
    execute(plan, tmp_path / "out", Recorder())
    first, second, _ = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    assert (first.values["n"], first.values["act"]) == (16, "elu")
    assert second.values["p"] == 0.25


def test_several_objectives_have_a_pareto_front(tmp_path: Path) -> None:
    text = STUDY.replace('pruner = "median(startup=2, warmup=0)"', 'objectives = ["validation_accuracy", "parameters"]')
    plan = planned(tmp_path, text)
    search = execute(plan, tmp_path / "out", Recorder()).tuning["a"]
    scores = {one.number: one.scores for one in search.trials}

    def outperformed(number: int) -> bool:
        accuracy, size = scores[number]
        return any(a >= accuracy and b <= size and (a, b) != (accuracy, size) for a, b in scores.values())

    assert search.pareto == tuple(number for number in scores if not outperformed(number))
    assert search.best == max(search.pareto, key=lambda number: scores[number][0])


def test_values_that_fit_no_net_are_a_failed_trial_with_its_reason(tmp_path: Path) -> None:
    text = STUDY + 'space."recipe.optimizer" = ["adam", "sgd"]\nspace."recipe.momentum" = [0.0, 0.9]\n'
    start = ", ".join(f'{{ "recipe.optimizer" = "adam", "recipe.momentum" = {value} }}' for value in (0.0, 0.9))
    plan = planned(tmp_path, text.replace("trials = 7", f"trials = 3\nenqueue = [{start}]"))
    execute(plan, tmp_path / "out", Recorder())
    trials = plan.search(plan.study.nets[0], tmp_path / "out").trials()
    assert trials[1].state == "failed"
    assert "momentum and nesterov belong to optimizer = 'sgd'" in trials[1].reason
    assert trials[0].state == "finished"


def test_a_search_in_which_no_trial_is_finished_leaves_the_rest_of_the_study_whole(tmp_path: Path) -> None:
    text = STUDY.replace('"log_uniform(1e-4, 1e-1)"', "[1e30, 1e31]").replace("trials = 7", "trials = 2")
    text += '[nets.b]\nlayers = ["flatten", "classes"]\n'
    results = execute(planned(tmp_path, text), tmp_path / "out", Recorder())
    a, b = sorted(results.nets, key=lambda net: net.name)
    assert (a.state, a.runs, b.state) == ("failed", (), "finished")
    assert a.reason.startswith("none of its 2 trials was finished; the first: ")
    assert "a learning rate below 1e+3" in a.reason
    assert results.best == "b"
    assert results.tuning["a"].best is None
    assert [trial.state for trial in results.tuning["a"].trials] == ["failed", "failed"]
    page = CliRunner().invoke(app, ["report", str(tmp_path / "out")])
    assert page.exit_code == 0, page.output
    assert "none of its 2 trials was finished" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_time_that_is_spent_ends_a_search(tmp_path: Path) -> None:
    plan = planned(tmp_path, STUDY.replace("trials = 7", "trials = 500\nminutes = 1e-9"))
    execute(plan, tmp_path / "out", Recorder())
    assert len(plan.search(plan.study.nets[0], tmp_path / "out").trials()) == 1


@pytest.mark.parametrize("sampler", ["random", "gp", "cmaes"])
def test_every_sampler_makes_its_trials(sampler: str, tmp_path: Path) -> None:
    text = STUDY.replace("trials = 7", f'trials = 5\nsampler = "{sampler}"').replace("epochs = 3", "epochs = 1")
    plan = planned(tmp_path, text)
    execute(plan, tmp_path / "out", Recorder())
    assert len(plan.search(plan.study.nets[0], tmp_path / "out").trials()) == 5


@pytest.mark.parametrize("pruner", ["successive_halving", "hyperband"])
def test_every_pruner_gives_trials_up(pruner: str, tmp_path: Path) -> None:
    text = STUDY.replace("median(startup=2, warmup=0)", pruner).replace("trials = 7", "trials = 12")
    plan = planned(tmp_path, text)
    execute(plan, tmp_path / "out", Recorder())
    states = [one.state for one in plan.search(plan.study.nets[0], tmp_path / "out").trials()]
    assert len(states) == 12
    assert set(states) == {"finished", "pruned"}


def test_the_command_lists_trials(whole: tuple[Path, Plan, Results, Recorder]) -> None:
    folder = whole[0]
    done = CliRunner().invoke(app, ["trials", str(folder), "a", "--json"])
    assert done.exit_code == 0
    listed = json.loads(done.stdout)
    [search] = list_searches(folder)
    assert [one["number"] for one in listed] == [trial.number for trial in search.trials] == list(range(1, 8))
    assert {(one["net"], one["search"], *one["objectives"]) for one in listed} == {
        ("a", search.id, "validation_accuracy")
    }
    assert [one["run"] for one in listed] == [trial.run for trial in search.trials]
    table = CliRunner().invoke(app, ["trials", str(folder)])
    assert "pruned" in table.stdout


def test_a_folder_without_searches_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no searches; a study makes them for nets with a tune table"):
        CliRunner().invoke(app, ["trials", str(tmp_path)], catch_exceptions=False)
