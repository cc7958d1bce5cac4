"""Training: recipe, the one loop, and the folder that a run leaves behind."""

from mien.extras import require

require("train", "training")
