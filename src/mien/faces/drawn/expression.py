"""Facial action units: which of them make an emotion, and how each moves a face."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.faces.fer2013 import EMOTIONS

PROTOTYPES: dict[str, tuple[int, ...]] = {
    "angry": (4, 5, 7, 23),
    "disgust": (9, 15, 16),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "happy": (6, 12),
    "sad": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
    "neutral": (),
}
"""The action units of each emotion's prototype: EMFACS (Friesen and Ekman 1983, "EMFACS-7: Emotional Facial Action
Coding System"), in the numbering of FACS (Ekman, Friesen and Hager 2002, "Facial Action Coding System")."""


Field = NDArray[np.floating[Any]]
"""float32, a value at every pixel, [N, H, W], or for every face, [N, 1, 1]."""


@dataclass(frozen=True)
class Motion:
    """How far a face's parts move from rest, in units of half the image's side, or 0..1 for creases and bulges.

    Each is float32 [N, H, W]: at every pixel the motion of its side of the face, blended near the middle.
    """

    brow_inner: Field  # up
    brow_outer: Field  # up
    brow_drawn: Field  # towards the other brow
    furrow: Field  # upright creases between the brows
    forehead: Field  # level creases above them
    upper_lid: Field  # up
    lower_lid: Field  # up
    cheek: Field  # bulge under the eye, and its crease
    nose: Field  # wrinkles at the root, wings up
    fold: Field  # the crease from the nose to the corner of the mouth
    corner_out: Field  # the mouth's corner, away from the middle
    corner_up: Field
    upper_lip: Field  # up
    lower_lip: Field  # down
    thin: Field  # lips rolled in
    jaw: Field  # down


ACTION_UNITS: dict[int, dict[str, float]] = {
    1: {"brow_inner": 0.13, "brow_drawn": 0.01, "forehead": 0.5},  # inner brow raiser
    2: {"brow_outer": 0.13, "brow_inner": 0.03, "forehead": 0.5},  # outer brow raiser
    4: {"brow_inner": -0.08, "brow_outer": -0.06, "brow_drawn": 0.06, "furrow": 1.0},  # brow lowerer
    5: {"upper_lid": 0.065},  # upper lid raiser
    6: {"cheek": 1.0, "lower_lid": 0.04, "upper_lid": -0.012},  # cheek raiser
    7: {"lower_lid": 0.03, "upper_lid": -0.02},  # lid tightener
    9: {"nose": 1.0, "upper_lip": 0.05, "brow_inner": -0.05, "lower_lid": 0.025, "fold": 0.7},  # nose wrinkler
    12: {"corner_out": 0.09, "corner_up": 0.13, "fold": 0.8, "cheek": 0.3, "upper_lip": 0.015},  # lip corner puller
    15: {"corner_up": -0.12, "corner_out": 0.01, "fold": 0.2},  # lip corner depressor
    16: {"lower_lip": 0.085},  # lower lip depressor
    20: {"corner_out": 0.11, "corner_up": -0.03, "thin": 0.2},  # lip stretcher
    23: {"thin": 0.8, "corner_out": -0.05},  # lip tightener
    25: {"upper_lip": 0.02, "lower_lip": 0.03},  # lips part
    26: {"jaw": 0.24, "corner_out": -0.045, "corner_up": -0.08},  # jaw drop
}
"""What each unit moves at full intensity. The names follow FACS; the amounts were chosen by eye."""

_UNITS = tuple(ACTION_UNITS)
_ROWS = np.array([[moves.get(part.name, 0.0) for part in fields(Motion)] for moves in ACTION_UNITS.values()])
_IN_PROTOTYPE = np.array([[unit in PROTOTYPES[emotion] for unit in _UNITS] for emotion in EMOTIONS])

FAINTEST = 0.5
"""The least intensity at which an emotion is shown; 1 is the fullest."""


def intensities(rng: np.random.Generator, labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Draw the intensity of each action unit: float64 [N, 2 sides, units], 0 absent, about 1 full.

    An emotion is faint or strong; each of its units is weaker, stronger or absent, and differs between the two sides.
    Sometimes a unit acts that has nothing to do with the emotion, as when somebody speaks or squints.
    """
    n, units = len(labels), len(_UNITS)
    strength = FAINTEST + (1 - FAINTEST) * rng.random((n, 1))
    shown = strength * rng.uniform(0.6, 1.15, (n, units)) * (rng.random((n, units)) > 0.1) * _IN_PROTOTYPE[labels]
    stray = rng.uniform(0.0, 0.7, (n, units)) * (rng.random((n, units)) < 0.06)
    both = np.maximum(shown, stray)
    smile_opens = (rng.random(n) < 0.6) * both[:, _UNITS.index(12)]
    both[:, _UNITS.index(25)] = np.maximum(both[:, _UNITS.index(25)], 1.2 * smile_opens)
    lean = rng.uniform(-0.2, 0.2, (n, 1)) + rng.uniform(-0.08, 0.08, (n, units))
    return np.stack([both * (1 - lean), both * (1 + lean)], axis=1)


def motion(intensity: NDArray[np.float64], side: Field) -> Motion:
    """Add up the motions of all units, for each pixel by its share of the two sides.

    Args:
        intensity: float64 [N, 2, units], as `intensities` gives.
        side: float32 [N, H, W], 0 on the left side of the face, 1 on the right, in between near its middle.
    """
    both_sides = np.zeros((*intensity.shape[:2], _ROWS.shape[1]))
    for unit, row in enumerate(_ROWS):  # unit by unit: a matrix product adds in another order on another processor
        both_sides += intensity[:, :, unit, None] * row
    ends = both_sides.astype(np.float32)[..., None, None]  # [N, 2, parts, 1, 1]
    return Motion(*(ends[:, 0, part] + (ends[:, 1, part] - ends[:, 0, part]) * side for part in range(len(_ROWS[0]))))
