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

from mien.predict.detector import Found

EYES = 0.40
"""Between the eyes, in shares of a crop's side."""

FACE = 0.40
"""From the middle between the eyes to the middle of the mouth, in shares of a crop's side."""

CENTRE = 0.5, 0.55
"""Where the middle between eyes and mouth lies in a crop, in shares of its side, from its top left corner."""

BOX = 1.0
"""A crop's side in shares of the geometric mean of the detector's box's sides; their centres are the same."""

ASTRAY = 1.6
"""By which factor landmarks and box may disagree on the size of a face before the box is believed."""

SAMPLES = 16
"""At how many places at most, along its side, a crop's pixel samples a large face."""


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


def frame_of(face: Found) -> Frame:
    """The frame of a face that was found: by its landmarks, or, where these are astray, by its box.

    Landmarks that tell another size than the box does are no eyes and mouth.
    """
    by_landmarks, by_box = frame_of_landmarks(face.landmarks), frame_of_box(face.box)
    return by_landmarks if by_box.side / ASTRAY < by_landmarks.side < by_box.side * ASTRAY else by_box


def frame_of_landmarks(landmarks: NDArray[np.floating]) -> Frame:
    """The frame of a face, turned with it, scaled and placed as FER2013's faces are.

    Which way is up, the line of the eyes and the line from eyes to mouth tell together, each as much as it is long: of
    a profile the eyes lie close together and tell little. Both lengths together tell the scale, so that a head that is
    turned aside, whose eyes come closer, or that nods, keeps its size.

    Args:
        landmarks: [5, 2], x and y of right eye, left eye, nose, right and left corner of the mouth, in pixels.
    """
    right_eye, left_eye, _, right_mouth, left_mouth = (complex(x, y) for x, y in landmarks.tolist())
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    across, down = left_eye - right_eye, mouth - eyes
    side = math.hypot(abs(across), abs(down)) / math.hypot(EYES, FACE)
    rightward = EYES * across + FACE * down / 1j
    right = rightward / abs(rightward) if rightward else complex(1)
    middle = (eyes + mouth) / 2 + side * right * complex(0.5 - CENTRE[0], 0.5 - CENTRE[1])
    return Frame(middle.real, middle.imag, side, math.degrees(math.atan2(right.imag, right.real)))


def frame_of_box(box: NDArray[np.floating]) -> Frame:
    """The upright frame of a face of which only a box is known: [4], x, y, width and height in pixels."""
    x, y, width, height = box.tolist()
    return Frame(x + width / 2, y + height / 2, BOX * math.sqrt(width * height), 0.0)


def cut(gray: NDArray[np.uint8], frame: Frame, size: int) -> NDArray[np.uint8]:
    """Cut a frame out of a picture.

    Each pixel of the crop is the mean over its area, so that large faces do not alias; small ones are interpolated
    linearly. What lies beyond the picture is as its edge.

    Args:
        gray: uint8 [H, W].
        frame: in pixels of the picture.
        size: the crop's side in pixels.

    Returns:
        uint8 [size, size].
    """
    import cv2

    samples = min(max(math.ceil(frame.side / size), 1), SAMPLES)
    fine = size * samples
    step = frame.side / fine * np.exp(1j * math.radians(frame.tilt))
    start = complex(frame.x, frame.y) + step * complex(1 - fine, 1 - fine) / 2 - complex(0.5, 0.5)
    way = np.array([[step.real, -step.imag, start.real], [step.imag, step.real, start.imag]])
    sampled = cv2.warpAffine(
        gray, way, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    averaged: NDArray[np.uint8] = cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA)
    return averaged
