"""Reference: faces that a model file carries, and what it says of them, so that any machine can check its own answers.

Quantised kernels differ from processor to processor; where one computes wrong, its answers about these faces tell.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray

KEY = "mien.reference_faces"
"""The faces' key in the file's metadata_props; the answers stand in `Facts.reference`."""

COUNT = 16

TOLERANCE = 0.02
"""By so much may a probability differ from the file's own in float32, which int8 rounds otherwise now and then."""


@dataclass(frozen=True)
class ReferenceCheck:
    """What a machine says of a file's reference faces, beside what it should say.

    Attributes:
        faces: that were compared; 0 where the file carries none, as older ones do.
        largest: difference of a probability, 0..1.
    """

    faces: int
    largest: float

    @property
    def verdict(self) -> Literal["passed", "failed", "none"]:
        """What came of it; none where there is nothing to compare."""
        if not self.faces:
            return "none"
        return "passed" if self.holds else "failed"

    @property
    def holds(self) -> bool:
        """Whether this machine gives the file's answers; also where there is nothing to compare."""
        return self.largest <= TOLERANCE  # not so where it is NaN


def compared(said: NDArray[np.float32], reference: NDArray[np.float32]) -> ReferenceCheck:
    """Compare what a machine says of the reference faces with what it should say: float32 [COUNT, K] each."""
    return ReferenceCheck(len(reference), float(np.abs(said - reference).max(initial=0)))


def draw_reference_faces(height: int, width: int) -> NDArray[np.uint8]:
    """The drawn faces that a new file carries: uint8 [COUNT, height, width]."""
    from mien.faces.drawn import draw_faces

    side = max(height, width)
    return np.ascontiguousarray(draw_faces(COUNT, size=side).images[:, :height, :width])


def to_text(faces: NDArray[np.uint8]) -> str:
    """Faces uint8 [COUNT, H, W] as the text that stands in the file: a PNG of them in one column, in base64."""
    from PIL import Image

    content = BytesIO()
    Image.fromarray(faces.reshape(-1, faces.shape[2])).save(content, "PNG", optimize=True)
    return b64encode(content.getvalue()).decode("ascii")


def from_text(text: str, height: int, width: int) -> NDArray[np.uint8]:
    """The faces uint8 [COUNT, height, width] that `to_text` gave.

    Raises:
        ValueError: these are no such faces.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        column = np.asarray(Image.open(BytesIO(b64decode(text, validate=True)), formats=["PNG"]))
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(str(error)) from None
    if column.dtype != np.uint8 or column.ndim != 2 or column.shape[1] != width or len(column) % height:
        raise ValueError(f"a picture of {column.dtype} {list(column.shape)}")
    return column.reshape(-1, height, width)
