"""Recording pictures with their times."""

from pathlib import Path

import numpy as np
import pytest
from films import counted, number_of

from mien.errors import UserError
from mien.predict.recording import record
from mien.predict.video import open_video


def recorded(path: Path) -> list[int]:
    with open_video(path) as video:
        return [number_of(frame.pixels) for frame in video.frames()]


def test_a_picture_stands_until_the_next_ones_time(tmp_path: Path) -> None:
    with record(tmp_path / "out" / "film.mp4", 10.0) as recording:
        for number, time in ((0, 7.0), (1, 7.1), (2, 7.4), (3, 7.41), (4, 7.5)):
            recording.add(time, counted(5)[number])
    assert recorded(tmp_path / "out" / "film.mp4") == [0, 1, 2, 2, 2, 4]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.mp4"]


def test_a_wrong_time_makes_no_endless_video(tmp_path: Path) -> None:
    with record(tmp_path / "film.mp4", 10.0) as recording:
        for time in (0.0, 1e9, 1e9 + 0.1):
            recording.add(time, np.zeros((48, 64, 3), np.uint8))
    assert len(recorded(tmp_path / "film.mp4")) == 602


def test_odd_sizes_and_a_change_of_size(tmp_path: Path) -> None:
    with record(tmp_path / "film.mp4", 10.0) as recording:
        recording.add(0.0, np.zeros((49, 65, 3), np.uint8))
        recording.add(0.1, np.zeros((98, 130, 3), np.uint8))
    with open_video(tmp_path / "film.mp4") as video:
        assert [frame.pixels.shape for frame in video.frames()] == [(48, 64, 3)] * 2


def test_what_was_recorded_stays_when_it_is_stopped(tmp_path: Path) -> None:
    def record_a_while() -> None:
        with record(tmp_path / "film.mp4", 10.0) as recording:
            for number, pixels in enumerate(counted(3)):
                recording.add(number / 10, pixels)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_a_while()
    assert recorded(tmp_path / "film.mp4") == [0, 1, 2]


def test_without_a_picture_there_is_no_file(tmp_path: Path) -> None:
    with record(tmp_path / "film.mp4", 10.0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with (
        pytest.raises(UserError, match=r"taken/film\.mp4: cannot be written"),
        record(tmp_path / "taken" / "film.mp4", 10.0),
    ):
        pass
    (tmp_path / "film.mp4").mkdir()
    with (
        pytest.raises(UserError, match=r"film\.mp4: cannot be written"),
        record(tmp_path / "film.mp4", 10.0) as recording,
    ):
        recording.add(0, np.zeros((48, 64, 3), np.uint8))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "taken"]


def test_a_picture_of_which_no_video_can_be_made_is_reported(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"film\.mp4: no video of 1x1 can be written here"),
        record(tmp_path / "film.mp4", 10.0) as recording,
    ):
        recording.add(0.0, np.zeros((1, 1, 3), np.uint8))
    assert not list(tmp_path.iterdir())
