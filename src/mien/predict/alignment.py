"""Alignment: cut faces out of a photo at the scale, place and angle of FER2013's faces.

A net learns faces that are aligned in one way; aligned otherwise it loses many points. So the alignment was measured:
the detector was run on FER2013's own faces, and the constants below are the medians of its results. The command that
measures them is

    python benchmarks/alignment.py path/to/fer2013 --measure
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EYES = 0.378
"""Distance between the eyes, as a share of a crop's side."""

FACE = 0.399
"""Distance from the middle between the eyes to the middle of the mouth, as a share of a crop's side."""

CENTRE = 0.5, 0.58
"""Where the middle between eyes and mouth lies in a crop: x and y from its top left corner, as shares of its side."""

BOX = 0.939
"""The geometric mean of the sides of the detector's box, as a share of a crop's side; their centres are the same."""

MAX_RATIO = 2.0
"""By which factor landmarks and box may disagree on the size of a face. Beyond it, only the box is used."""

SAMPLES = 16
"""At how many places at most, along its side, a crop's pixel samples a large face."""

SHARP = 0.75
"""Alignments below this share of a crop's side are interpolated by Lanczos: linear interpolation is too soft there."""


class Alignment(NamedTuple):
    """A rotated square in a photo, which becomes a crop.

    Attributes:
        x: of its centre, in pixels of the photo.
        y: of its centre.
        side: in pixels.
        roll: degrees by which it is rotated clockwise, -180 to 180.
    """

    x: float
    y: float
    side: float
    roll: float


def alignment_of(landmarks: NDArray[np.floating], box: NDArray[np.floating]) -> Alignment:
    """The alignment of a detected face: place and roll from its landmarks, size from landmarks and box.

    Landmarks and box predict the size of FER2013's faces about equally well, with independent errors, so the geometric
    mean of both is used. Where they disagree by more than `MAX_RATIO`, the landmarks are no eyes and mouth, and only
    the box is used.

    Args:
        landmarks: float [5, 2], as for `alignment_of_landmarks`.
        box: float [4], as for `alignment_of_box`.
    """
    by_landmarks, by_box = alignment_of_landmarks(landmarks), alignment_of_box(box)
    if not by_box.side / MAX_RATIO < by_landmarks.side < by_box.side * MAX_RATIO:
        return by_box
    return _around(landmarks, math.sqrt(by_landmarks.side * by_box.side))


def alignment_of_landmarks(landmarks: NDArray[np.floating]) -> Alignment:
    """The alignment of a face of which only landmarks are known.

    Both the distance of the eyes and that from eyes to mouth set the scale. So a head that turns aside, whose eyes come
    closer together, or that nods, keeps most of its size.

    Args:
        landmarks: float [5, 2], x and y of right eye, left eye, nose, right and left corner of the mouth, in pixels.
    """
    across, down, _ = _lines(landmarks)
    return _around(landmarks, math.hypot(abs(across), abs(down)) / math.hypot(EYES, FACE))


def alignment_of_box(box: NDArray[np.floating]) -> Alignment:
    """The upright alignment of a face of which only a box is known: float [4], x, y, width and height in pixels."""
    x, y, width, height = box.tolist()
    return Alignment(x + width / 2, y + height / 2, math.sqrt(width * height) / BOX, 0.0)


def _around(landmarks: NDArray[np.floating], side: float) -> Alignment:
    """An alignment of a given side, rotated and placed by landmarks.

    The line of the eyes and the line from eyes to mouth decide together which way is up, each weighted by its length:
    in a profile the eyes lie close together and their line says little.
    """
    across, down, middle = _lines(landmarks)
    sum_of_lines = EYES * across + FACE * down / 1j
    direction = sum_of_lines / abs(sum_of_lines) if sum_of_lines else complex(1)
    middle += side * direction * complex(0.5 - CENTRE[0], 0.5 - CENTRE[1])
    return Alignment(middle.real, middle.imag, side, math.degrees(math.atan2(direction.imag, direction.real)))


def _lines(landmarks: NDArray[np.floating]) -> tuple[complex, complex, complex]:
    """From eye to eye, from between the eyes to the mouth, and the middle of that; x + i y, in pixels."""
    right_eye, left_eye, _, right_mouth, left_mouth = (complex(x, y) for x, y in landmarks.tolist())
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    return left_eye - right_eye, mouth - eyes, (eyes + mouth) / 2


def cut(picture: NDArray[np.uint8], alignment: Alignment, size: int) -> NDArray[np.uint8]:
    """Cut an aligned square out of a picture.

    Each pixel of the crop is the mean over its area, so that large faces do not alias. Small faces are interpolated
    linearly, the smallest by Lanczos's windowed sinc. Beyond the picture its edge is repeated.

    Args:
        picture: uint8 [H, W] or [H, W, 3].
        alignment: in pixels of the picture.
        size: the crop's side in pixels.

    Returns:
        uint8 [size, size] or [size, size, 3].
    """
    import cv2

    samples = min(max(math.ceil(alignment.side / size), 1), SAMPLES)
    fine = size * samples
    flags = (cv2.INTER_LANCZOS4 if alignment.side < SHARP * size else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    matrix = _matrix(alignment, fine)
    sampled = cv2.warpAffine(picture, matrix, (fine, fine), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def to_photo(points: NDArray[np.floating], alignment: Alignment, size: int) -> NDArray[np.float64]:
    """Map points of a crop to the picture that it was cut out of: float [N, 2] in pixels -> float64 [N, 2]."""
    matrix = _matrix(alignment, size)
    return points @ matrix[:, :2].T + matrix[:, 2]


def _matrix(alignment: Alignment, size: int) -> NDArray[np.float64]:
    """The affine map from a crop to its picture: [2, 3]; centres of pixels lie on whole numbers."""
    step = alignment.side / size * np.exp(1j * math.radians(alignment.roll))
    start = complex(alignment.x, alignment.y) + step * complex(1 - size, 1 - size) / 2 - complex(0.5, 0.5)
    return np.array([[step.real, -step.imag, start.real], [step.imag, step.real, start.imag]])
