"""The geometric words: each draws one affine map for each face; all maps of a recipe are applied by one resampling.

A map is affine, float64 [N, 3, 3], from the pixels of the new image to those of the old, in pixels from the image's
centre, x to the right and y down: `(x, y, 1) of the old = map @ (x, y, 1) of the new`. In brackets stands what Keras's
ImageDataGenerator calls the like.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Maps = NDArray[np.float64]
Degrees = Annotated[float, Field(ge=0, le=180)]
Slant = Annotated[float, Field(ge=0, lt=90)]
Share = Annotated[float, Field(ge=0, le=1)]
Growth = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True)
class Geometry:
    """What a geometric word works on: N faces of H x W pixels, and its random numbers."""

    faces: int
    height: int
    width: int
    rng: np.random.Generator

    def between(self, bound: float) -> NDArray[np.float64]:
        """A number for each face, evenly between -bound and bound."""
        return self.rng.uniform(-bound, bound, self.faces)

    def chosen(self, probability: float) -> NDArray[np.bool_]:
        """Which faces are taken, each with this probability."""
        return self.rng.random(self.faces) < probability

    def maps(self) -> Maps:
        """Maps that leave every face as it is."""
        return np.tile(np.eye(3), (self.faces, 1, 1))


def rotate(at: Geometry, degrees: Degrees) -> Maps:
    """Turn by an angle between -degrees and degrees, about the centre (rotation_range)."""
    angles, maps = np.deg2rad(at.between(degrees)), at.maps()
    maps[:, 0, 0] = maps[:, 1, 1] = np.cos(angles)
    maps[:, 1, 0] = np.sin(angles)
    maps[:, 0, 1] = -maps[:, 1, 0]
    return maps


def shift(at: Geometry, share: Share, height: Share | None = None) -> Maps:
    """Move by up to `share` of the width, and as much or `height` of the height (width_ and height_shift_range)."""
    maps = at.maps()
    maps[:, 0, 2] = at.between(share * at.width)
    maps[:, 1, 2] = at.between((share if height is None else height) * at.height)
    return maps


def zoom(at: Geometry, share: Growth) -> Maps:
    """Scale by a factor between 1 - share and 1 + share; as zoom_range, but one factor for both axes."""
    maps = at.maps()
    maps[:, 0, 0] = maps[:, 1, 1] = 1 / (1 + at.between(share))
    return maps


def shear(at: Geometry, degrees: Slant) -> Maps:
    """Slant the upright lines by an angle between -degrees and degrees (shear_range)."""
    maps = at.maps()
    maps[:, 0, 1] = np.tan(np.deg2rad(at.between(degrees)))
    return maps


def flip(at: Geometry, probability: Share = 0.5) -> Maps:
    """Mirror left and right with this probability (horizontal_flip)."""
    maps = at.maps()
    maps[at.chosen(probability), 0, 0] = -1
    return maps


def flip_vertical(at: Geometry, probability: Share = 0.5) -> Maps:
    """Turn upside down, as in a mirror below, with this probability (vertical_flip)."""
    maps = at.maps()
    maps[at.chosen(probability), 1, 1] = -1
    return maps
