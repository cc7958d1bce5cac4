"""What a recipe's entries were called before version 0.1.0, in files that exist; they are read for one version more."""

from collections.abc import Mapping
from typing import Any

FORMER_NAMES = {
    "focal": "focal_gamma",
    "taught": "distillation_weight",
    "average": "ema_decay",
    "mirror": "tta_flip",
    "zooms": "tta_scales",
    "start": "init_from",
}
"""Today's name of each entry, by its former one."""


def current_names(entries: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's entries under their names of today."""
    return {FORMER_NAMES.get(name, name): value for name, value in entries.items()}
