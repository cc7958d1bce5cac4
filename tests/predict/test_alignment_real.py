"""The frame, on the faces that it was measured on, within pictures as it was measured."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.faces import open_faces
from mien.predict.alignment import alignment_of
from mien.predict.detector import Detector
from mien.predict.predictor import Predictor

SIDE, LEFT, TOP = 120, 240, 150


def within(image: np.ndarray) -> np.ndarray:
    """A picture uint8 [480, 640, 3] of a face of `SIDE` pixels in front of something blurred, which is no face."""
    picture = cv2.GaussianBlur(cv2.resize(image, (640, 480)), (0, 0), 60)
    face = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    inside = np.zeros((480, 640), np.float32)
    inside[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = 1
    around = picture.copy()
    around[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = face
    mixed = inside * around + (1 - inside) * cv2.GaussianBlur(around, (0, 0), 15)
    return cv2.cvtColor(mixed.round().astype(np.uint8), cv2.COLOR_GRAY2RGB)


@pytest.mark.real
def test_fer2013s_faces_are_detected_and_framed_as_they_are(fer2013: Path) -> None:
    images = open_faces(str(fer2013)).split("validation").images[:120]
    detector = Detector()
    detections = [detector.find(within(image)) for image in images]
    alignments = [alignment_of(faces[0].landmarks, faces[0].box) for faces in detections if faces]
    assert len(alignments) >= 0.95 * len(images)
    x, y, side, roll = np.median(alignments, axis=0)
    assert side == pytest.approx(SIDE, rel=0.05)
    assert x == pytest.approx(LEFT + SIDE / 2, abs=0.03 * SIDE)
    assert y == pytest.approx(TOP + SIDE / 2, abs=0.03 * SIDE)
    assert roll == pytest.approx(0, abs=3)


@pytest.mark.real
def test_bare_faces_are_detected_and_framed_a_little_closer(fer2013: Path) -> None:
    """Of a face that fills its photo the detector sees less around it."""
    images = open_faces(str(fer2013)).split("validation").images[:120]
    detector = Detector()
    detections = [detector.find(np.repeat(image[..., None], 3, axis=2)) for image in images]
    sides = [alignment_of(faces[0].landmarks, faces[0].box).side for faces in detections if faces]
    assert len(sides) >= 0.95 * len(images)
    assert np.median(sides) == pytest.approx(48, rel=0.1)


@pytest.mark.real
@pytest.mark.parametrize("model", ["best", "fast"])
def test_bare_faces_are_classified_nearly_as_well_as_ready_crops(fer2013: Path, model: str) -> None:
    faces = open_faces(str(fer2013)).split("validation").first(300)
    predictor = Predictor(model)
    direct = predictor.probabilities(faces.images).argmax(axis=1) == faces.labels
    detections = [predictor.predict(image).faces for image in faces.images]
    correct = [
        bool(one) and one[0].emotion == faces.classes[label]
        for one, label in zip(detections, faces.labels, strict=True)
    ]
    assert np.mean(correct) > direct.mean() - 0.045  # 2 of 100 are not found
