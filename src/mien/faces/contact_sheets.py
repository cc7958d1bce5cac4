"""Draw faces: a grid with random examples of each emotion, and contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.faces.fer2013 import SPLITS
from mien.faces.sheet import FAINT, Sheet

if TYPE_CHECKING:
    from PIL.Image import Image

    from mien.faces.audit import AuditExample
    from mien.faces.types import Faces

ROW = 7
"""Faces in a row of a contact sheet that has one emotion."""


def pick(faces: Faces, n: int = 2, seed: int = 0, split: str = "train") -> list[NDArray[np.intp]]:
    """Pick n random faces of each emotion.

    Returns:
        K arrays of rows within the split, int64 [n], shorter where an emotion has fewer faces.
    """
    rng, labels = np.random.default_rng(seed), faces.split(split).labels
    return [rng.permutation(np.flatnonzero(labels == label))[:n] for label in range(len(faces.classes))]


def grid(
    faces: Faces, n: int = 2, seed: int = 0, standardise: bool = False, split: str = "train"
) -> tuple[NDArray[np.float32], list[str]]:
    """Pick n random images of each emotion.

    Args:
        faces: where to pick.
        n: the number for each emotion.
        seed: fixes the choice.
        standardise: give each image mean 0 and standard deviation 1, as (x - mean) / sd; raw are 0..255.
        split: which split to pick from.

    Returns:
        images float32 [K, n, H, W], NaN where an emotion has fewer than n images; and the K emotions' names as titles.
    """
    part = faces.split(split)
    picked = np.full((len(faces.classes), n, *faces.images.shape[1:]), np.nan, np.float32)
    for label, rows in enumerate(pick(faces, n, seed, split)):
        picked[label, : len(rows)] = part.images[rows]
    if standardise:
        mean = picked.mean(axis=(2, 3), keepdims=True)
        deviation = picked.std(axis=(2, 3), keepdims=True)
        picked = (picked - mean) / np.maximum(deviation, 1e-6)
    return picked, list(faces.classes)


def draw_grid(images: NDArray[np.float32], titles: Sequence[str], path: Path, caption: str, standardised: bool) -> None:
    """Draw the images of `grid`, one column for each emotion, into a PNG or SVG file.

    Args:
        images: float32 [K, n, H, W]; NaN images are left out.
        titles: K names, above the columns.
        path: of the file; its suffix decides the format.
        caption: one line below the pictures.
        standardised: images lie around 0, shown from -2.5 to 2.5 deviations; else 0..255.
    """
    _grid_sheet(images, titles, caption, standardised).save(path)


def contact_sheet(faces: Faces, n: int = 2, seed: int = 0, standardise: bool = False, split: str = "train") -> Image:
    """Draw n random faces of each emotion, as a picture; emotions without faces are left out. Arguments as of `grid`.

    The faces of a single emotion are drawn in rows of `ROW`.
    """
    images, titles = grid(faces, n, seed, standardise, split)
    shown = [label for label, row in enumerate(images) if not np.isnan(row[:1]).any()]
    images, titles = images[shown], [titles[label] for label in shown]
    if len(shown) == 1:
        rows = -(-n // ROW)
        padded = np.full((rows * ROW, *images.shape[2:]), np.nan, np.float32)
        padded[:n] = images[0]
        images = padded.reshape(rows, ROW, *images.shape[2:]).swapaxes(0, 1)[:n]
        titles += [""] * (len(images) - 1)
    return _grid_sheet(images, titles, grid_caption(faces, seed, standardise, split), standardise).image()


def grid_caption(faces: Faces, seed: int, standardise: bool, split: str) -> str:
    """The line below a grid of random faces."""
    how = ", each standardised: (x - mean) / sd" if standardise else ""
    return f"{faces.name}, {split}, random with seed {seed}{how}"


def _grid_sheet(images: NDArray[np.float32], titles: Sequence[str], caption: str, standardised: bool) -> Sheet:
    low, high = (-2.5, 2.5) if standardised else (0, 255)
    columns, rows = images.shape[:2]
    sheet = Sheet(columns * 1.1 + 0.3, rows * 1.1 + 0.65)
    for column, title in enumerate(titles):
        left = 0.2 + column * 1.1
        sheet.text(left + 0.5, 0.25, title, centre=True)
        for row in range(rows):
            if not np.isnan(images[column, row]).any():
                sheet.picture(left, 0.35 + row * 1.1, 1.0, images[column, row], low, high)
    sheet.text(0.2, rows * 1.1 + 0.5, caption, colour=FAINT)
    return sheet


def draw_before_after(before: NDArray[np.uint8], after: NDArray[np.uint8], path: Path, caption: str) -> None:
    """Draw faces in a square, and beside them the same faces after a change, into a PNG or SVG file.

    Args:
        before: uint8 [N, H, W].
        after: uint8 [N, H, W], the same faces in the same order.
        path: of the file; its suffix decides the format.
        caption: one line or several, below the pictures.
    """
    _before_after(before, after, caption).save(path)


def before_after(before: NDArray[np.uint8], after: NDArray[np.uint8], caption: str) -> Image:
    """Draw what `draw_before_after` draws, as a picture. Arguments as there."""
    return _before_after(before, after, caption).image()


def _before_after(before: NDArray[np.uint8], after: NDArray[np.uint8], caption: str) -> Sheet:
    columns = max(1, round(len(before) ** 0.5))
    rows, lines = -(-len(before) // columns), caption.splitlines()
    half = columns * 1.08 + 0.3
    sheet = Sheet(max(2 * half, 5.5) + 0.1, rows * 1.08 + 0.45 + 0.2 * len(lines))
    for left, title, images in ((0.2, "before", before), (0.2 + half, "after", after)):
        sheet.text(left, 0.25, title)
        for at, image in enumerate(images):
            sheet.picture(left + at % columns * 1.08, 0.35 + at // columns * 1.08, 1.04, image, 0, 255)
    for at, line in enumerate(lines):
        sheet.text(0.2, rows * 1.08 + 0.5 + 0.2 * at, line, colour=FAINT)
    return sheet


class Captioned(NamedTuple):
    """A picture, uint8 [H, W] or [H, W, 3], and the text below it."""

    image: NDArray[np.uint8]
    text: str


def draw_rows(
    rows: Mapping[str, Sequence[Sequence[Captioned]]], titles: Sequence[str], path: Path, caption: str
) -> None:
    """Draw rows of pictures in groups, such as correct and wrong predictions, into a PNG or SVG file.

    Args:
        rows: the groups of each row, by its name, which is drawn before it.
        titles: of the groups, above them.
        path: of the file; its suffix decides the format.
        caption: one line below the pictures.
    """
    wide = [max((len(groups[at]) for groups in rows.values()), default=0) for at in range(len(titles))]
    lefts = [1.0 + sum(1.1 * max(count, 1) + 0.3 for count in wide[:at]) for at in range(len(wide) + 1)]
    sheet = Sheet(max(lefts[-1], 6.5), 0.75 + 1.3 * len(rows))
    for left, title in zip(lefts, titles, strict=False):
        sheet.text(left, 0.25, title)
    for at, (name, groups) in enumerate(rows.items()):
        top = 0.35 + 1.3 * at
        sheet.text(0.2, top + 0.55, name)
        for left, group in zip(lefts, groups, strict=False):
            for place, (image, text) in enumerate(group):
                sheet.picture(left + 1.1 * place, top, 1.0, image, 0, 255)
                sheet.text(left + 1.1 * place, top + 1.15, text, points=8)
    sheet.text(0.2, 0.55 + 1.3 * len(rows), caption, colour=FAINT, points=7)
    sheet.save(path)


def draw_examples(faces: Faces, examples: Sequence[AuditExample], path: Path) -> None:
    """Draw a contact sheet of an audit's examples: groups of pictures, each with its row in its split and its label."""
    columns, size, line = 10, 0.9, 1.42
    lines: list[list[AuditExample] | str] = []
    for example in examples:
        last = lines[-1] if lines else None
        fits = isinstance(last, list) and last[0].problem == example.problem
        if not isinstance(last, list) or not fits:
            lines += [example.problem, [example]]
        elif sum(len(one.rows) + 0.4 for one in last) + len(example.rows) > columns:
            lines.append([example])
        else:
            last.append(example)
    heights = [0.4 if isinstance(entry, str) else line for entry in lines]
    sheet = Sheet(columns * (size + 0.08) + 0.4, sum(heights) + 0.3)
    first = {split: faces.rows(split).start for split in SPLITS}
    top = 0.15
    for entry, height in zip(lines, heights, strict=True):
        if isinstance(entry, str):
            sheet.text(0.2, top + 0.28, entry)
        else:
            left = 0.2
            for example in entry:
                for row in example.rows:
                    split = SPLITS[faces.splits[row]]
                    sheet.picture(left, top, size, faces.images[row], 0, 255)
                    sheet.text(left, top + size + 0.15, f"{split} {row - first[split]}", colour=FAINT, points=7)
                    sheet.text(left, top + size + 0.3, faces.classes[faces.labels[row]], points=8)
                    left += size + 0.04
                left += 0.36
        top += height
    if not lines:
        sheet.text(0.2, 0.3, "nothing found")
    sheet.save(path)
