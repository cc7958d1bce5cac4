"""Explain: which pixels of a face a run's answers depend on."""

from mien.extras import require

require("train", "explaining a run")
