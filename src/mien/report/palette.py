"""The report's colours: each a role with its value on light paper and on dark."""

from collections.abc import Sequence

ROLES: dict[str, tuple[str, str]] = {
    "paper": ("#fdfcf9", "#15171a"),
    "raised": ("#f5f2ea", "#1e2125"),
    "ink": ("#1f2328", "#e8e5de"),
    "muted": ("#5d646e", "#a4a9b1"),
    "rule": ("#dbd6ca", "#363b42"),
    "accent": ("#0b6478", "#64c5d8"),
    "warning": ("#9c3d10", "#f0a070"),
    # splits
    "train": ("#96752f", "#cfae6b"),
    "validation": ("#0c6479", "#65c5d9"),
    "test": ("#8b3a62", "#dc8fb8"),
    # groups of nets
    "group-1": ("#4c5b73", "#9fb1cf"),
    "group-2": ("#b3522e", "#ee9a75"),
    "group-3": ("#5a7a38", "#a5c780"),
    "group-4": ("#75518f", "#c3a0dd"),
    "group-5": ("#a3862b", "#d6bd6c"),
    "group-6": ("#2f7f86", "#79c3c9"),
    # emotions: Okabe and Ito's colours, told apart with every common form of colour blindness
    "vermilion": ("#d55e00", "#ec7a2a"),
    "green": ("#009e73", "#22b98d"),
    "purple": ("#cc79a7", "#dc93ba"),
    "orange": ("#e69f00", "#f0b429"),
    "blue": ("#0072b2", "#3f97d3"),
    "sky": ("#56b4e9", "#84cbf3"),
    "gray": ("#7d7f85", "#9b9da3"),
}
"""role: (light, dark), all distinct: a figure is drawn in the light ones, and each is later swapped for its role.

The emotions' colours are those of Okabe and Ito, "Color Universal Design" (2008), with gray for black and without
yellow, which is too pale on paper; on dark they are a shade lighter.
"""

EMOTION_ROLES = {
    "angry": "vermilion",
    "disgust": "green",
    "fear": "purple",
    "happy": "orange",
    "sad": "blue",
    "surprise": "sky",
    "neutral": "gray",
}


def light(role: str) -> str:
    """The colour of a role on light paper, `#rrggbb`."""
    return ROLES[role][0]


def emotion_roles(classes: Sequence[str]) -> list[str]:
    """The colour role of each class: fixed for the seven emotions, taken in turn for any other names."""
    turn = list(EMOTION_ROLES.values())
    return [EMOTION_ROLES.get(name, turn[k % len(turn)]) for k, name in enumerate(classes)]


def group_role(index: int) -> str:
    """The colour role of the table number `index` (0 for the first)."""
    return f"group-{index % 6 + 1}"


def line_role(index: int) -> str:
    """The colour role of the line number `index` (0 for the first) among several in one picture."""
    turn = list(EMOTION_ROLES.values())
    return turn[index % len(turn)]
