from collections.abc import Sequence
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.extras import MissingExtraError
from mien.study.config.track import TrackerConfig
from mien.study.execute import execute
from mien.track.points import Point, TrackedRun
from mien.track.tensorboard import TensorBoardWriter
from mien.track.tracker import EndedStudy
from mien.track.tracking import Tracking

CONFIG = TrackerConfig("tensorboard")


class Memory:
    """A writer that remembers, and fails once so many points were written."""

    def __init__(self, room: int = 1000) -> None:
        self.room, self.points, self.ended, self.studies = room, list[tuple[str, Point]](), list[str](), 0
        self.closed = False

    def begin(self, tracked: TrackedRun) -> int:
        return 0

    def write(self, tracked: TrackedRun, points: Sequence[Point]) -> None:
        self.points += [(tracked.name, point) for point in points]
        if len(self.points) > self.room:
            raise OSError(28, "No space left on device")

    def end(self, tracked: TrackedRun) -> None:
        self.ended.append(tracked.name)

    def write_study(self, study: EndedStudy) -> None:
        self.studies += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """Stands in for TensorBoard's writer."""
    memory = Memory()
    monkeypatch.setattr("mien.track.tracking.TensorBoardWriter", lambda folder: memory)
    return memory


def test_a_study_that_ran_without_a_tracker_is_written_whole(plan, quiet, memory: Memory, tmp_path: Path) -> None:
    results = execute(plan, tmp_path / "out", quiet)
    with Tracking([CONFIG], plan.study, tmp_path / "out", pytest.fail) as tracking:
        assert execute(plan, tmp_path / "out", tracking).nets == results.nets
        tracking.finish(results)
    names = {f"{net}-{seed}" for net in ("worse", "better", "other") for seed in (0, 1)}
    assert sorted(memory.ended) == sorted(names)
    losses = [(name, point.step, point.value) for name, point in memory.points if point.tag == "loss/train"]
    assert sorted(losses) == sorted((name, epoch, 1.5 / epoch) for name in names for epoch in (1, 2))
    tested = {name for name, point in memory.points if point.tag == "result/test_accuracy"}
    assert tested == {"better-0", "better-1", "other-0", "other-1"}
    assert (memory.studies, memory.closed) == (1, True)


def test_a_tracker_that_fails_is_reported_once_and_the_study_goes_on(
    plan, quiet, memory: Memory, tmp_path: Path
) -> None:
    memory.room = 20
    warnings: list[str] = []
    with Tracking([CONFIG], plan.study, tmp_path / "out", warnings.append) as tracking:
        results = execute(plan, tmp_path / "out", tracking)
        tracking.finish(results)
    assert results.best == "other"
    assert all(net.finished_runs == 2 for net in results.nets)
    assert warnings == [
        "TensorBoard follows the study no more: [Errno 28] No space left on device; the study goes on, and when it is "
        "run again, what is missing there is written"
    ]
    assert (len(memory.points) < 40, memory.studies, memory.closed) == (True, 0, False)


def test_results_are_the_same_with_a_tracker(plan, quiet, memory: Memory, tmp_path: Path) -> None:
    plain = execute(plan, tmp_path / "plain", quiet).to_dict()
    with Tracking([CONFIG], plan.study, tmp_path / "out", pytest.fail) as tracking:
        tracked = execute(plan, tmp_path / "out", tracking).to_dict()
    for one in (plain, tracked):
        del one["created"]
        for net in one["nets"]:
            del net["test_opened"]
    assert tracked == plain


def test_a_failed_run_is_written_with_what_it_has(plan, pretended, memory: Memory, tmp_path: Path) -> None:
    pretended.fails = {"better"}
    with Tracking([CONFIG], plan.study, tmp_path / "out", pytest.fail) as tracking:
        execute(plan, tmp_path / "out", tracking)
    assert "better-1" in memory.ended
    assert not [point for name, point in memory.points if name == "better-1"]


def test_what_cannot_be_opened_is_an_error_before_anything_is_trained(plan, pretended, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    config = TrackerConfig("tensorboard", str(tmp_path / "taken"))
    tracking = Tracking([config], plan.study, tmp_path / "out", pytest.fail)
    with tracking, pytest.raises(UserError) as raised:
        execute(plan, tmp_path / "out", tracking)
    assert str(raised.value).startswith(f"TensorBoard: {tmp_path / 'taken'}: cannot be written: ")
    assert pretended.calls == []


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_extra_is_one_message_that_says_how_to_install_it(
    plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name
) -> None:
    monkeypatch.setattr("mien.extras.is_installed", lambda module: module != name)
    with pytest.raises(MissingExtraError) as raised:
        Tracking([TrackerConfig(name)], plan.study, tmp_path / "out", pytest.fail)
    assert f"track: {name} needs the extra mien[{name}]; missing here: {name}; install it by:" in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_notes_say_how_to_look_at_it_and_name_a_server(plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mien.extras.is_installed", lambda module: True)
    configs = [CONFIG, TrackerConfig("mlflow"), TrackerConfig("mlflow", "http://a:5000")]
    out = tmp_path / "out"
    assert Tracking(configs, plan.study, out, pytest.fail).notes == [
        f"TensorBoard: look at the study by: tensorboard --logdir {out}/track/tensorboard",
        f"MLflow: look at the study by: mlflow ui --backend-store-uri sqlite:///{out}/track/mlflow/mlflow.db",
        "MLflow: settings, curves, results and the report are sent to http://a:5000",
    ]


def test_each_study_has_its_own_folder_in_one_that_the_user_names(plan, quiet, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    config = TrackerConfig("tensorboard", str(tmp_path / "all"))
    with Tracking([config], plan.study, tmp_path / "out", pytest.fail) as tracking:
        execute(plan, tmp_path / "out", tracking)
    names = {file.parent.relative_to(tmp_path / "all").as_posix() for file in (tmp_path / "all").rglob("events.*")}
    assert names == {f"out/{net}-{seed}" for net in ("worse", "better", "other") for seed in (0, 1)}


def test_a_run_that_lost_epochs_by_a_kill_has_no_point_of_them(plan, quiet, tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="no tensorboard")
    execute(plan, tmp_path / "out", quiet)
    run = plan.runs(plan.study.nets[0], tmp_path / "out")[0]
    tracked, place = TrackedRun("worse-0", run), tmp_path / "events"
    for points in ([Point("loss/train", 1, 2.0), Point("loss/train", 2, 1.0)], [Point("loss/train", 1, 2.0)]):
        writer = TensorBoardWriter(place)
        assert writer.begin(tracked) == 0
        writer.write(tracked, points)
        writer.close()
    read = events.EventAccumulator(str(place / "worse-0"))
    read.Reload()
    assert [event.step for event in read.Scalars("loss/train")] == [1]
