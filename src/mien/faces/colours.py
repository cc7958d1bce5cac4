"""The emotions' colours: one fixed palette, which people with every common form of colour blindness can distinguish.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), with gray for black and without yellow, which is
too pale on paper. On a dark background they are lighter. Contempt has umber, on dark cream.
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
"""Each hue on a light background and on a dark one, `#rrggbb`."""

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
    """The hue of each class: fixed for the emotions, in turn for any other names."""
    turn = list(HUES)
    return [HUE_OF.get(name, turn[k % len(turn)]) for k, name in enumerate(classes)]


def colours(classes: Sequence[str], dark: bool = False) -> list[str]:
    """The colour of each class, `#rrggbb`, on a light background or a dark one."""
    return [HUES[hue][dark] for hue in hues(classes)]
