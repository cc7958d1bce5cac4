"""Photos as faces: the largest face of each, turned upright and cut out as FER2013's faces are, for nets to learn."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.decoding import MAX_PIXELS, SUFFIXES
from mien.faces.images import FaceReader
from mien.faces.types import SIZE
from mien.predict.alignment import alignment_of, cut
from mien.predict.detector import Detector
from mien.predict.photos import gray, open_photo


def photo_reader(seen: Callable[[], None], limit: int = MAX_PIXELS) -> FaceReader:
    """What reads photos of every kind that `mien predict` opens, for `mien.faces.images.read_folder`.

    Args:
        seen: called after each photo, by several threads.
        limit: pixels that a photo may have at most.

    Raises:
        UserError: the face detector is not installed.
    """
    detector = Detector()  # what is wrong with it is better told before the first photo

    def read(source: Path | BytesIO) -> NDArray[np.uint8] | None:
        try:
            return face_of(source)
        finally:
            seen()

    def face_of(source: Path | BytesIO) -> NDArray[np.uint8] | None:
        try:
            photo = open_photo(source.getvalue() if isinstance(source, BytesIO) else source, limit)
        except UserError as error:
            raise ValueError(str(error).removeprefix(f"{source}: ")) from None
        found = detector.find(photo.pixels)
        return cut(gray(photo), alignment_of(found[0].landmarks, found[0].box), SIZE) if found else None

    return FaceReader(read, SUFFIXES)
