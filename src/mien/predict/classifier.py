"""Classifier: the probabilities of a model file for face crops, computed by onnxruntime."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from mien.disk import user_path
from mien.errors import UserError
from mien.model_files import reference
from mien.model_files.bundled import bundled_models, find_bundled
from mien.model_files.facts import INPUT, KEY, OUTPUT, Facts
from mien.model_files.session import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

THREADS = 2
"""Threads of one call; more do not classify crops of 48x48 pixels faster."""

BATCH = 256
"""Crops classified at once, which bounds the memory of a call."""

_SESSIONS: "WeakSet[InferenceSession]" = WeakSet()
"""Sessions of this process's classifiers."""


def _keep_sessions_after_fork() -> None:
    """In a forked child: never free the parent's sessions. Freeing one waits for threads that do not exist here."""
    import ctypes

    for session in list(_SESSIONS):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
    _SESSIONS.clear()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_keep_sessions_after_fork)


class Classifier:
    """A model that classifies face crops.

    Threads may share one. It can be pickled, and used after a fork: the other process opens the file again at its first
    call, and refuses a file that has changed since.

    >>> from mien.predict.classifier import Classifier
    >>> classifier = Classifier("fast")
    >>> classifier.probabilities(faces["test"].images).shape, classifier.facts.classes[3]
    ((20, 7), 'happy')

    Args:
        model: the name of a bundled model ("best", "fast"), or the path of a file that `mien export` wrote.

    Attributes:
        facts: the description in the file: classes, the crops' size in pixels, scores, the run that it comes from.

    Raises:
        UserError: there is no such model, or mien did not export the file.
    """

    def __init__(self, model: str | Path = "best") -> None:
        self._path = model_file(model).absolute()
        self._session, self.facts, self._entries = _open(self._path)
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_session": None, "_process": None}

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify face crops.

        Args:
            crops: uint8 [N, H, W], gray, 0 black to 255 white, H and W as in `facts`.

        Returns:
            float32 [N, K], in the order of `facts.classes`; each row sums to 1.

        Raises:
            UserError: the crops have another type or shape; or, at the first call in another process, the model file
                is gone or has changed.
        """
        crops = np.asarray(crops)
        if crops.dtype != np.uint8 or crops.shape[1:] != (self.facts.height, self.facts.width):
            raise UserError(
                f"crops of {crops.dtype} {list(crops.shape)}; {self.facts.name} takes uint8 "
                f"[N, {self.facts.height}, {self.facts.width}], gray, 0 to 255"
            )
        session = self._session_of_process()
        probabilities = np.empty((len(crops), len(self.facts.classes)), np.float32)
        for first in range(0, len(crops), BATCH):
            rows = slice(first, first + BATCH)
            probabilities[rows] = session.run([OUTPUT], {INPUT: crops[rows]})[0]
        return probabilities

    def check_reference(self) -> reference.ReferenceCheck:
        """Classify the file's reference faces and compare with their probabilities in float32, which the file contains.

        Raises:
            UserError: the file's reference faces are damaged.
        """
        expected = np.array(self.facts.reference, np.float32).reshape(-1, len(self.facts.classes))
        if not len(expected):
            return reference.ReferenceCheck(0, 0.0)
        try:
            faces = reference.from_text(self._entries.get(reference.KEY, ""), self.facts.height, self.facts.width)
        except ValueError as error:
            raise UserError(f"{self.facts.name}: its reference faces are damaged: {error}; export it again") from None
        if len(faces) != len(expected):
            raise UserError(
                f"{self.facts.name}: it has probabilities of {len(expected)} reference faces, but {len(faces)} faces; "
                "export it again"
            )
        return reference.check_probabilities(self.probabilities(faces), expected)

    def _session_of_process(self) -> "InferenceSession":
        """The session of this process. After a fork or a pickle the file is opened again: threads are not copied."""
        if self._process != os.getpid():
            session, facts, _ = _open(self._path)
            if facts != self.facts:
                raise UserError(f"{self._path}: the file has changed since it was opened; open it again")
            self._session, self._process = session, os.getpid()
        return self._session


def _open(path: Path) -> "tuple[InferenceSession, Facts, dict[str, str]]":
    """A file's session, its facts, and all its metadata."""
    session = open_session(path, THREADS)
    entries: dict[str, str] = session.get_modelmeta().custom_metadata_map
    facts = Facts.of(entries.get(KEY), path)
    if facts.precision == "int8" and not facts.reference:
        # Files without reference faces are older and have weights of 8 bits, whose products saturate without VNNI.
        session = open_session(path, THREADS, exact=True)
    _SESSIONS.add(session)
    _check(session, facts, path)
    return session, facts, entries


def _check(session: "InferenceSession", facts: Facts, path: Path) -> None:
    """Refuse a file whose facts do not describe its graph."""
    ends = [(end.name, end.type, end.shape[1:]) for end in (*session.get_inputs(), *session.get_outputs())]
    expected = [
        (INPUT, "tensor(uint8)", [facts.height, facts.width]),
        (OUTPUT, "tensor(float)", [len(facts.classes)]),
    ]
    if ends != expected:
        raise UserError(
            f"{path}: its facts do not fit its graph: {_as_text(expected)} against {_as_text(ends)}; "
            "export it again with: mien export RUN FILE"
        )


def _as_text(ends: list[tuple[str, str, list[int]]]) -> str:
    return ", ".join(f"{name} {kind} [N, {', '.join(map(str, shape))}]" for name, kind, shape in ends)


def model_file(model: str | Path) -> Path:
    """The file of a bundled model, or the model file at a path.

    Raises:
        UserError: there is neither.
    """
    path = user_path(model)
    exists = os.path.isfile(path)  # noqa: PTH113 - pathlib's raises where a name is too long
    if str(model) not in bundled_models() and (exists or path.suffix or len(path.parts) > 1):
        if os.path.isdir(path):  # noqa: PTH112 - as above
            raise UserError(f"{path}: a folder, not a model file; make one of a run or study: mien export {path} FILE")
        if not exists:
            raise UserError(f"{path}: no such model file; make one with: mien export RUN {path}")
        return path
    return find_bundled(str(model))
