"""A model file and its answers about ready face crops, through onnxruntime."""

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
"""More make crops of 48x48 pixels no faster."""

BATCH = 256
"""Crops classified at once: memory stays bounded whatever is asked."""

_SESSIONS: "WeakSet[InferenceSession]" = WeakSet()
"""Sessions of this process's classifiers."""


def _forked() -> None:
    """In a forked child: keep the parent's sessions for ever. Their end would wait for threads that are not there."""
    import ctypes

    for session in list(_SESSIONS):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))
    _SESSIONS.clear()


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_forked)


class Classifier:
    """A model as a function of face crops.

    Threads may share one. It can be pickled, and used after a fork: the other process opens the file anew when it first
    asks, and refuses one that has changed since.

    Args:
        model: the name of a model in the box, or the path of a file that `mien export` wrote.

    Attributes:
        facts: what the file says of itself: classes, the crops' size, scores, the run that it comes from.

    Raises:
        UserError: there is no such model, or the file is none of mien's.
    """

    def __init__(self, model: str | Path = "best") -> None:
        self._path = model_file(model).absolute()
        self._session, self.facts, self._entries = _opened(self._path)
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_session": None, "_process": None}

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classify ready face crops.

        Args:
            crops: uint8 [N, H, W], gray, 0 black to 255 white, H and W as in `facts`.

        Returns:
            float32 [N, K], in the order of `facts.classes`; each row adds up to 1.

        Raises:
            UserError: these are no such crops; or, the first time in another process than the one that made it, the
                file is gone or has changed.
        """
        crops = np.asarray(crops)
        if crops.dtype != np.uint8 or crops.shape[1:] != (self.facts.height, self.facts.width):
            raise UserError(
                f"crops of {crops.dtype} {list(crops.shape)}; {self.facts.name} takes uint8 "
                f"[N, {self.facts.height}, {self.facts.width}], gray, 0 to 255"
            )
        session = self._here()
        shares = np.empty((len(crops), len(self.facts.classes)), np.float32)
        for first in range(0, len(crops), BATCH):
            rows = slice(first, first + BATCH)
            shares[rows] = session.run([OUTPUT], {INPUT: crops[rows]})[0]
        return shares

    def check_reference(self) -> reference.ReferenceCheck:
        """Classify the faces that the file carries, and compare with what it says of them in float32.

        Raises:
            UserError: the file's faces are damaged.
        """
        answers = np.array(self.facts.reference, np.float32).reshape(-1, len(self.facts.classes))
        if not len(answers):
            return reference.ReferenceCheck(0, 0.0)
        try:
            faces = reference.from_text(self._entries.get(reference.KEY, ""), self.facts.height, self.facts.width)
        except ValueError as error:
            raise UserError(f"{self.facts.name}: its reference faces are damaged: {error}; export it anew") from None
        if len(faces) != len(answers):
            raise UserError(
                f"{self.facts.name}: it has answers about {len(answers)} reference faces, but carries {len(faces)}; "
                "export it anew"
            )
        return reference.compared(self.probabilities(faces), answers)

    def _here(self) -> "InferenceSession":
        """The session of this process. After a fork or a pickle the file is opened anew: threads do not come along."""
        if self._process != os.getpid():
            session, facts, _ = _opened(self._path)
            if facts != self.facts:
                raise UserError(f"{self._path}: another model than when it was opened first; open it anew")
            self._session, self._process = session, os.getpid()
        return self._session


def _opened(path: Path) -> "tuple[InferenceSession, Facts, dict[str, str]]":
    """A file's session, what the file says of itself, and all entries beside its graph."""
    session = open_session(path, THREADS)
    entries: dict[str, str] = session.get_modelmeta().custom_metadata_map
    facts = Facts.of(entries.get(KEY), path)
    if facts.precision == "int8" and not facts.reference:
        # Files of before the reference have weights of 8 bits, whose products saturate where there is no VNNI.
        session = open_session(path, THREADS, exact=True)
    _SESSIONS.add(session)
    _check(session, facts, path)
    return session, facts, entries


def _check(session: "InferenceSession", facts: Facts, path: Path) -> None:
    """Refuse a file that says one thing of itself and computes another."""
    ends = [(end.name, end.type, end.shape[1:]) for end in (*session.get_inputs(), *session.get_outputs())]
    told = [
        (INPUT, "tensor(uint8)", [facts.height, facts.width]),
        (OUTPUT, "tensor(float)", [len(facts.classes)]),
    ]
    if ends != told:
        raise UserError(
            f"{path}: its facts do not fit its graph: {_in_words(told)} against {_in_words(ends)}; "
            "export it anew with: mien export RUN FILE"
        )


def _in_words(ends: list[tuple[str, str, list[int]]]) -> str:
    return ", ".join(f"{name} {kind} [N, {', '.join(map(str, shape))}]" for name, kind, shape in ends)


def model_file(model: str | Path) -> Path:
    """The file of a model in the box, or the one at a path.

    Raises:
        UserError: there is neither.
    """
    path = user_path(model)
    there = os.path.isfile(path)  # noqa: PTH113 - pathlib's raises where a name is too long
    if str(model) not in bundled_models() and (there or path.suffix or len(path.parts) > 1):
        if not there:
            raise UserError(f"{path}: no such model file; one is made by: mien export RUN {path}")
        return path
    return find_bundled(str(model))
