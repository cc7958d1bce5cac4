"""Draw faces from facial action units, so that everything can be tried without a download.

`expression` has the action units of each emotion and what they do to a face; `person` the identity, pose, light and
camera; `paint` the shapes on a pixel grid; `face` the parts of a face.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError, did_you_mean
from mien.faces.drawn.expression import intensities, motion
from mien.faces.drawn.face import paint
from mien.faces.drawn.paint import grid, photograph
from mien.faces.drawn.person import Person, sample
from mien.faces.fer2013 import EMOTIONS, SIZE, SPLITS
from mien.faces.types import Faces, in_split_order

__all__ = ["draw_faces", "draw_film"]

BLOCK = 25
"""How many faces are drawn at once, so that their fields stay in the processor's cache."""

CYCLE = np.array([0, 1, 2, 3, 4, 5, 6, 3, 4, 0, 6, 2, 3, 5, 1, 4, 6, 0, 3, 2], np.uint8)
"""The emotions of twenty faces in a row: each of the seven two to four times, slightly unbalanced like real data."""


def draw_faces(n: int = 5000, seed: int = 0, size: int = SIZE) -> Faces:
    """Draw gray faces that show FER2013's seven emotions.

    Of ten faces eight are in train, one in validation, one in test. In each split, of twenty faces four are happy, two
    disgusted, two surprised and three of each other emotion. A seed fixes every pixel; with the same seed, a larger set
    holds all faces of a smaller one.

    Args:
        n: the number of faces.
        seed: 0 or more.
        size: the side of an image in pixels.

    Returns:
        Faces named "drawn", images uint8 [n, size, size].
    """
    number = np.arange(n)
    tenth = number % 10
    splits = np.maximum(tenth - 7, SPLITS.index("train"))
    place = np.where(tenth < 8, 8 * (number // 10) + tenth, number // 10)  # within its split
    labels = CYCLE[place % len(CYCLE)]
    images = np.empty((n, size, size), np.uint8)

    def draw(start: int) -> None:
        stop = min(start + BLOCK, n)
        shown = np.full(BLOCK, EMOTIONS.index("neutral"), np.uint8)
        shown[: stop - start] = labels[start:stop]
        images[start:stop] = _draw_block(np.random.default_rng([seed, start]), shown, size)[: stop - start]

    with ThreadPoolExecutor(2) as pool:  # numpy lets both work at once
        list(pool.map(draw, range(0, n, BLOCK)))
    return in_split_order(images, labels, splits, name="drawn")


def draw_film(emotions: Sequence[str], frames: int = 10, seed: int = 0, size: int = 240) -> NDArray[np.uint8]:
    """Draw one person who shows one emotion after another; an emotion moves into the next in half of its time.

    Args:
        emotions: names of FER2013's seven, in the order in which they are shown.
        frames: how many each of them has.
        seed: of the person and of everything else, 0 or more.
        size: the side of a frame in pixels.

    Returns:
        uint8 [frames * emotions, size, size], gray.

    Raises:
        UserError: an emotion is none of the seven.
    """
    for emotion in emotions:
        if emotion not in EMOTIONS:
            raise UserError(f"no emotion {emotion!r} can be drawn; {did_you_mean(emotion, EMOTIONS)}")
    rng = np.random.default_rng([seed, 0])
    one = sample(rng, 1)
    acting = intensities(rng, np.array([EMOTIONS.index(emotion) for emotion in emotions], np.uint8))
    images = np.empty((len(emotions) * frames, size, size), np.uint8)
    for start in range(0, len(images), BLOCK):
        number = np.arange(start, min(start + BLOCK, len(images)))
        shown, time = np.divmod(number, frames)
        next_one = np.minimum(shown + 1, len(emotions) - 1)
        moved = np.clip(2 * (time + 1) / frames - 1, 0, 1)[:, None, None]
        who = Person(*(np.repeat(getattr(one, field.name), len(number), axis=0) for field in fields(Person)))
        images[number] = _draw(rng, who, acting[shown] * (1 - moved) + acting[next_one] * moved, size)
    return images


def _draw_block(rng: np.random.Generator, labels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    who = sample(rng, len(labels))
    return _draw(rng, who, intensities(rng, labels), size)


def _draw(rng: np.random.Generator, who: Person, acting: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    at = grid(who, size)
    side = np.clip(0.5 + at.x / 0.3, 0, 1)
    return photograph(paint(who, motion(acting, side), at), who, rng)
