"""Types: the results of a predictor, as plain values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from mien.frames import Library, data_frame

if TYPE_CHECKING:
    import pandas
    import polars


class Box(NamedTuple):
    """A rectangle, in pixels of the upright photo from its top left corner; it may reach beyond the photo's edge.

    >>> import mien
    >>> from PIL import Image
    >>> x, y, width, height = mien.Predictor().predict("photo.jpg")[0].box
    >>> with Image.open("photo.jpg") as photo:
    ...     face = photo.crop((x, y, x + width, y + height))
    >>> face.size == (width, height)
    True
    """

    x: int
    y: int
    width: int
    height: int


class Point(NamedTuple):
    """A point in pixels of the upright photo.

    >>> import mien
    >>> right_eye, left_eye, *others = mien.Predictor().predict("photo.jpg")[0].landmarks
    >>> right_eye.x < left_eye.x
    True
    """

    x: float
    y: float


@dataclass(frozen=True)
class Face:
    """A face of a photo, with its emotion.

    Equality ignores the crop; the hash ignores crop and probabilities.

    >>> import mien
    >>> face = mien.Predictor().predict("photo.jpg")[0]
    >>> sorted(face.probabilities, key=face.probabilities.get)[-1], face.crop.shape
    ('neutral', (48, 48))

    Attributes:
        box: around the face, in pixels of the upright photo.
        emotion: the most probable emotion.
        probabilities: of every emotion, in the order of the model's classes; they sum to 1.
        landmarks: right eye, left eye, tip of the nose, right and left corner of the mouth, right and left as of
            the person; None where the image was given as a crop of a face.
        score: confidence of the face detector, 0 to 1.
        roll: degrees by which the face is rotated clockwise in the photo's plane, -180 to 180.
        crop: uint8 [H, W], gray: the face as the model got it.
    """

    box: Box
    emotion: str
    probabilities: dict[str, float] = field(hash=False)
    crop: NDArray[np.uint8] = field(repr=False, compare=False)
    landmarks: tuple[Point, ...] | None = None
    score: float = 1.0
    roll: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The face as a JSON object: probabilities to four digits, landmarks to a tenth of a pixel."""
        landmarks = None if self.landmarks is None else [[round(x, 1), round(y, 1)] for x, y in self.landmarks]
        return {
            "box": list(self.box),
            "emotion": self.emotion,
            "probabilities": {name: round(share, 4) for name, share in self.probabilities.items()},
            "landmarks": landmarks,
            "score": round(self.score, 3),
            "roll": round(self.roll, 1),
        }


@dataclass(frozen=True, eq=False)
class Prediction(Sequence[Face]):
    """The faces of a photo, the largest first; empty where no face was found.

    Equality and hash are by identity: compare `faces` to compare two predictions.

    >>> import mien
    >>> prediction = mien.Predictor().predict("photo.jpg")
    >>> prediction.size, [face.emotion for face in prediction]
    ((512, 600), ['neutral'])
    >>> prediction.frame()[["face", "emotion"]]
       face  emotion
    0     1  neutral

    Attributes:
        faces: as a tuple.
        size: width and height of the upright photo.
        picture: the photo, uint8 [H, W, 3], RGB, scaled down to 640 pixels at most; of a video the whole frame.
    """

    faces: tuple[Face, ...]
    size: tuple[int, int]
    picture: NDArray[np.uint8] = field(repr=False)

    def __len__(self) -> int:
        return len(self.faces)

    @overload
    def __getitem__(self, place: int) -> Face: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Face, ...]: ...

    def __getitem__(self, place: int | slice) -> Face | tuple[Face, ...]:
        return self.faces[place]

    def __iter__(self) -> Iterator[Face]:
        return iter(self.faces)

    def as_json(self) -> list[dict[str, Any]]:
        """The faces as a list of JSON objects."""
        return [face.as_json() for face in self.faces]

    @overload
    def frame(self, library: Literal["pandas"] = "pandas") -> "pandas.DataFrame": ...

    @overload
    def frame(self, library: Literal["polars"]) -> "polars.DataFrame": ...

    def frame(self, library: Library = "pandas") -> "pandas.DataFrame | polars.DataFrame":
        """A row for each face.

        Args:
            library: whose data frame it is, "pandas" or "polars".

        Returns:
            the columns face (from 1, the largest), emotion, a column for the probability of each emotion, the box x, y,
            width, height in pixels, score (of the detector, 0 to 1) and roll (degrees).

        Raises:
            UserError: the library is not installed.
        """
        emotions = self.faces[0].probabilities if self.faces else ()
        columns: dict[str, Sequence[object]] = {
            "face": range(1, len(self.faces) + 1),
            "emotion": [face.emotion for face in self.faces],
            **{name: [face.probabilities[name] for face in self.faces] for name in emotions},
            **{name: [getattr(face.box, name) for face in self.faces] for name in Box._fields},
            "score": [face.score for face in self.faces],
            "roll": [face.roll for face in self.faces],
        }
        return data_frame(columns, library)

    def _repr_html_(self) -> str:
        """The photo with a box and bars for each face, as a notebook shows it."""
        from mien.predict.notebook import as_html

        return as_html(self.picture, self.picture.shape[1] / self.size[0], self.faces)
