"""Fixtures of studies whose training is a stand-in, and of finished runs."""

from finished_runs import drawn_faces, small_run, study, trained
from study_stand_in import noise, plan, pretended, study_file

__all__ = ["drawn_faces", "noise", "plan", "pretended", "small_run", "study", "study_file", "trained"]
