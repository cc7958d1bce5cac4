"""Finished runs, under short names."""

import pytest
from finished_runs import drawn_faces, small_export, small_run, study, trained

from mien.faces import Faces
from mien.runs.run import Run

__all__ = ["drawn_faces", "small_export", "small_run", "study", "trained"]


@pytest.fixture(scope="session")
def faces(drawn_faces: Faces) -> Faces:
    """The faces that the runs are trained on."""
    return drawn_faces


@pytest.fixture(scope="session")
def small(small_run: Run) -> Run:
    """A small net that has learnt something, evaluated on test."""
    return small_run
