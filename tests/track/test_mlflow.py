import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from followed_study import Followed

from mien.errors import UserError
from mien.runs.run import Run
from mien.study.config.track import TrackerConfig
from mien.track.mlflow import MlflowWriter

pytest.importorskip("mlflow", reason="the extra mlflow is not installed")

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

COUNT = count(5)

CONFIG = TrackerConfig("mlflow")


@pytest.fixture(scope="module")
def followed(follow: Callable[[TrackerConfig], Followed]) -> Followed:
    return follow(CONFIG)


@pytest.fixture(scope="module")
def client(followed: Followed) -> "MlflowClient":
    return reopened(followed.folder / "track" / "mlflow")


def reopened(folder: Path) -> "MlflowClient":
    """A client of the database in a folder, which MLflow has not opened under this URI before."""
    from mlflow import MlflowClient

    again = "/." * next(COUNT)
    return MlflowClient(f"sqlite:///{folder.as_posix()}{again}/mlflow.db")


def runs(client: "MlflowClient") -> dict[str, "MlflowRun"]:
    """The runs of the study's experiment, by name."""
    experiment = client.get_experiment_by_name("small")
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def steps(client: "MlflowClient", run: "MlflowRun", tag: str) -> list[int]:
    return sorted(one.step for one in client.get_metric_history(run.info.run_id, tag))


def test_nets_and_trials_stand_under_the_run_of_the_study(followed: Followed, client: "MlflowClient") -> None:
    named = runs(client)
    trials = followed.results.tuning["searched"].trials
    best = followed.results.tuning["searched"].best
    others = {f"trials/searched-{one.number}" for one in trials if one.number != best}
    assert set(named) == {"study small", "plain-0", "plain-1", "searched-0", "searched-1", *others}
    parent = named.pop("study small").info.run_id
    assert {run.data.tags["mlflow.parentRunId"] for run in named.values()} == {parent}
    assert {run.info.status for run in named.values()} == {"FINISHED"}
    assert named["searched-0"].data.tags["mien.trial"] == str(best)
    assert followed.warnings == []


def test_a_study_that_was_stopped_has_each_epoch_once(followed: Followed, client: "MlflowClient") -> None:
    run = runs(client)["plain-0"]
    history = Run(followed.folder / "runs" / run.data.tags["mien.run"]).history()
    logged = sorted(client.get_metric_history(run.info.run_id, "loss/validation"), key=lambda one: one.step)
    assert [(one.step, one.value) for one in logged] == [(one.epoch, one.validation_loss) for one in history]
    assert steps(client, run, "loss/train") == steps(client, run, "learning_rate") == [1, 2, 3]
    assert steps(client, run, "loss/step") == list(range(1, 120, 2))


def test_a_run_has_its_settings_results_and_times(followed: Followed, client: "MlflowClient") -> None:
    run = runs(client)["plain-0"]
    ours = Run(followed.folder / "runs" / run.data.tags["mien.run"])
    params = run.data.params
    assert params["layers"] == "flatten, dense(2), classes"
    assert (params["recipe.batch"], params["recipe.learning_rate"], params["seed"]) == ("4", "0.001", "0")
    assert params["faces_fingerprint"] == followed.plan.faces.fingerprint
    assert params["parameters"] == str(ours.status.parameters)
    test = ours.predictions("test")
    assert test is not None
    assert run.data.metrics["result/test_accuracy"] == test.accuracy
    assert run.info.end_time == int(1000 * (ours.folder / "history.jsonl").stat().st_mtime)
    assert run.info.start_time < run.info.end_time


def test_trials_have_their_values_and_scores(followed: Followed, client: "MlflowClient") -> None:
    named = runs(client)
    for trial in followed.results.tuning["searched"].trials:
        run = named.get(f"trials/searched-{trial.number}", named["searched-0"])
        assert run.data.tags["mien.trial"] == str(trial.number)
        assert run.data.params["values.width"] == str(trial.values["width"])
        assert run.data.metrics["score/parameters"] == trial.scores[0]


def test_the_study_has_the_scores_of_its_nets_and_the_report(followed: Followed, client: "MlflowClient") -> None:
    run = runs(client)["study small"]
    net = followed.results.by_name["plain"]
    assert net.accuracy.test
    assert net.scores
    metrics = run.data.metrics
    assert metrics["plain/test_accuracy"] == net.accuracy.test.mean
    assert (metrics["plain/test_accuracy_low"], metrics["plain/test_accuracy_high"]) == net.accuracy.test.interval
    assert metrics["plain/test_macro_f1"] == net.scores.macro_f1
    assert metrics["plain/test_ece"] == net.scores.ece
    assert "searched/test_accuracy" not in metrics
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert files == {"report.html", "results.json", "study.toml", "figures", "tables"}
    stored = followed.folder / "track" / "mlflow" / "artifacts" / run.info.run_id / "artifacts" / "report.html"
    assert stored.read_bytes() == (followed.folder / "report.html").read_bytes()
    assert "figures/confusion-plain.svg" in {one.path for one in client.list_artifacts(run.info.run_id, "figures")}


def test_an_ended_study_again_has_nothing_twice(followed: Followed, client: "MlflowClient") -> None:
    def points() -> dict[tuple[str, str], list[int]]:
        named = runs(client).items()
        return {(name, tag): steps(client, run, tag) for name, run in named for tag in run.data.metrics}

    before = points()
    times = {name: run.info.end_time for name, run in runs(client).items() if name != "study small"}
    followed.again(CONFIG)
    assert points() == before
    assert {name: run.info.end_time for name, run in runs(client).items() if name != "study small"} == times


@pytest.mark.slow
def test_a_database_that_was_removed_is_written_anew(followed: Followed, client: "MlflowClient") -> None:
    before = {name: run.data.metrics for name, run in runs(client).items()}
    shutil.rmtree(followed.folder / "track" / "mlflow")
    followed.again(CONFIG)
    anew = reopened(followed.folder / "track" / "mlflow")
    assert {name: run.data.metrics for name, run in runs(anew).items()} == before
    assert steps(anew, runs(anew)["plain-0"], "loss/train") == [1, 2, 3]
    assert followed.warnings == []


def test_a_study_that_was_moved_is_refused_before_anything_is_written(followed: Followed, tmp_path: Path) -> None:
    shutil.copytree(followed.folder, tmp_path / "moved")
    with pytest.raises(UserError, match=r"the study's folder was moved: .* move it back, or remove track/mlflow"):
        MlflowWriter(CONFIG, "small", tmp_path / "moved")


def test_a_path_that_mlflow_cannot_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"50%/track/mlflow/mlflow.db: MLflow opens no database whose path has % or \?"):
        MlflowWriter(CONFIG, "small", tmp_path / "50%")
    assert not (tmp_path / "50%").exists()


def test_its_reports_about_its_use_are_off_unless_the_user_wants_them(
    followed: Followed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    with pytest.raises(UserError):
        MlflowWriter(CONFIG, "small", tmp_path / "50%")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"
