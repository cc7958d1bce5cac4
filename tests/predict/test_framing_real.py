"""The frame, on the faces that it was measured on."""

from pathlib import Path

import numpy as np
import pytest

from mien.faces import open_faces
from mien.predict.detector import Detector
from mien.predict.framing import frame_of


@pytest.mark.real
def test_fer2013s_own_faces_are_found_and_framed_as_they_are(fer2013: Path) -> None:
    images = open_faces(str(fer2013)).split("validation").images[:120]
    detector = Detector()
    found = [detector.find(np.repeat(image[..., None], 3, axis=2)) for image in images]
    frames = [frame_of(faces[0].landmarks, faces[0].box) for faces in found if faces]
    assert len(frames) >= 0.95 * len(images)
    x, y, side, tilt = np.median(frames, axis=0)
    assert side == pytest.approx(48, abs=3)
    assert (x, y) == (pytest.approx(24, abs=1.5), pytest.approx(24, abs=1.5))
    assert tilt == pytest.approx(0, abs=3)
