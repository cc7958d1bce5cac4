"""The report's colours: each a role with its value on light paper and on dark."""

from mien.faces.colours import HUES

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
    **HUES,
}
"""role: (light, dark), all distinct: a figure is drawn in the light ones, and each is later swapped for its role."""


def light(role: str) -> str:
    """The colour of a role on light paper, `#rrggbb`."""
    return ROLES[role][0]


def group_role(index: int) -> str:
    """The colour role of the table number `index` (0 for the first)."""
    return f"group-{index % 6 + 1}"


def line_role(index: int) -> str:
    """The colour role of the line number `index` (0 for the first) among several in one picture."""
    turn = list(HUES)
    return turn[index % len(turn)]
