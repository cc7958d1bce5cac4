"""A white sheet with pictures and lines of text, drawn as PNG or SVG."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.disk import whole_file
from mien.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

INK, FAINT = "#1f2933", "#7b8794"

DPI = 160
"""Pixels of an inch in a PNG."""


def picture_format(path: Path) -> str:
    """The format of a picture by its file's suffix, "png" or "svg"; a UserError for any other."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise UserError(f"{path}: a picture is drawn as .png or .svg; name the file so")
    return kind


class _Picture(NamedTuple):
    """A picture, uint8 [H, W] or [H, W, 3], with its place and side in inches."""

    left: float
    top: float
    side: float
    pixels: NDArray[np.uint8]

    def image(self) -> Image:
        from PIL import Image

        return Image.fromarray(self.pixels)


class _Text(NamedTuple):
    """A line of text, with the place of its left end or its middle in inches."""

    left: float
    base: float
    text: str
    colour: str
    points: float
    centre: bool


class Sheet:
    """A white sheet. Pictures and text are placed in inches from its top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.pictures: list[_Picture] = []
        self.texts: list[_Text] = []

    def picture(
        self, left: float, top: float, side: float, image: NDArray[np.integer | np.floating], low: float, high: float
    ) -> None:
        """Place a picture; its values from `low` to `high` are shown from black to white."""
        grays = np.clip((image - low) / (high - low), 0, 1) * 255
        self.pictures.append(_Picture(left, top, side, grays.round().astype(np.uint8)))

    def text(
        self, left: float, base: float, text: str, colour: str = INK, points: float = 9, centre: bool = False
    ) -> None:
        """Place a line of text on its base line; `left` is its left end or its middle."""
        self.texts.append(_Text(left, base, text, colour, points, centre))

    def save(self, path: Path) -> None:
        """Write the sheet; the file's suffix decides the format."""
        kind = picture_format(path)
        with whole_file(path) as temporary:
            if kind == "svg":
                temporary.write_text(self.svg(), encoding="utf-8", newline="\n")
            else:
                self.image().save(temporary, format="PNG")

    def image(self) -> Image:
        """The sheet as a picture, `DPI` pixels an inch."""
        from PIL import Image, ImageDraw

        sheet = Image.new("RGB", (round(self.width * DPI), round(self.height * DPI)), "white")
        for one in self.pictures:
            side = round(one.side * DPI)
            resample = Image.Resampling.NEAREST if len(one.pixels) <= side else Image.Resampling.BOX
            place = (round(one.left * DPI), round(one.top * DPI))
            sheet.paste(one.image().resize((side, side), resample), place)
        pen = ImageDraw.Draw(sheet)
        for line in self.texts:
            font = _font(line.text, line.points * DPI / 72)
            place, anchor = (round(line.left * DPI), round(line.base * DPI)), "ms" if line.centre else "ls"
            pen.text(place, line.text, fill=line.colour, font=font, anchor=anchor)
        return sheet

    def svg(self) -> str:
        """The sheet as SVG, whose unit is a point."""
        from xml.sax.saxutils import escape

        size = f"{self.width * 72:.2f}", f"{self.height * 72:.2f}"
        drawn = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}pt" height="{size[1]}pt" '
            f'viewBox="0 0 {size[0]} {size[1]}" font-family="sans-serif">',
            '<rect width="100%" height="100%" fill="white"/>',
        ]
        for one in self.pictures:
            file = BytesIO()
            one.image().save(file, format="PNG")
            drawn.append(
                f'<image x="{one.left * 72:.2f}" y="{one.top * 72:.2f}" width="{one.side * 72:.2f}" '
                f'height="{one.side * 72:.2f}" style="image-rendering:pixelated" '
                f'href="data:image/png;base64,{b64encode(file.getvalue()).decode()}"/>'
            )
        for line in self.texts:
            anchor = "middle" if line.centre else "start"
            letters = escape("".join(letter if letter.isprintable() else "?" for letter in line.text))
            drawn.append(
                f'<text x="{line.left * 72:.2f}" y="{line.base * 72:.2f}" font-size="{line.points}" '
                f'fill="{line.colour}" text-anchor="{anchor}">{letters}</text>'
            )
        return "\n".join([*drawn, "</svg>", ""])


def _font(text: str, size: float) -> FreeTypeFont | ImageFont:
    """Pillow's own font, which has basic Latin letters alone; for others a font of this system, if it is found."""
    from PIL import ImageFont

    for name in () if text.isascii() else ("DejaVuSans.ttf", "Arial.ttf", "LiberationSans-Regular.ttf"):
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
