"""Predictor: from a photo to its faces and their emotions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

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

if TYPE_CHECKING:
    from mien.predict.video_predictions import VideoPredictions

VIEWS = 1.0, 0.9
"""Test-time augmentation: a face is cropped at these shares of its alignment's side, their probabilities averaged. The
scale of faces varies in training data and cannot be estimated exactly. Gains half a point:
docs/decisions/0007-quality.md."""

CROP, LEANING = 0.5, 30.0
"""A photo counts as a crop of a face where the intersection over union of its central square and the face's aligned
square is above `CROP` and the face's roll is at most `LEANING` degrees. Such a photo is classified as it is, too. Gains
half a point on such photos: docs/decisions/0006-framing.md."""

SHOWN = 640
"""The long side of the picture in a prediction, in pixels."""


class Predictor:
    """Finds the faces of a photo and predicts their emotions; needs no torch and no network.

    Threads may share one, and get the same results as a single thread. It can be pickled, forked and spawned: another
    process opens the model's file and the detector again.

    >>> import mien
    >>> prediction = mien.Predictor().predict("photo.jpg")
    >>> len(prediction), prediction[0].emotion
    (1, 'neutral')

    Args:
        model: the name of a bundled model ("best", "fast"), the path of a file that `mien export` wrote, or a model
            that is open already.
        detector: finds the faces; by default a `Detector`. Several predictors may share one. Your own detector must be
            safe for all threads and processes that use the predictor.

    Attributes:
        classifier: the model, with the facts in its file.

    Raises:
        UserError: there is no such model, or its file cannot be read.
    """

    def __init__(self, model: str | Path | Classifier = "best", detector: Detector | None = None) -> None:
        self.classifier = model if isinstance(model, Classifier) else Classifier(model)
        if detector is not None:
            self.detector = detector

    @cached_property
    def detector(self) -> Detector:
        """The face detector, loaded at its first use: face crops need none.

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
            image: a path, a file's content as bytes, a Pillow image, or an array: uint8 or uint16 [H, W, 3] in the
                order red, green, blue, [H, W, 4] with alpha, or [H, W] gray.
            crop: the image is a face already: none is searched, and its central square is classified.

        Returns:
            The faces, the largest first; none where no face was found.

        Raises:
            UserError: the image cannot be read, or the face detector is not installed.
        """
        photo = image if isinstance(image, Photo) else open_photo(image)
        if crop:
            return self._of_crop(photo)
        faces = self._faces(photo, self.detector.find(photo.pixels), VIEWS)
        return Prediction(faces, photo.size, _small(photo.pixels))

    def predict_frame(
        self, image: PhotoSource | Photo, time: float, seen: Seen | None = None, *, live: bool = False
    ) -> Prediction:
        """Find and classify the faces of a video's or a camera's frame; call it for the frames in their order.

        The search is much cheaper than in a photo, and each face is classified in one crop. The first frame is
        predicted as a photo is; so is a video's frame `mien.predict.stream.PERIOD` seconds or more after the previous.

        Args:
            image: as for `predict`.
            time: of the frame, in seconds.
            seen: the faces of the previous frame, `Seen.of(time, prediction)`; None for the first frame.
            live: whether the frames come from a camera, which does not wait for the predictor.

        Returns:
            As for a photo; its picture is the frame itself, not a copy.

        Raises:
            UserError: as `predict`.
        """
        photo = image if isinstance(image, Photo) else open_photo(image)
        if seen is None or time < seen.time or (time - seen.time >= PERIOD and not live):
            faces = self._faces(photo, self.detector.find(photo.pixels), VIEWS)
        else:
            detections = find_again(self.detector, photo.pixels, time, seen, live, photo.scale)
            faces = self._faces(photo, detections, VIEWS[:1])
        return Prediction(faces, photo.size, photo.pixels)

    def predict_video(
        self, source: str | os.PathLike[str] | int, every: int | str = 1, smooth: float = 0.0, crop: bool = False
    ) -> VideoPredictions:
        """Find and classify the faces of a video or of a camera, and follow them from frame to frame.

        Args:
            source: a video file, or the number of a camera, 0 for the first.
            every: which frames are predicted: 5 for each fifth, "0.5s" for one in half a second.
            smooth: half-life in seconds of the average over time of each face's probabilities; 0: none.
            crop: each frame is a face already, and none is searched.

        Returns:
            The predictions; iterate over them for one frame after the other, or call `frame()` for all in a data frame.

        Raises:
            UserError: there is no such file or it is not a readable video; or `every` or `smooth` is not as above.
        """
        from mien.predict.video import Every
        from mien.predict.video_predictions import VideoPredictions, check_smooth

        check_smooth(smooth)
        return VideoPredictions(self, source, Every.of(str(every)), smooth, crop)

    def predict_many(self, images: Iterable[PhotoSource], *, crop: bool = False) -> Iterator[Prediction]:
        """Predict photos one by one, with one in memory at a time.

        Args:
            images: as for `predict`.
            crop: as for `predict`.

        Raises:
            UserError: an image cannot be read; to continue after it, call `predict` for each.
        """
        return (self.predict(image, crop=crop) for image in images)

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify face crops, aligned as FER2013's faces are.

        Args:
            crops: uint8 [N, 48, 48], gray, 0 black to 255 white.

        Returns:
            float32 [N, 7] in the order of `classes`, which is angry, disgust, fear, happy, sad, surprise, neutral for
            the bundled models; each row sums to 1.

        Raises:
            UserError: the crops have another type or shape.
        """
        return self.classifier.probabilities(crops)

    def crops(self, image: PhotoSource | Photo, places: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Cut faces out of a photo that another detector has found, aligned as FER2013's faces are.

        Args:
            image: as for `predict`.
            places: in pixels of the upright photo: float [N, 5, 2], x and y of right eye, left eye, nose, right and
                left corner of the mouth; or, less exact, boxes [N, 4], x, y, width and height.

        Returns:
            uint8 [N, 48, 48], gray: input for `probabilities`.

        Raises:
            UserError: the image cannot be read, or the places have another shape or are not finite.
        """
        photo = image if isinstance(image, Photo) else open_photo(image)
        scaled = np.asarray(places, np.float64) / photo.scale
        if scaled.shape[1:] not in ((4,), (5, 2)):
            raise UserError(f"places of shape {list(scaled.shape)}; expected boxes [N, 4] or landmarks [N, 5, 2]")
        if not np.isfinite(scaled).all() or (scaled.ndim == 2 and (scaled[:, 2:] <= 0).any()):
            raise UserError("places must be finite numbers of pixels, and boxes wider and higher than 0")
        align = alignment_of_box if scaled.ndim == 2 else alignment_of_landmarks
        return self._crops(photo, [align(place) for place in scaled])

    def _faces(self, photo: Photo, detections: list[Detection], shares: tuple[float, ...]) -> tuple[Face, ...]:
        """Classify detected faces, each in crops of these shares of its alignment's side."""
        if not detections:
            return ()
        alignments = [alignment_of(face.landmarks, face.box) for face in detections]
        crops, probabilities = self._classified(photo, alignments, shares)
        return tuple(
            Face(
                box=_box(face.box, photo.scale),
                landmarks=tuple(Point(x, y) for x, y in (face.landmarks * photo.scale).tolist()),
                score=face.score,
                roll=alignment.roll,
                crop=crop,
                **self._emotions(shares_of_face),
            )
            for face, alignment, crop, shares_of_face in zip(detections, alignments, crops, probabilities, strict=True)
        )

    def _classified(
        self, photo: Photo, alignments: list[Alignment], shares: tuple[float, ...]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The crop of each alignment, uint8 [N, H, W], and its probabilities, float32 [N, K].

        In a photo that seems to be a crop of a face, the photo as it is counts for half: the detector sees too little
        around such a face to align it well.
        """
        views = self._crops(photo, [one._replace(side=share * one.side) for share in shares for one in alignments])
        filling = [number for number, one in enumerate(alignments) if _fills(one, photo.pixels)]
        output = self.probabilities(np.concatenate([views, *(self._whole(photo) for _ in filling)]))
        means = output[: len(views)].reshape(len(shares), len(alignments), len(self.classes)).mean(axis=0)
        means[filling] = (means[filling] + output[len(views) :]) / 2
        return views[: len(alignments)], means

    def _whole(self, photo: Photo) -> NDArray[np.uint8]:
        """A photo as a crop, [1, H, W]: its central square."""
        return area_average(square(gray(photo)[None]), self.classifier.facts.height)

    def _of_crop(self, photo: Photo) -> Prediction:
        crops = self._whole(photo)
        side = min(photo.size)
        box = Box((photo.size[0] - side) // 2, (photo.size[1] - side) // 2, side, side)
        face = Face(box=box, crop=crops[0], **self._emotions(self.probabilities(crops)[0]))
        return Prediction((face,), photo.size, _small(photo.pixels))

    def _emotions(self, shares: NDArray[np.float32]) -> _Emotions:
        probabilities = dict(zip(self.classes, shares.tolist(), strict=True))
        return {"emotion": self.classes[int(shares.argmax())], "probabilities": probabilities}

    def _crops(self, photo: Photo, alignments: list[Alignment]) -> NDArray[np.uint8]:
        size, grays = self.classifier.facts.height, gray(photo)
        return np.array([cut(grays, one, size) for one in alignments], np.uint8).reshape(-1, size, size)


class _Emotions(TypedDict):
    emotion: str
    probabilities: dict[str, float]


def _fills(alignment: Alignment, pixels: NDArray[np.uint8]) -> bool:
    """Whether an aligned square is nearly the central square of a photo [H, W, 3], and nearly upright."""
    height, width = pixels.shape[:2]
    squares = (alignment[:3], (width / 2, height / 2, min(height, width)))
    boxes = [np.array([x - side / 2, y - side / 2, side, side]) for x, y, side in squares]
    return overlap(*boxes) > CROP and abs(alignment.roll) <= LEANING


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return resized(pixels, SHOWN) if max(pixels.shape) > SHOWN else pixels.copy()


def _box(box: NDArray[np.float64], scale: float) -> Box:
    return Box(*(round(edge * scale) for edge in box.tolist()))
