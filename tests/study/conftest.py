"""Fixtures of studies whose training is a stand-in."""

from study_stand_in import noise, plan, pretended, quiet, study_file

__all__ = ["noise", "plan", "pretended", "quiet", "study_file"]
