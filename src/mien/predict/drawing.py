"""Drawing, by Pillow: a photo with boxes and bars, and a face with the pixels that matter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.faces.colours import colours
from mien.predict.types import Box, Face, Prediction

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

MIN_SIDE = 640
"""A smaller picture is enlarged to this long side, in pixels, before anything is drawn into it."""

INK, PAPER, TRACK = "#1f2328", "#fdfcf9", "#dbd6ca"

WARM, COLD = (230, 120, 0), (0, 114, 178)
"""Colours of evidence for an emotion and of evidence against it."""


def draw(pixels: NDArray[np.uint8], prediction: Prediction, tracks: Sequence[int] = ()) -> "Image":
    """Draw a photo with, for each face, a box, the emotion and its probability, and bars of all emotions.

    The bars are beside the face where there is space; elsewhere they are one stacked bar at its lower edge.

    Args:
        pixels: uint8 [H, W, 3], RGB, of any size: boxes are scaled from the prediction's.
        prediction: of the photo.
        tracks: numbers of the faces, which are written before their emotions.
    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(pixels)
    long = max(picture.size)
    if long < MIN_SIDE:
        size = (round(picture.width * MIN_SIDE / long), round(picture.height * MIN_SIDE / long))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    sheet = _Sheet.of(ImageDraw.Draw(picture), picture.size)
    scale = picture.width / prediction.size[0]
    boxes = [Box(*(round(edge * scale) for edge in face.box)) for face in prediction]
    taken = list(boxes)
    names = [f"{track} " for track in tracks] or [""] * len(boxes)
    for face, box, name in zip(prediction, boxes, names, strict=True):
        sheet.face(face, box, taken, name)
    return picture


@dataclass
class _Sheet:
    """A picture that is drawn on; all sizes are relative to the font size `em`."""

    pen: "ImageDraw"
    size: tuple[int, int]
    font: "FreeTypeFont | ImageFont"
    em: int

    @classmethod
    def of(cls, pen: "ImageDraw", size: tuple[int, int]) -> "_Sheet":
        from PIL import ImageFont

        em = max(12, round(math.sqrt(size[0] * size[1]) / 48))
        return cls(pen, size, ImageFont.load_default(em), em)

    def face(self, face: Face, box: Box, taken: list[Box], name: str = "") -> None:
        """Draw a face's box, label and bars; `taken` are the areas that must not be covered."""
        hue = dict(zip(face.probabilities, colours(list(face.probabilities)), strict=True))
        colour = hue[face.emotion]
        line = max(2, self.em // 7)
        corners = (box.x, box.y, box.x + box.width, box.y + box.height)
        self.pen.rectangle(corners, outline=PAPER, width=line + 2)
        self.pen.rectangle(corners, outline=colour, width=line)
        panel = self._free_place(box, len(face.probabilities), taken)
        if panel is None:
            self._stacked_bar(face, box, hue)
        else:
            taken.append(panel)
            self._bars(face, panel, hue)
        self._label(f"{name}{face.emotion} {100 * face.probabilities[face.emotion]:.0f} %", box, colour)

    def _label(self, text: str, box: Box, colour: str) -> None:
        """Draw a label above the box's upper edge, or below it at the picture's top."""
        width, height = self._width(text) + self.em // 2, self.em * 3 // 2
        x = min(max(box.x, 0), max(self.size[0] - width, 0))
        y = box.y - height if box.y >= height else max(box.y, 0)
        self.pen.rectangle((x, y, x + width, y + height), fill=colour)
        self.pen.text((x + self.em / 4, y + height / 2), text, fill=_ink_on(colour), font=self.font, anchor="lm")

    def _free_place(self, box: Box, rows: int, taken: Sequence[Box]) -> Box | None:
        """A place for a panel of bars beside a box that covers no face and no other panel; None where there is none."""
        width, height = self.em * 10, self.em * (rows * 4 + 2) // 3
        if box.height < height // 2:
            return None
        y = min(max(box.y, 0), self.size[1] - height)
        lefts = (box.x + box.width + self.em // 3, box.x - width - self.em // 3)
        places = (Box(left, y, width, height) for left in lefts)
        inside = (place for place in places if place.x >= 0 and place.x + width <= self.size[0] and y >= 0)
        return next((place for place in inside if not any(_meet(place, other) for other in taken)), None)

    def _bars(self, face: Face, panel: Box, hue: dict[str, str]) -> None:
        """A row for each emotion: its name, and a bar."""
        self.pen.rectangle((panel.x, panel.y, panel.x + panel.width, panel.y + panel.height), fill=PAPER)
        row = self.em * 4 / 3
        first, last = panel.x + self.em * 5, panel.x + panel.width - self.em // 2
        for number, (emotion, share) in enumerate(face.probabilities.items()):
            y = panel.y + self.em / 3 + row * (number + 0.5)
            self.pen.text((panel.x + self.em // 3, y), emotion, fill=INK, font=self.font, anchor="lm")
            above, below = y - self.em * 0.3, y + self.em * 0.3
            self.pen.rectangle((first, above, last, below), fill=TRACK)
            self.pen.rectangle((first, above, first + (last - first) * share, below), fill=hue[emotion])

    def _stacked_bar(self, face: Face, box: Box, hue: dict[str, str]) -> None:
        """One bar along the box's lower edge, divided among the emotions."""
        height = max(4, self.em // 3)
        x, bottom = float(box.x), min(box.y + box.height, self.size[1] - 1)
        for emotion, share in face.probabilities.items():
            self.pen.rectangle((x, bottom - height, x + box.width * share, bottom), fill=hue[emotion])
            x += box.width * share

    def _width(self, text: str) -> int:
        return math.ceil(self.pen.textlength(text, font=self.font))


def _meet(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on a colour."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def heat(crop: NDArray[np.uint8], weights: NDArray[np.float32], emotion: str, side: int = 480) -> "Image":
    """Draw which pixels of a face matter: orange is evidence for the emotion, blue against it, gray neither.

    A line below the face explains the colours.

    Args:
        crop: uint8 [H, W], gray.
        weights: float32 [H, W], as `occlusion` returns them; the strongest colour is the largest magnitude.
        emotion: that is explained.
        side: of the face in the picture, in pixels.
    """
    from PIL import Image

    face = Image.fromarray(tinted(crop, weights)).resize((side, side), Image.Resampling.BICUBIC)
    picture = Image.new("RGB", (side, side + side // 8), PAPER)
    picture.paste(face)
    _legend(picture, (0, side, side, picture.height), emotion)
    return picture


def tinted(crop: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A face coloured by the weights of its pixels, uint8 [H, W] and float32 [H, W] -> uint8 [H, W, 3]: see `heat`."""
    strength = weights / max(float(np.abs(weights).max()), 1e-9)
    weight = 0.65 * np.abs(strength)[..., None]
    mixed = (1 - weight) * crop[..., None] + weight * _tint(strength)
    pixels: NDArray[np.uint8] = mixed.round().astype(np.uint8)
    return pixels


def _tint(strength: NDArray[np.floating]) -> NDArray[np.int64]:
    """The colour of a strength, [...] -> [..., 3]."""
    return np.where(strength[..., None] > 0, np.array(WARM), np.array(COLD))


def _legend(picture: "Image", place: tuple[int, int, int, int], emotion: str) -> None:
    """Draw a colour bar and the meaning of its ends into a place of the picture."""
    from PIL import Image, ImageDraw, ImageFont

    left, top, end, bottom = place
    em = (bottom - top) // 3
    strength = np.linspace(-1, 1, end - left - 2 * em)
    weight = np.abs(strength)[:, None]
    strip = ((1 - weight) * 150 + weight * _tint(strength)).round().astype(np.uint8)
    picture.paste(Image.fromarray(np.repeat(strip[None], em // 2, axis=0)), (left + em, top + em // 2))
    pen, font, middle = ImageDraw.Draw(picture), ImageFont.load_default(em), top + em * 2
    pen.text((left + em, middle), f"against {emotion}", fill=INK, font=font, anchor="lm")
    pen.text((end - em, middle), f"for {emotion}", fill=INK, font=font, anchor="rm")
