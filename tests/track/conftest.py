"""The fixture of a study that trackers follow."""

from followed_study import follow
from study_stand_in import noise, plan, pretended, quiet, study_file

__all__ = ["follow", "noise", "plan", "pretended", "quiet", "study_file"]
