"""Notebook: a prediction as HTML, an SVG over the photo, without scripts and without a network."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.faces.colours import colours

CELL, ROW, TOP = 168, 15, 24
"""Of a face's bars, in pixels: the width of all, the height of one, and the space for the heading."""


class ShownFace(Protocol):
    """What is shown of a `mien.predict.types.Face`."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width and height."""

    @property
    def emotion(self) -> str:
        """The most probable emotion."""

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Of every emotion."""


def as_html(picture: NDArray[np.uint8], scale: float, faces: Sequence[ShownFace]) -> str:
    """The photo with numbered boxes, and below it a heading and bars for each face.

    Args:
        picture: the photo, uint8 [H, W, 3], RGB.
        scale: pixels of the picture for each pixel of the faces' boxes.
        faces: of the photo.
    """
    height, width = picture.shape[:2]
    width = max(width, CELL)
    columns = max(1, width // CELL)
    rows = -(-len(faces) // columns)
    cell = TOP + ROW * max((len(face.probabilities) for face in faces), default=0) + 12
    parts = [f'<image href="{_jpeg(picture)}" width="{picture.shape[1]}" height="{height}"/>']
    for number, face in enumerate(faces):
        parts.append(_box(face, number + 1, scale))
        row, column = divmod(number, columns)
        parts.append(_bars(face, number + 1, CELL * column + 4, height + cell * row))
    if not faces:
        parts.append(f'<text x="4" y="{height + 16}" fill="currentColor">no face found</text>')
    whole = height + (cell * rows if faces else TOP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{whole}" viewBox="0 0 {width} {whole}" '
        f'font-family="sans-serif" font-size="11">{"".join(parts)}</svg>'
    )


def _box(face: ShownFace, number: int, scale: float) -> str:
    x, y, width, height = (round(edge * scale, 1) for edge in face.box)
    colour = _hue(face)[face.emotion]
    place = f'x="{x}" y="{y}" width="{width}" height="{height}" fill="none"'
    return (
        f'<rect {place} stroke="white" stroke-width="4"/><rect {place} stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x + 4}" y="{y + 13}" fill="{colour}" stroke="white" stroke-width="3" paint-order="stroke" '
        f'font-weight="bold">{number}</text>'
    )


def _bars(face: ShownFace, number: int, left: int, top: int) -> str:
    hue = _hue(face)
    share = 100 * face.probabilities[face.emotion]
    parts = [
        f'<text x="{left}" y="{top + 17}" fill="currentColor" font-weight="bold">'
        f"{number}. {escape(face.emotion)} {share:.0f} %</text>"
    ]
    for row, (emotion, share) in enumerate(face.probabilities.items()):
        y = top + TOP + ROW * row
        long = round((CELL - 72) * share, 1)
        parts.append(
            f'<text x="{left}" y="{y + 9}" fill="currentColor">{escape(emotion)}</text>'
            f'<rect x="{left + 56}" y="{y}" width="{CELL - 72}" height="10" fill="currentColor" opacity="0.12"/>'
            f'<rect x="{left + 56}" y="{y}" width="{long}" height="10" fill="{hue[emotion]}">'
            f"<title>{escape(emotion)} {100 * share:.1f} %</title></rect>"
        )
    return "".join(parts)


def _hue(face: ShownFace) -> dict[str, str]:
    return dict(zip(face.probabilities, colours(list(face.probabilities)), strict=True))


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    content = BytesIO()
    Image.fromarray(pixels).save(content, "jpeg", quality=90)  # a tenth of a PNG, so that notebooks stay small
    return f"data:image/jpeg;base64,{b64encode(content.getvalue()).decode()}"
