"""Paint many pictures at a time: the pixel grid, shapes with soft edges, light, and the camera.

Only + - * / and square roots are used, which every processor rounds in the same way, so that a seed fixes every pixel.
Places and lengths are in half the image's side: x from -1 to 1 rightwards, y from -1 to 1 downwards, in the frame of
the upright, frontal face. Fields are float32 [N, H, W], grays 0 black to 1 white.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.faces.drawn.expression import Field
from mien.faces.drawn.person import Person


@dataclass(frozen=True)
class Grid:
    """The place of every pixel in its face's own frame and on the picture, and the length of a pixel."""

    x: Field
    y: Field
    screen_x: Field
    screen_y: Field
    pixel: float


def grid(who: Person, size: int) -> Grid:
    """Undo the pose: from pixels to places of the upright, frontal face."""
    line = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    screen_x, screen_y = line[None, None, :], line[None, :, None]
    x, y = screen_x + who.left, screen_y + who.up
    half = who.roll / 2  # rotation by the tangent of half the angle: no sine, no cosine
    c, s = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    x, y = (x * c + y * s) / who.scale, (y * c - x * s) / who.scale
    bulge = np.sqrt(np.maximum(0, 1 - x * x - y * y))  # what lies in front moves farther when the head turns
    return Grid(x - who.yaw * bulge, y - who.pitch * bulge, screen_x, screen_y, 2 / size)


def inside(distance: Field, soft: float) -> Field:
    """1 where the signed distance is negative, 0 where positive, with an edge `soft` wide."""
    share: Field = np.clip(0.5 - distance * (1 / soft), 0, 1)
    return share


def bump(x: Field, y: Field) -> Field:
    """A round hill of height 1 and radius 1."""
    hill: Field = np.maximum(0, 1 - x * x - y * y)
    return hill * hill


def ridge(distance: Field, wide: float) -> Field:
    """A hill of height 1 along the line where the distance is 0."""
    hill: Field = np.maximum(0, 1 - (distance * (1 / wide)) ** 2)
    return hill * hill


def over(under: Field, gray: Field | float, share: Field) -> Field:
    """Mix a gray into a picture, by a share of 0..1."""
    return under + (gray - under) * share


def lit(height: Field, who: Person, at: Grid) -> Field:
    """How much light each pixel of the relief sends to the viewer, about 1 on average (Lambert's law)."""
    step = 2 * at.pixel
    slope_y = np.zeros_like(height)
    slope_x = np.zeros_like(height)
    slope_y[:, 1:-1] = (height[:, 2:] - height[:, :-2]) / step
    slope_x[:, :, 1:-1] = (height[:, :, 2:] - height[:, :, :-2]) / step
    ahead = 1 / np.sqrt(1 + slope_y * slope_y + slope_x * slope_x)
    lamp = 1 / np.sqrt(who.light_x * who.light_x + who.light_y * who.light_y + 0.64)
    facing = (0.8 - who.light_x * slope_x - who.light_y * slope_y) * ahead * lamp
    return np.maximum(0.12, 1 + who.light_hard * (np.maximum(facing, 0) - 0.72))


def photograph(scene: Field, who: Person, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take the picture: focus, contrast, brightness, grain. uint8 [N, H, W]."""
    for axis in (1, 2, 1, 2):
        scene = _blur(scene, who.blur, axis)
    scene = 0.5 + (scene - 0.5) * who.contrast + who.brightness
    uniform = (rng.random(scene.shape, np.float32) for _ in range(3))  # three uniform numbers add up to nearly a bell
    scene = scene + 2 * who.noise * (sum(uniform) - np.float32(1.5))
    return (np.clip(scene, 0, 1) * 255 + 0.5).astype(np.uint8)


def _blur(scene: Field, share: Field, axis: int) -> Field:
    """Mix every pixel with its two neighbours along an axis; at share 1 as 1:2:1."""
    along = np.swapaxes(scene, axis, 1)
    before = np.concatenate([along[:, :1], along[:, :-1]], axis=1)
    after = np.concatenate([along[:, 1:], along[:, -1:]], axis=1)
    return np.swapaxes(along + (0.25 * share) * (before + after - 2 * along), axis, 1)
