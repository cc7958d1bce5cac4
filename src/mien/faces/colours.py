"""The emotions' colours: one fixed palette, told apart with every common form of colour blindness.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), with gray for black and without yellow, which is
too pale on paper; on dark they are a shade lighter. Contempt, which few nets know, has an umber, on dark a cream.
"""

from collections.abc import Sequence

HUES: dict[str, tuple[str, str]] = {
    "vermilion": ("#d55e00", "#ec7a2a"),
    "green": ("#009e73", "#22b98d"),
    "purple": ("#cc79a7", "#dc93ba"),
    "orange": ("#e69f00", "#f0b429"),
    "blue": ("#0072b2", "#3f97d3"),
    "sky": ("#56b4e9", "#84cbf3"),
    "gray": ("#7d7f85", "#8a8c92"),
    "umber": ("#4a2f1d", "#f3e3c8"),
}
"""Each hue on light paper and on dark, `#rrggbb`."""

HUE_OF = {
    "angry": "vermilion",
    "disgust": "green",
    "fear": "purple",
    "happy": "orange",
    "sad": "blue",
    "surprise": "sky",
    "neutral": "gray",
    "contempt": "umber",
}
"""The hue of each emotion."""


def hues(classes: Sequence[str]) -> list[str]:
    """The hue of each class: fixed for the emotions, taken in turn for any other names."""
    turn = list(HUES)
    return [HUE_OF.get(name, turn[k % len(turn)]) for k, name in enumerate(classes)]


def colours(classes: Sequence[str], dark: bool = False) -> list[str]:
    """The colour of each class, `#rrggbb`, on light paper or on dark."""
    return [HUES[hue][dark] for hue in hues(classes)]
