"""Painting faces, many at a time: soft-edged shapes on a pixel grid, lit as a relief.

Only + - * / and square roots are used, which every processor rounds alike, so that a seed fixes every pixel. Places and
lengths are in half the image's side: x from -1 to 1 rightwards, y from -1 to 1 downwards, in the upright, frontal face's own
frame. Fields are float32 [N, H, W], grays 0 black to 1 white.
"""

from dataclasses import dataclass

import numpy as np

from mien.faces.drawn.expression import Field, Motion
from mien.faces.drawn.person import Person


@dataclass(frozen=True)
class Grid:
    """Where every pixel lies in its face's own frame, and how long a pixel is there."""

    x: Field
    y: Field
    pixel: float
    screen_x: Field
    screen_y: Field


def grid(who: Person, size: int) -> Grid:
    """Undo the pose: from pixels to the places of the upright, frontal face that they show."""
    line = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    screen_x, screen_y = line[None, None, :], line[None, :, None]
    x, y = screen_x + who.left, screen_y + who.up
    half = who.roll / 2  # rotation by the tangent of half the angle: no sine, no cosine
    c, s = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    x, y = (x * c + y * s) / who.scale, (y * c - x * s) / who.scale
    bulge = np.sqrt(np.maximum(0, 1 - x * x - y * y))  # what lies in front moves farther when the head turns
    return Grid(x - who.yaw * bulge, y - who.pitch * bulge, 2 / size, screen_x, screen_y)


def inside(distance: Field, soft: float) -> Field:
    """1 where the signed distance is negative, 0 where positive, with an edge `soft` wide."""
    return np.clip(np.float32(0.5) - distance * np.float32(1 / soft), 0, 1)


def bump(x: Field, y: Field) -> Field:
    """A round hill of height 1 and radius 1."""
    hill = np.maximum(0, 1 - x * x - y * y)
    return hill * hill


def ridge(distance: Field, wide: float) -> Field:
    """A hill of height 1 along the line where the distance is 0."""
    hill = np.maximum(0, 1 - (distance * np.float32(1 / wide)) ** 2)
    return hill * hill


def over(under: Field, gray: Field | float, share: Field) -> Field:
    """Lay a gray over what is there."""
    return under + (gray - under) * share
