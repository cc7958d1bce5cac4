"""Models: those at hand, and the one in use, shared by the threads that predict."""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from mien.model_files.bundled import FAST, bundled_models
from mien.model_files.facts import Facts, read_facts
from mien.predict.classifier import model_file
from mien.predict.detector import Detection, Detector
from mien.predict.photos import open_photo
from mien.predict.predictor import Predictor
from mien.predict.stream import Seen
from mien.predict.types import Prediction
from mien.serve.batching import BatchingClassifier
from mien.serve.limits import Limits
from mien.serve.metrics import Metrics
from mien.serve.problem_details import Problem

DEFAULT = "best"
"""The bundled model that is in use unless another is chosen."""


class Model:
    """A model for many threads.

    Args:
        name: what it is called.
        file: that `mien export` wrote.
        limits: `pixels` and `faces` of a photo.
        metrics: where inferences are noted.

    Attributes:
        check: whether this machine gives the reference answers in the file.

    Raises:
        UserError: the file is none of mien's, or the face detector is not installed.
    """

    def __init__(self, name: str, file: Path, limits: Limits, metrics: Metrics) -> None:
        self.name, self.file = name, file
        self._limits = limits
        self._classifier = BatchingClassifier(file, metrics)
        self._predictor = Predictor(self._classifier, _Bounded(limits.faces))
        self.check = self._classifier.check_reference()

    @property
    def facts(self) -> Facts:
        """The facts in the file."""
        return self._classifier.facts

    def predict(self, content: bytes, crop: bool) -> Prediction:
        """Predict a photo, in any thread.

        Args:
            content: of its file.
            crop: it is a face already.

        Raises:
            UserError: it cannot be read.
            Problem: it has more faces than the limits allow.
        """
        with self._classifier.expected():
            photo = open_photo(content, self._limits.pixels)
            return self._predictor.predict(photo, crop=crop)

    def predict_frame(self, content: bytes, time: float, seen: Seen | None) -> Prediction:
        """Predict a camera's frame, in any thread; as `Predictor.predict_frame`, otherwise as `predict`."""
        with self._classifier.expected():
            photo = open_photo(content, self._limits.pixels)
            return self._predictor.predict_frame(photo, time, seen, live=True)


class _Bounded(Detector):
    """A detector that refuses a photo with too many faces before they are classified."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def ranked(self, detections: Iterable[Detection]) -> list[Detection]:
        faces = super().ranked(detections)
        if len(faces) > self._most:
            raise Problem(422, f"the photo has {len(faces)} faces; more than {self._most} in a photo are refused")
        return faces


class Models:
    """The models at hand: the bundled ones, and files that were put to use since the server started.

    Args:
        first: a bundled model's name, or a model file, to begin with; None for `best` where that is bundled.
        limits: of photos.
        metrics: where inferences are noted.

    Attributes:
        current: the model in use; None where there is none.

    Raises:
        UserError: `first` cannot be opened, or the face detector is not installed.
    """

    def __init__(self, first: str | None, limits: Limits, metrics: Metrics) -> None:
        self.current: Model | None = None
        self._limits = limits
        self._metrics = metrics
        self._files = bundled_models()
        self._facts: dict[str, Facts] = {}
        self._fast: Model | None = None
        self._opening = Lock()
        if first is not None or DEFAULT in self._files:
            self.use(first or DEFAULT)

    @property
    def in_use(self) -> str:
        """The name of the model in use, "" for none."""
        return self.current.name if self.current else ""

    @property
    def choices(self) -> list[str]:
        """The names of the models at hand."""
        return list(self._files)

    def facts(self) -> list[Facts]:
        """The facts of the models at hand. Blocks while files are read, the first time."""
        for name, file in list(self._files.items()):
            if name not in self._facts:
                self._facts[name] = read_facts(file)
        return [self._facts[name] for name in self.choices]

    def fast(self) -> Model:
        """The bundled model `fast`, whichever is in use. Blocks while it is opened, the first time.

        Raises:
            Problem: it is not bundled.
            UserError: it cannot be opened.
        """
        if self.current is not None and self.current.file == bundled_models().get(FAST):
            return self.current
        with self._opening:
            if self._fast is None:
                if FAST not in bundled_models():
                    raise Problem(404, f"no model is called {FAST!r} here; leave `fast` out to use the one in use")
                self._fast = Model(FAST, bundled_models()[FAST], self._limits, self._metrics)
            return self._fast

    def use(self, model: str | Path) -> None:
        """Predict with another model from now on: one at hand by its name, or a file. Blocks while it is opened.

        Photos that are being predicted are answered by the one before.

        Raises:
            UserError: it cannot be opened; the model in use stays.
        """
        file = self._files.get(str(model)) or model_file(model)
        name = str(model) if str(model) in self._files else read_facts(file).name
        opened = Model(name, file, self._limits, self._metrics)
        self._files[name], self._facts[name] = file, opened.facts
        self.current = opened
