"""Reference: faces in a model file with their probabilities, by which any machine can check its own results.

Quantised kernels differ between processors. Where one computes wrong, its probabilities of these faces differ.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray

KEY = "mien.reference_faces"
"""The faces' key in the file's metadata_props; their probabilities are in `Facts.reference`."""

COUNT = 16
"""Reference faces in a file."""

TOLERANCE = 0.02
"""The largest allowed difference of a probability from the file's own in float32; int8 rounds differently at times."""


@dataclass(frozen=True)
class ReferenceCheck:
    """The result of comparing a machine's probabilities of the reference faces with those in the file.

    Attributes:
        faces: number of faces that were compared; 0 where the file has none, as in older files.
        largest: the largest difference of a probability, 0..1.
    """

    faces: int
    largest: float

    @property
    def verdict(self) -> Literal["passed", "failed", "none"]:
        """`passed`, `failed`, or `none` where there is nothing to compare."""
        if not self.faces:
            return "none"
        return "passed" if self.holds else "failed"

    @property
    def holds(self) -> bool:
        """Whether this machine gives the file's probabilities; true where there is nothing to compare."""
        return self.largest <= TOLERANCE  # false for NaN


def check_probabilities(probabilities: NDArray[np.float32], expected: NDArray[np.float32]) -> ReferenceCheck:
    """Compare a machine's probabilities of the reference faces with the expected ones: float32 [COUNT, K] each."""
    return ReferenceCheck(len(expected), float(np.abs(probabilities - expected).max(initial=0)))


def draw_reference_faces(height: int, width: int) -> NDArray[np.uint8]:
    """Draw the reference faces of a new file: uint8 [COUNT, height, width]."""
    from mien.faces.drawn import draw_faces

    side = max(height, width)
    return np.ascontiguousarray(draw_faces(COUNT, size=side).images[:, :height, :width])


def to_text(faces: NDArray[np.uint8]) -> str:
    """Encode faces uint8 [COUNT, H, W] for the file's metadata: one column of them as PNG, in base64."""
    from PIL import Image

    content = BytesIO()
    Image.fromarray(faces.reshape(-1, faces.shape[2])).save(content, "PNG", optimize=True)
    return b64encode(content.getvalue()).decode("ascii")


def from_text(text: str, height: int, width: int) -> NDArray[np.uint8]:
    """Decode the faces that `to_text` encoded: uint8 [COUNT, height, width].

    Raises:
        ValueError: the text is not an encoding of such faces.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        column = np.asarray(Image.open(BytesIO(b64decode(text, validate=True)), formats=["PNG"]))
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(str(error)) from None
    if column.dtype != np.uint8 or column.ndim != 2 or column.shape[1] != width or len(column) % height:
        raise ValueError(f"a picture of {column.dtype} {list(column.shape)}")
    return column.reshape(-1, height, width)
