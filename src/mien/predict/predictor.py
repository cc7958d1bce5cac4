"""From a photo to its faces and their emotions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.faces.images import area_average, square
from mien.predict.alignment import Alignment, alignment_of, alignment_of_box, alignment_of_landmarks, cut
from mien.predict.classifier import Classifier
from mien.predict.detector import Detection, Detector, overlap, resized
from mien.predict.photos import Photo, PhotoSource, gray, open_photo
from mien.predict.stream import PERIOD, Seen, find_again
from mien.predict.types import Box, Face, Point, Prediction

VIEWS = 1.0, 0.9
"""A face is judged in frames of these shares of its frame's side, and their mean told: how large a face was framed
varies in what nets are trained on, and is never told exactly. Worth half a point: docs/decisions/0007-quality.md."""

CROP, LEANING = 0.5, 30.0
"""A photo of whose central square and a face's frame more than this share of their union is common, and whose face is
turned by no more degrees, seems to be a face's crop, which is then judged as it is too. Worth half a point on such
photos: docs/decisions/0006-framing.md."""

SHOWN = 640
"""The long side of the picture that a prediction keeps, in pixels."""


class Predictor:
    """Finds the faces of a photo and tells what they look like; needs no torch and no network.

    Threads may share one, and get the answers that one thread gets. It can be pickled, forked and spawned: another
    process opens the model's file and the detector anew.

    Args:
        model: the name of a model in the box ("best", "fast"), or the path of a file that `mien export` wrote, or one
            that is open already.
        detector: what finds the faces; the one of this package unless given. Several predictors may share it; one of
            your own must be safe for as many threads and processes as use the predictor.

    Attributes:
        classifier: the model, with the facts that its file tells.

    Raises:
        UserError: there is no such model.
    """

    def __init__(self, model: str | Path | Classifier = "best", detector: Detector | None = None) -> None:
        self.classifier = model if isinstance(model, Classifier) else Classifier(model)
        if detector is not None:
            self.detector = detector

    @cached_property
    def detector(self) -> Detector:
        """The face detector, loaded when it is first needed: ready crops need none.

        Raises:
            UserError: its weights are not installed.
        """
        return Detector()

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions, in the order of the probabilities."""
        return self.classifier.facts.classes

    def predict(self, image: PhotoSource | Photo, *, crop: bool = False) -> Prediction:
        """Find the faces of a photo and classify them, all in one batch.

        Args:
            image: a path, a file's content, an image of Pillow's, or an array: uint8 [H, W, 3] in the order red, green,
                blue, or [H, W] of grays.
            crop: the image is a face already: no face is looked for, its central square is classified.

        Raises:
            UserError: the image cannot be read, or the face detector is not installed.
        """
        photo = image if isinstance(image, Photo) else open_photo(image)
        if crop:
            return self._ready(photo)
        found = self.detector.find(photo.pixels)
        return Prediction(self._faces(photo, found, VIEWS), photo.size, _small(photo.pixels))

    def predict_frame(
        self, image: PhotoSource | Photo, time: float, seen: Seen | None = None, *, live: bool = False
    ) -> Prediction:
        """Find and classify the faces of a video's or a camera's frame; one after the other, as they come.

        Much less is looked at than in a photo, and each face is judged in one view. The first frame is predicted as a
        photo is; so is a film's that comes `mien.predict.stream.PERIOD` or more after the one before.

        Args:
            image: as for `predict`.
            time: of the frame, in seconds.
            seen: what was seen in the frame before; None: this is the first. Of its prediction,
                `Seen.of(time, prediction)` tells it.
            live: of a camera, whose frames come whether there is time for them or not.

        Returns:
            as of a photo; its picture is the frame itself, not a copy.

        Raises:
            UserError: as `predict`.
        """
        photo = image if isinstance(image, Photo) else open_photo(image)
        if seen is None or time < seen.time or (time - seen.time >= PERIOD and not live):
            faces = self._faces(photo, self.detector.find(photo.pixels), VIEWS)
        else:
            found = find_again(self.detector, photo.pixels, time, seen, live, photo.scale)
            faces = self._faces(photo, found, VIEWS[:1])
        return Prediction(faces, photo.size, photo.pixels)

    def predict_many(self, images: Iterable[PhotoSource], *, crop: bool = False) -> Iterator[Prediction]:
        """Predict photo by photo, holding one in memory at a time.

        Raises:
            UserError: an image cannot be read; to go on after it, call `predict` for each.
        """
        return (self.predict(image, crop=crop) for image in images)

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify ready face crops, framed as FER2013's faces are.

        Args:
            crops: uint8 [N, 48, 48], gray, 0 black to 255 white.

        Returns:
            float32 [N, 7] in the order of `classes`, which is angry, disgust, fear, happy, sad, surprise, neutral for
            the models in the box; each row adds up to 1.

        Raises:
            UserError: these are no such crops.
        """
        return self.classifier.probabilities(crops)

    def crops(self, image: PhotoSource | Photo, places: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Cut faces that another detector found out of a photo, framed as FER2013's faces are.

        Args:
            image: as for `predict`.
            places: in pixels of the upright photo: float [N, 5, 2], x and y of right eye, left eye, nose, right and
                left corner of the mouth; or, worse, [N, 4], x, y, width and height of boxes.

        Returns:
            uint8 [N, 48, 48], gray: what `probabilities` takes.

        Raises:
            UserError: the image cannot be read, the places have another shape, or are nowhere.
        """
        photo = image if isinstance(image, Photo) else open_photo(image)
        scaled = np.asarray(places, np.float64) / photo.scale
        if scaled.shape[1:] not in ((4,), (5, 2)):
            raise UserError(f"places of shape {list(scaled.shape)}; expected boxes [N, 4] or landmarks [N, 5, 2]")
        if not np.isfinite(scaled).all() or (scaled.ndim == 2 and (scaled[:, 2:] <= 0).any()):
            raise UserError("places must be finite numbers of pixels, and boxes wider and higher than 0")
        frame = alignment_of_box if scaled.ndim == 2 else alignment_of_landmarks
        return self._crops(photo, [frame(place) for place in scaled])

    def _faces(self, photo: Photo, found: list[Detection], shares: tuple[float, ...]) -> tuple[Face, ...]:
        """Classify what the detector found, each face in frames of these shares of its own."""
        if not found:
            return ()
        frames = [alignment_of(face.landmarks, face.box) for face in found]
        crops, judged = self._judged(photo, frames, shares)
        return tuple(
            Face(
                box=_box(face.box, photo.scale),
                landmarks=tuple(Point(x, y) for x, y in (face.landmarks * photo.scale).tolist()),
                score=face.score,
                roll=frame.roll,
                crop=crop,
                **self._said(said),
            )
            for face, frame, crop, said in zip(found, frames, crops, judged, strict=True)
        )

    def _judged(
        self, photo: Photo, frames: list[Alignment], shares: tuple[float, ...]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The crop of each frame, and what its face looks like.

        Of a photo that seems to be a face's crop itself, half of what is told is what it looks like as it is: the
        detector sees too little around such a face to tell its frame well.
        """
        views = self._crops(photo, [frame._replace(side=share * frame.side) for share in shares for frame in frames])
        filling = [number for number, frame in enumerate(frames) if _fills(frame, photo.pixels)]
        said = self.probabilities(np.concatenate([views, *(self._whole(photo) for _ in filling)]))
        judged = said[: len(views)].reshape(len(shares), len(frames), len(self.classes)).mean(axis=0)
        judged[filling] = (judged[filling] + said[len(views) :]) / 2
        return views[: len(frames)], judged

    def _whole(self, photo: Photo) -> NDArray[np.uint8]:
        """A photo as a crop, [1, H, W]: its central square."""
        return area_average(square(gray(photo)[None]), self.classifier.facts.height)

    def _ready(self, photo: Photo) -> Prediction:
        crops = self._whole(photo)
        side = min(photo.size)
        box = Box((photo.size[0] - side) // 2, (photo.size[1] - side) // 2, side, side)
        face = Face(box=box, crop=crops[0], **self._said(self.probabilities(crops)[0]))
        return Prediction((face,), photo.size, _small(photo.pixels))

    def _said(self, shares: NDArray[np.float32]) -> _Said:
        probabilities = dict(zip(self.classes, shares.tolist(), strict=True))
        return {"emotion": self.classes[int(shares.argmax())], "probabilities": probabilities}

    def _crops(self, photo: Photo, frames: list[Alignment]) -> NDArray[np.uint8]:
        size, grays = self.classifier.facts.height, gray(photo)
        return np.array([cut(grays, frame, size) for frame in frames], np.uint8).reshape(-1, size, size)


class _Said(TypedDict):
    emotion: str
    probabilities: dict[str, float]


def _fills(frame: Alignment, pixels: NDArray[np.uint8]) -> bool:
    """Whether a frame is about the central square of a photo [H, W, 3], and about upright."""
    height, width = pixels.shape[:2]
    squares = ((frame.x, frame.y, frame.side), (width / 2, height / 2, min(height, width)))
    boxes = [np.array([x - side / 2, y - side / 2, side, side]) for x, y, side in squares]
    return overlap(*boxes) > CROP and abs(frame.roll) <= LEANING


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return resized(pixels, SHOWN) if max(pixels.shape) > SHOWN else pixels.copy()


def _box(box: NDArray[np.float64], scale: float) -> Box:
    return Box(*(round(edge * scale) for edge in box.tolist()))
