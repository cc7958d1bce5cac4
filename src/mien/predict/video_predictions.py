"""A video's predictions as an object: frame by frame, as a data frame, as a timeline, and in a notebook."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import NDArray

from mien.disk import user_path
from mien.errors import UserError, counted
from mien.frames import Library, data_frame
from mien.predict.timeline import FaceTime, Timeline
from mien.predict.tracking import Moment, track_video
from mien.predict.video import Every, Video, open_camera, open_video

if TYPE_CHECKING:
    import pandas
    import polars
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.predict.predictor import Predictor
    from mien.predict.types import Face


class VideoPredictions:
    """The predictions of a video or a camera, from `Predictor.predict_video`.

    Iterate over it to get its frames one by one, with one in memory at a time; each iteration reads the file from its
    beginning. What was seen is remembered, without the pictures: `frame`, `faces` and `timeline` read a file to its end
    where that was not done, and never again. A camera has no end: they give what was seen until the iteration stopped.

    >>> import mien
    >>> video = mien.Predictor("fast").predict_video("film.mp4", every=2)
    >>> [moment.frame.number for moment in video]
    [0, 2, 4]
    >>> video.frame()[["frame", "face"]].to_numpy().tolist()
    [[0, 1], [2, 1], [4, 1]]

    Attributes:
        name: the path, or "camera 0".
        classes: the emotions, in the order of the probabilities.
    """

    def __init__(
        self, predictor: Predictor, source: str | PathLike[str] | int, every: Every, smooth: float, crop: bool
    ) -> None:
        self._predictor, self._every, self._smooth, self._crop = predictor, every, smooth, crop
        self._source = source if isinstance(source, int) else user_path(source)
        self._seen = _Seen(predictor.classes)
        self.classes = predictor.classes
        self.name = f"camera {source}" if isinstance(source, int) else str(self._source)
        if not isinstance(self._source, int):
            with open_video(self._source):  # a file that cannot be read is reported here
                pass

    def __iter__(self) -> Iterator[Moment]:
        """The frames in their order.

        Raises:
            UserError: the video cannot be opened, or holds not a single frame. A damaged one ends early, and `trouble`
                says so.
        """
        seen = _Seen(self.classes)
        with self._open() as video:
            try:
                for moment in track_video(video, self._predictor, self._every, self._smooth, self._crop):
                    seen.add(moment)
                    yield moment
                seen.complete = True
            finally:
                seen.timeline.end(1 / video.rate)
                seen.trouble = video.trouble
                if seen.complete or not self._seen.complete:
                    self._seen = seen

    @property
    def trouble(self) -> str:
        """Why the frames ended too early; "" where they did not."""
        return self._seen.trouble

    @property
    def faces(self) -> list[FaceTime]:
        """Every face, those visible longest first: when it was seen, and the shares of its emotions."""
        return self._all().timeline.summary()

    @overload
    def frame(self, library: Literal["pandas"] = "pandas") -> pandas.DataFrame: ...

    @overload
    def frame(self, library: Literal["polars"]) -> polars.DataFrame: ...

    def frame(self, library: Library = "pandas") -> pandas.DataFrame | polars.DataFrame:
        """A row for each face in each frame.

        Args:
            library: whose data frame it is, "pandas" or "polars".

        Returns:
            the columns time (seconds since the first frame), frame (its number, from 0), face (from 1, the same from
            frame to frame), emotion, a column for the probability of each emotion, the box x, y, width, height in
            pixels, score (of the detector, 0 to 1) and roll (degrees).

        Raises:
            UserError: the library is not installed, the file cannot be read, or nothing was seen of a camera yet.
        """
        return data_frame(self._all().columns(), library)

    def timeline(self, axes: Axes | None = None) -> Figure:
        """Draw the probabilities of the faces seen longest over time, a band for each face.

        Args:
            axes: where to draw, in their own style; None for a new figure, which shows itself in a notebook.

        Returns:
            The figure of the axes.

        Raises:
            UserError: matplotlib is not installed, `axes` are none, the file cannot be read, or nothing was seen of a
                camera yet.
        """
        from mien.extras import is_installed, require

        if not is_installed("matplotlib"):
            require("train", "drawing")
        from mien.notebook_figure import check_axes
        from mien.predict.timeline_plot import plot_timeline, timeline_figure

        timeline = self._all().timeline
        if axes is None:
            return timeline_figure(timeline, Path(self.name).name)
        check_axes(axes)
        keys = plot_timeline(axes, timeline)
        axes.legend(handles=keys, loc="upper left", bbox_to_anchor=(1, 1))
        return axes.figure.figure

    def __repr__(self) -> str:
        return f"VideoPredictions {self.name!r}: {self._seen.sentence()}"

    def _repr_html_(self) -> str:
        from mien.predict.video_html import as_html

        seen = self._seen
        return as_html(f"{Path(self.name).name}: {seen.sentence()}", seen.timeline, seen.crops(), self.trouble)

    def _open(self) -> Video:
        return open_camera(self._source) if isinstance(self._source, int) else open_video(self._source)

    def _all(self) -> _Seen:
        """What was seen, after reading a file to its end."""
        if isinstance(self._source, int):
            if not self._seen.frames:
                raise UserError(f"{self.name}: nothing was seen yet; iterate over its frames, and stop with break")
        elif not self._seen.complete:
            for _ in self:
                pass
        return self._seen


class _Seen:
    """What was seen of a video; it grows by about 150 bytes for each face of a frame."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes, self.timeline = tuple(classes), Timeline(classes)
        self.frames, self.complete, self.trouble = 0, False, ""
        self._numbers, self._places = array("d"), array("q")
        self._best: dict[int, tuple[float, NDArray[np.uint8]]] = {}

    def add(self, moment: Moment) -> None:
        """Remember a frame."""
        self.frames += 1
        self.timeline.add(moment)
        for track, face in zip(moment.tracks, moment.prediction, strict=True):
            shares = (face.probabilities[name] for name in self.classes)
            self._numbers.extend((moment.frame.time, face.score, face.roll, *shares))
            self._places.extend((moment.frame.number, track, self.classes.index(face.emotion), *face.box))
            self._remember_crop(track, face)

    def columns(self) -> dict[str, list[object]]:
        """The columns of the data frame."""
        numbers = np.array(self._numbers).reshape(-1, 3 + len(self.classes)).T.tolist()
        places = np.array(self._places).reshape(-1, 7).T.tolist()
        return {
            "time": numbers[0],
            "frame": places[0],
            "face": places[1],
            "emotion": [self.classes[label] for label in places[2]],
            **dict(zip(self.classes, numbers[3:], strict=True)),
            **dict(zip(("x", "y", "width", "height"), places[3:], strict=True)),
            "score": numbers[1],
            "roll": numbers[2],
        }

    def crops(self) -> dict[int, NDArray[np.uint8]]:
        """By its number, each face where the detector was most confident, uint8 [H, W]."""
        return {track: crop for track, (_, crop) in self._best.items()}

    def sentence(self) -> str:
        """How much was seen."""
        if not self.frames:
            return "not read yet"
        end = "" if self.complete else ", not read to its end"
        return f"{counted(self.frames, 'frame')}, {counted(len(self._best), 'face')}{end}"

    def _remember_crop(self, track: int, face: Face) -> None:
        if track not in self._best or face.score > self._best[track][0]:
            self._best[track] = (face.score, face.crop)


def check_smooth(smooth: float) -> None:
    """Raise a UserError unless a half-life is a number of seconds from 0 on."""
    if not (math.isfinite(smooth) and smooth >= 0):
        raise UserError(f"smooth={smooth}: give a half-life in seconds, from 0 on; 0 averages nothing")
