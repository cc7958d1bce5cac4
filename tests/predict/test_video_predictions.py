"""A video's predictions, frame by frame, as a data frame, as a timeline and in a notebook."""

import re
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from films import counted, panned, write_film
from matplotlib.figure import Figure

import mien.predict.video_predictions
from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.predict.predictor import Predictor
from mien.predict.tracking import track_video
from mien.predict.video import Every, Video, open_video
from mien.predict.video_predictions import VideoPredictions


@pytest.fixture(scope="module")
def predictor(model_file: Path) -> Predictor:
    return Predictor(model_file)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, grace: Path) -> Path:
    """A second of Grace Hopper, ten frames a second."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", panned(grace, 10))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A film of sixty frames that ends in the middle."""
    whole = write_film(tmp_path / "whole.avi", counted(12) * 5)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return cut


def test_moments_are_those_of_the_command_line(film: Path, predictor: Predictor) -> None:
    with open_video(film) as video:
        expected = list(track_video(video, predictor, Every(frames=3), smooth=0.5))
    moments = list(predictor.predict_video(film, every=3, smooth=0.5))
    assert [one.frame.number for one in moments] == [0, 3, 6, 9]
    assert [one.prediction.faces for one in moments] == [one.prediction.faces for one in expected]
    assert [one.tracks for one in moments] == [one.tracks for one in expected] == [(1,)] * 4


def test_a_data_frame_has_a_row_for_each_face_of_a_frame(film: Path, predictor: Predictor) -> None:
    pytest.importorskip("pandas")
    video = predictor.predict_video(str(film), every="0.3s")
    moments = list(video)
    frame = video.frame()
    places = ["x", "y", "width", "height", "score", "roll"]
    assert list(frame.columns) == ["time", "frame", "face", "emotion", *EMOTIONS, *places]
    assert frame["frame"].tolist() == [0, 3, 6, 9]
    np.testing.assert_allclose(frame["time"], [0.0, 0.3, 0.6, 0.9], atol=1e-6)
    faces = [moment.prediction[0] for moment in moments]
    assert frame["emotion"].tolist() == [face.emotion for face in faces]
    assert frame[["x", "y", "width", "height"]].to_numpy().tolist() == [list(face.box) for face in faces]
    assert frame[list(EMOTIONS)].to_numpy().tolist() == [list(face.probabilities.values()) for face in faces]
    assert frame["roll"].tolist() == [face.roll for face in faces]


def test_polars_gets_the_same(film: Path, predictor: Predictor) -> None:
    polars = pytest.importorskip("polars")
    frame = predictor.predict_video(film, every=5).frame("polars")
    assert isinstance(frame, polars.DataFrame)
    assert frame["frame"].to_list() == [0, 5]


def test_a_photo_has_a_data_frame_too(grace: Path, predictor: Predictor) -> None:
    pytest.importorskip("pandas")
    prediction = predictor.predict(grace)
    (row,) = prediction.frame().to_dict("records")
    face = prediction[0]
    assert row["face"] == 1
    assert row["emotion"] == face.emotion
    assert [row[name] for name in EMOTIONS] == list(face.probabilities.values())
    assert (row["x"], row["y"], row["width"], row["height"]) == face.box
    nobody = predictor.predict(np.zeros((64, 64, 3), np.uint8)).frame()
    assert (len(nobody), list(nobody.columns)) == (0, ["face", "emotion", "x", "y", "width", "height", "score", "roll"])


def test_a_file_is_read_again_by_each_iteration_and_once_for_the_rest(
    film: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    video = predictor.predict_video(film, every=5)
    opened: list[Path] = []

    def counting(path: Path) -> Video:
        opened.append(path)
        return open_video(path)

    monkeypatch.setattr(mien.predict.video_predictions, "open_video", counting)
    assert len(list(video)) == len(list(video)) == len(opened) == 2
    video.frame(), video.faces, video.timeline()
    assert len(opened) == 2
    next(iter(video))  # another look at the beginning forgets nothing
    assert len(video.frame()) == 2
    assert len(opened) == 3


def test_what_was_left_in_the_middle_is_read_to_its_end(film: Path, predictor: Predictor) -> None:
    pytest.importorskip("pandas")
    video = predictor.predict_video(film, every=2)
    for _ in islice(video, 2):
        pass
    assert repr(video) == f"VideoPredictions {str(film)!r}: 2 frames, 1 face, not read to its end"
    assert len(video.frame()) == 5
    assert repr(video) == f"VideoPredictions {str(film)!r}: 5 frames, 1 face"
    (face,) = video.faces
    assert (face.face, face.first, face.last) == (1, 0.0, pytest.approx(1.0))


def test_a_damaged_video_ends_early_and_says_so(broken: Path, predictor: Predictor) -> None:
    video = predictor.predict_video(broken, crop=True)
    assert video.trouble == ""
    frames = len(list(video))
    assert 0 < frames < 60
    with open_video(broken) as same:
        list(same.frames())
    assert video.trouble == same.trouble != ""
    assert "note: " in video._repr_html_()


def test_its_timeline_is_drawn_in_a_figure_or_in_given_axes(film: Path, predictor: Predictor) -> None:
    video = predictor.predict_video(film, every=5)
    figure: Any = video.timeline()
    assert figure._repr_png_()[0].startswith(b"\x89PNG")
    assert figure.get_suptitle() == "film.mp4"
    own = Figure()
    left, right = own.subplots(1, 2)
    assert video.timeline(right) is own
    assert [text.get_text() for text in right.get_legend().get_texts()] == list(EMOTIONS)
    assert not left.collections


def test_a_notebook_shows_its_faces_and_its_timeline(film: Path, predictor: Predictor) -> None:
    video = predictor.predict_video(film, every=5)
    assert "film.mp4: not read yet" in video._repr_html_()
    list(video)
    html = video._repr_html_()
    assert "film.mp4: 2 frames, 1 face" in html
    assert str(film.parent) not in html
    assert len(re.findall("<img ", html)) == 2  # the face and the timeline
    assert "face 1" in html


def test_a_camera_gives_what_was_seen(film: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")

    def open_camera(number: int) -> Video:
        return Video(cv2.VideoCapture(str(film)), f"camera {number}", live=True)

    monkeypatch.setattr(mien.predict.video_predictions, "open_camera", open_camera)
    camera = predictor.predict_video(0)
    with pytest.raises(UserError, match="camera 0: nothing was seen yet; iterate over its frames"):
        camera.frame()
    for number, _ in enumerate(camera):
        if number == 2:
            break
    assert camera.frame()["frame"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": "5 frames"}, "every 5 frames: give frames, as 5 for each fifth"),
        ({"every": 0}, "every 0: give frames"),
        ({"smooth": -0.5}, "smooth=-0.5: give a half-life in seconds"),
        ({"smooth": float("nan")}, "smooth=nan: give a half-life"),
    ],
)
def test_options_that_mean_nothing(film: Path, predictor: Predictor, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        predictor.predict_video(film, **options)


def test_a_file_that_is_no_video_is_reported_at_once(tmp_path: Path, predictor: Predictor) -> None:
    with pytest.raises(UserError, match="no such file"):
        predictor.predict_video(tmp_path / "film.mp4")
    (tmp_path / "film.mp4").write_bytes(b"nothing")
    with pytest.raises(UserError, match="not a video"):
        predictor.predict_video(tmp_path / "film.mp4")


def test_home_is_expanded(film: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(film.parent))
    monkeypatch.setenv("USERPROFILE", str(film.parent))
    video = predictor.predict_video("~/film.mp4", every=5)
    assert isinstance(video, VideoPredictions)
    assert video.name == str(film)
