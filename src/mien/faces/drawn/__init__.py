"""Faces drawn from facial action units."""

from concurrent.futures import ThreadPoolExecutor
import numpy as np
from mien.faces.drawn.expression import intensities, motion
from mien.faces.drawn.paint import grid
from mien.faces.drawn.face import paint
from mien.faces.drawn.person import sample
from mien.faces.types import SIZE, Faces, in_split_order

BLOCK = 50
CYCLE = np.array([0, 1, 2, 3, 4, 5, 6, 3, 4, 0, 6, 2, 3, 5, 1, 4, 6, 0, 3, 2], np.uint8)


def draw_faces(n=5000, seed=0, size=SIZE):
    row = np.arange(n)
    splits = np.where(row % 10 < 8, 0, row % 10 - 7)
    place = np.where(splits == 0, row // 10 * 8 + row % 10, row // 10)
    labels = CYCLE[place % len(CYCLE)]
    images = np.empty((n, size, size), np.uint8)

    def block(start):
        rows = slice(start, min(start + BLOCK, n))
        lab = np.zeros(BLOCK, np.uint8)
        lab[: rows.stop - start] = labels[rows]
        images[rows] = draw_block(np.random.default_rng([seed, start]), lab, size)[: rows.stop - start]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(block, range(0, n, BLOCK)))
    return in_split_order(images, labels, splits, name="drawn")


def draw_block(rng, labels, size):
    who = sample(rng, len(labels))
    strength = intensities(rng, labels)
    at = grid(who, size)
    right = np.clip(0.5 + at.x / 0.3, 0, 1)
    gray = paint(who, motion(strength, right), at)
    gray = develop(gray, who, rng)
    return (np.clip(gray, 0, 1) * 255 + 0.5).astype(np.uint8)


def develop(gray, who, rng):
    for axis in (1, 2, 1, 2):
        gray = blur(gray, who.blur, axis)
    gray = 0.5 + (gray - 0.5) * who.contrast + who.brightness
    shape = gray.shape
    grain = rng.random(shape, np.float32) + rng.random(shape, np.float32) + rng.random(shape, np.float32) - 1.5
    return gray + 2 * who.noise * grain


def blur(gray, share, axis):
    g = np.swapaxes(gray, axis, 1)
    before = np.concatenate([g[:, :1], g[:, :-1]], 1)
    after = np.concatenate([g[:, 1:], g[:, -1:]], 1)
    return np.swapaxes(g + (0.25 * share) * (before + after - 2 * g), axis, 1)
