import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from followed_study import Followed
from PIL import Image

from mien.runs.run import Run
from mien.study.config.track import TrackerConfig
from mien.training.optimizer import rate_at

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")

if TYPE_CHECKING:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CONFIG = TrackerConfig("tensorboard")


@pytest.fixture(scope="module")
def followed(follow: Callable[[TrackerConfig], Followed]) -> Followed:
    return follow(CONFIG)


def read(folder: Path) -> "EventAccumulator":
    """What TensorBoard itself reads from a folder of event files."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    return events


def curve(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def folders(study: Path) -> set[str]:
    root = study / "track" / "tensorboard"
    return {file.parent.relative_to(root).as_posix() for file in root.rglob("events.out.tfevents.*")}


def first_run(followed: Followed) -> Run:
    return next(run for run in followed.plan.runs(followed.plan.study.nets[0], followed.folder) if run.seed == 0)


def test_every_run_and_trial_has_a_folder_under_its_name(followed: Followed) -> None:
    assert folders(followed.folder) == {
        *("plain-0", "plain-1", "searched-0", "searched-1", "study"),
        *("trials/searched-1", "trials/searched-2", "trials/searched-3"),
    }
    assert followed.warnings == []


def test_a_study_that_was_stopped_has_each_epoch_once(followed: Followed) -> None:
    history = first_run(followed).history()
    place = followed.folder / "track" / "tensorboard" / "plain-0"
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    for tag, name in (
        ("loss/train", "loss"),
        ("loss/validation", "validation_loss"),
        ("accuracy/train", "accuracy"),
        ("accuracy/validation", "validation_accuracy"),
        ("faces_per_second", "faces_per_second"),
    ):
        assert curve(place, tag) == [(one.epoch, pytest.approx(getattr(one, name))) for one in history]


def test_the_losses_of_many_steps_are_thinned_to_means(followed: Followed) -> None:
    run = first_run(followed)
    losses = [loss for epoch in run.history() for loss in epoch.steps]
    points = curve(followed.folder / "track" / "tensorboard" / "plain-0", "loss/step")
    assert len(losses) == 3 * 40
    assert len(points) == 3 * 20
    assert points[0] == (1, pytest.approx((losses[0] + losses[1]) / 2))
    assert points[-1] == (119, pytest.approx((losses[118] + losses[119]) / 2))


def test_the_learning_rate_is_that_of_the_last_step_of_each_epoch(followed: Followed) -> None:
    recipe = first_run(followed).recipe
    rates = curve(followed.folder / "track" / "tensorboard" / "plain-0", "learning_rate")
    assert rates == [(epoch, pytest.approx(1e-3 * rate_at(recipe, 40 * epoch, 120))) for epoch in (1, 2, 3)]
    assert rates[0][1] > rates[2][1]


def test_a_selected_nets_runs_have_their_test_accuracy_once(followed: Followed) -> None:
    place = followed.folder / "track" / "tensorboard"
    selected = followed.results.best
    test = first_run(followed).predictions("test") if selected == "plain" else None
    assert test is not None
    assert curve(place / "plain-0", "result/test_accuracy") == [(3, pytest.approx(test.accuracy))]
    assert "result/test_accuracy" not in read(place / "searched-0").Tags()["scalars"]


def test_trials_have_their_values_and_scores(followed: Followed) -> None:
    place = followed.folder / "track" / "tensorboard" / "trials"
    trials = followed.results.tuning["searched"].trials
    for trial in trials:
        folder = place / f"searched-{trial.number}"
        assert curve(folder, "score/parameters") == [(2, trial.scores[0])]
        text = read(folder).Tensors("run/text_summary")[0].tensor_proto.string_val[0].decode()
        assert f"| values.width | {trial.values['width']} |" in text


def test_settings_fill_tensorboards_table_of_them(followed: Followed) -> None:
    content = read(followed.folder / "track" / "tensorboard" / "plain-0").summary_metadata
    plugins = {tag: one.plugin_data.plugin_name for tag, one in content.items()}
    assert {tag for tag, plugin in plugins.items() if plugin == "hparams"} == {
        "_hparams_/experiment",
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
    }


def test_the_study_has_its_table_of_results_and_says_where_its_report_is(followed: Followed) -> None:
    events = read(followed.folder / "track" / "tensorboard" / "study")
    texts = [
        events.Tensors(f"{tag}/text_summary")[0].tensor_proto.string_val[0].decode() for tag in ("results", "study")
    ]
    best = followed.results.by_name["plain"].accuracy.test
    assert best is not None
    low, high = best.interval
    assert "**plain** | " in texts[0]
    assert f"{100 * best.mean:.1f} ({100 * low:.1f} to {100 * high:.1f}) | test |" in texts[0]
    assert str(followed.folder / "report.html") in texts[1]


def test_the_study_has_the_figures_of_its_selected_net(followed: Followed) -> None:
    events = read(followed.folder / "track" / "tensorboard" / "study")
    assert events.Tags()["images"] == ["confusion/plain", "reliability/plain", "per_class/plain"]
    image = events.Images("confusion/plain")[0]
    pixels = Image.open(io.BytesIO(image.encoded_image_string))
    assert pixels.size == (image.width, image.height) == (800, 808)
    assert len(pixels.getcolors(1 << 20) or []) > 50


def test_an_ended_study_again_has_nothing_twice(followed: Followed) -> None:
    place = followed.folder / "track" / "tensorboard" / "plain-0"
    before = {tag: curve(place, tag) for tag in read(place).Tags()["scalars"]}
    followed.again(CONFIG)
    assert {tag: curve(place, tag) for tag in read(place).Tags()["scalars"]} == before
    assert len(before["loss/train"]) == 3
