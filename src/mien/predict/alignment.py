"""Framing: cutting faces out of a photo as FER2013's faces are cut.

A net knows faces as they were framed when it was trained; framed otherwise it loses many of its points. So the frame is
measured: the detector was run on FER2013's own faces, and the medians of what it found are the constants below. The
command that measures them is

    python benchmarks/framing.py path/to/fer2013 --measure
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EYES = 0.378
"""Between the eyes, in shares of a crop's side."""

FACE = 0.399
"""From the middle between the eyes to the middle of the mouth, in shares of a crop's side."""

CENTRE = 0.5, 0.58
"""Where the middle between eyes and mouth lies in a crop, in shares of its side, from its top left corner."""

BOX = 0.939
"""The geometric mean of the sides of the detector's box, in shares of a crop's side; their centres are the same."""

ASTRAY = 2.0
"""By which factor landmarks and box may disagree on the size of a face before only the box is believed."""

SAMPLES = 16
"""At how many places at most, along its side, a crop's pixel samples a large face."""

SHARP = 0.75
"""Frames below this share of a crop's side are interpolated by Lanczos: linearly they would be too soft to judge."""


class Frame(NamedTuple):
    """A turned square in a photo, which becomes a crop.

    Attributes:
        x: of its centre, in pixels of the photo.
        y: of its centre.
        side: in pixels.
        tilt: degrees by which it is turned clockwise.
    """

    x: float
    y: float
    side: float
    tilt: float


def frame_of(landmarks: NDArray[np.floating], box: NDArray[np.floating]) -> Frame:
    """The frame of a face that was found: where and how its landmarks lie, as large as they and its box say.

    Both tell the size of FER2013's faces about equally well; each errs for itself, so their geometric mean is taken.
    Landmarks that tell quite another size than the box are no eyes and mouth: then the box alone is framed.
    """
    by_landmarks, by_box = frame_of_landmarks(landmarks), frame_of_box(box)
    if not by_box.side / ASTRAY < by_landmarks.side < by_box.side * ASTRAY:
        return by_box
    return _around(landmarks, math.sqrt(by_landmarks.side * by_box.side))


def frame_of_landmarks(landmarks: NDArray[np.floating]) -> Frame:
    """The frame of a face, turned with it, scaled and placed as FER2013's faces are.

    Both the distance of the eyes and that from eyes to mouth tell the scale, so that a head that is turned aside, whose
    eyes come closer, or that nods, keeps most of its size.

    Args:
        landmarks: [5, 2], x and y of right eye, left eye, nose, right and left corner of the mouth, in pixels.
    """
    across, down, _ = _lines(landmarks)
    return _around(landmarks, math.hypot(abs(across), abs(down)) / math.hypot(EYES, FACE))


def frame_of_box(box: NDArray[np.floating]) -> Frame:
    """The upright frame of a face of which only a box is known: [4], x, y, width and height in pixels."""
    x, y, width, height = box.tolist()
    return Frame(x + width / 2, y + height / 2, math.sqrt(width * height) / BOX, 0.0)


def _around(landmarks: NDArray[np.floating], side: float) -> Frame:
    """A frame of a side, turned and placed by landmarks.

    Which way is up, the line of the eyes and the line from eyes to mouth tell together, each as much as it is long: of
    a profile the eyes lie close together and tell little.
    """
    across, down, middle = _lines(landmarks)
    rightward = EYES * across + FACE * down / 1j
    right = rightward / abs(rightward) if rightward else complex(1)
    middle += side * right * complex(0.5 - CENTRE[0], 0.5 - CENTRE[1])
    return Frame(middle.real, middle.imag, side, math.degrees(math.atan2(right.imag, right.real)))


def _lines(landmarks: NDArray[np.floating]) -> tuple[complex, complex, complex]:
    """From eye to eye, from between the eyes to the mouth, and the middle of that; x + i y, in pixels."""
    right_eye, left_eye, _, right_mouth, left_mouth = (complex(x, y) for x, y in landmarks.tolist())
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    return left_eye - right_eye, mouth - eyes, (eyes + mouth) / 2


def cut(picture: NDArray[np.uint8], frame: Frame, size: int) -> NDArray[np.uint8]:
    """Cut a frame out of a picture.

    Each pixel of the crop is the mean over its area, so that large faces do not alias; small ones are interpolated
    linearly, the smallest by Lanczos's windowed sinc. What lies beyond the picture is as its edge.

    Args:
        picture: uint8 [H, W] or [H, W, 3].
        frame: in pixels of the picture.
        size: the crop's side in pixels.

    Returns:
        uint8 [size, size] or [size, size, 3].
    """
    import cv2

    samples = min(max(math.ceil(frame.side / size), 1), SAMPLES)
    fine = size * samples
    flags = (cv2.INTER_LANCZOS4 if frame.side < SHARP * size else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    way = _way(frame, fine)
    sampled = cv2.warpAffine(picture, way, (fine, fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def put_back(points: NDArray[np.floating], frame: Frame, size: int) -> NDArray[np.float64]:
    """Where points of a crop, [N, 2], lie in the picture that it was cut out of."""
    way = _way(frame, size)
    return points @ way[:, :2].T + way[:, 2]


def _way(frame: Frame, size: int) -> NDArray[np.float64]:
    """From places in a crop to places in its picture: [2, 3]; centres of pixels lie on whole numbers."""
    step = frame.side / size * np.exp(1j * math.radians(frame.tilt))
    start = complex(frame.x, frame.y) + step * complex(1 - size, 1 - size) / 2 - complex(0.5, 0.5)
    return np.array([[step.real, -step.imag, start.real], [step.imag, step.real, start.imag]])
