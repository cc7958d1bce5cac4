from pathlib import Path

import pytest

from mien.errors import UserError
from mien.study.config.keywords import table_of
from mien.study.config.schema import read_study
from mien.study.config.track import TrackerConfig, merged, parse_tracker
from mien.study.plan import make_plan

NETS = 'name = "s"\ndata.source = "drawn:60"\nnets.a.layers = ["flatten", "classes"]\n'


def track(folder: Path, text: str) -> tuple[TrackerConfig, ...]:
    file = folder / "study.toml"
    file.write_text(NETS + text, encoding="utf-8")
    return read_study(file).track


def test_nothing_is_tracked_unless_it_is_switched_on(tmp_path: Path) -> None:
    assert track(tmp_path, "") == track(tmp_path, "[track]\ntensorboard = false\n") == ()


def test_places_are_the_studys_own_or_relative_to_the_file(tmp_path: Path) -> None:
    both = track(tmp_path, '[track]\ntensorboard = true\nmlflow = "../all.db"\n')
    assert both == (TrackerConfig("tensorboard"), TrackerConfig("mlflow", str(tmp_path.parent / "all.db")))
    assert track(tmp_path, '[track]\nmlflow = "sqlite:///all.db"\n')[0].place == str(tmp_path / "all.db")
    assert not any(one.is_server for one in both)


def test_a_server_is_one_that_the_user_names(tmp_path: Path) -> None:
    assert track(tmp_path, '[track]\nmlflow = "http://tracker:5000/"\n') == (
        TrackerConfig("mlflow", "http://tracker:5000"),
    )
    assert TrackerConfig("mlflow", "https://tracker").is_server


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("track.tensorbord = true", "track.tensorbord: unknown key; known: tensorboard, mlflow; did you mean"),
        ("track.mlflow = 1", "track.mlflow: found 1; true, or a file for its database"),
        ('track.mlflow = ""', "track.mlflow: found ''; true, or a file"),
        ('track.mlflow = "postgresql://a/b"', "track.mlflow: found 'postgresql://a/b'; true, or a file"),
        ('track.mlflow = "http://:5000"', "track.mlflow: found 'http://:5000'; true, or a file"),
        ('track.mlflow = "http://a:port"', "track.mlflow: found 'http://a:port'; true, or a file"),
        ('track.tensorboard = "http://a:6006"', "track.tensorboard: found 'http://a:6006'; true, or a folder"),
        ('track = "mlflow"', "track: found 'mlflow', should be a table"),
    ],
)
def test_each_mistake_is_one_message_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        track(tmp_path, text + "\n")
    assert f"study.toml: 1 mistake\n  {message}" in str(raised.value)


def test_a_word_names_a_tracker_and_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_tracker("tensorboard") == TrackerConfig("tensorboard")
    assert parse_tracker("tensorboard=all") == TrackerConfig("tensorboard", str(tmp_path / "all"))
    assert parse_tracker("mlflow=http://a:5000") == TrackerConfig("mlflow", "http://a:5000")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("tensorbord", "--track tensorbord: known: tensorboard, mlflow; did you mean 'tensorboard'?"),
        ("mlflow=", "--track mlflow=: found ''; give a file for its database (mlflow.db), or a server"),
        ("tensorboard=http://a", "--track tensorboard=http://a: found 'http://a'; give a folder"),
    ],
)
def test_a_word_that_is_none_is_one_message(word: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_tracker(word)
    assert str(raised.value).startswith(message)


def test_places_in_python_start_from_its_folder_and_wrong_ones_are_left_for_the_checks(tmp_path: Path) -> None:
    entries = {"tensorboard": "runs", "mlflow": "sqlite:///all.db"}
    table, _ = table_of({"track": entries}, tmp_path)
    assert table["track"] == {"tensorboard": str(tmp_path / "runs"), "mlflow": str(tmp_path / "all.db")}
    for entry in ("postgresql://a/b", "http://a:5000", "", True):
        assert table_of({"track": {"mlflow": entry}}, tmp_path)[0]["track"] == {"mlflow": entry}


def test_what_is_named_later_goes_over_what_the_file_has() -> None:
    first = (TrackerConfig("mlflow", "http://a"), TrackerConfig("tensorboard"))
    second = (TrackerConfig("mlflow"),)
    assert merged(first, second) == (TrackerConfig("mlflow"), TrackerConfig("tensorboard"))


def test_runs_and_searches_are_the_same_with_and_without_trackers(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(
        NETS + 'nets.b = { layers = ["flatten", "dense(n)", "classes"], tune.space.n = [2, 3] }\n', encoding="utf-8"
    )
    plain = make_plan(read_study(file))
    tracked = make_plan(read_study(file, ["track.tensorboard=true", "track.mlflow=http://a:5000"]))
    assert tracked.study.track
    for one, other in zip(plain.study.nets, tracked.study.nets, strict=True):
        assert [run.id for run in plain.runs(one, tmp_path)] == [run.id for run in tracked.runs(other, tmp_path)]
    searches = [plan.search(plan.study.nets[1], tmp_path).journal for plan in (plain, tracked)]
    assert searches[0] == searches[1]
