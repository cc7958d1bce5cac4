"""SVG text of matplotlib figures: small, the same bytes each time, and following the page's light or dark scheme."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.report.palette import ROLES, light

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLUMN = 400
"""The width of a figure in points: a phone's, so that letters keep their size there; wide screens set two abreast."""

STYLE: dict[Any, Any] = {
    "font.size": 11,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "svg.hashsalt": "mien",
    "text.color": light("ink"),
    "axes.labelcolor": light("muted"),
    "axes.edgecolor": light("rule"),
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.labelsize": 11,
    "grid.color": light("rule"),
    "grid.linewidth": 0.6,
    "xtick.color": light("rule"),
    "ytick.color": light("rule"),
    "xtick.labelcolor": light("muted"),
    "ytick.labelcolor": light("muted"),
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.2,
    "lines.solid_capstyle": "round",
}
"""matplotlib's settings for a figure of the report, which is drawn in light colours."""


@dataclass(frozen=True)
class Drawing:
    """A figure of the report.

    Attributes:
        name: of its file.
        caption: of the figure on the page.
        svg: its SVG text in light colours.
        linked: the same with links to parts of the page (see `named_links`); "" where it has none.
    """

    name: str
    caption: str
    svg: str
    linked: str = ""

    @property
    def inline(self) -> str:
        """The SVG for the page."""
        return inline(self.linked or self.svg, slug(self.name))


@contextmanager
def sheet(height: float, width: float = COLUMN) -> Iterator["Figure"]:
    """Give an empty figure of width x height points; draw on it and take `svg_text` before the block ends."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        yield Figure(figsize=(width / 72, height / 72), facecolor="none", layout="constrained")


def legend(figure: "Figure", columns: int, dots: float | None = None) -> None:
    """Set the legend in a line above the figure, each label once; `dots` is the area of scattered dots in it."""
    from matplotlib.collections import PathCollection

    handles = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    made = figure.legend(
        list(handles.values()), list(handles), loc="outside upper right", ncols=columns, columnspacing=1.2
    )
    for handle in made.legend_handles:
        if dots is not None and isinstance(handle, PathCollection):
            handle.set_sizes([dots])


def on_dark(axes: "Axes") -> bool:
    """Whether the background of axes is dark; one that is not filled is taken for light paper."""
    from matplotlib.colors import to_rgba

    for filled in (axes, axes.figure):
        red, green, blue, opacity = to_rgba(filled.get_facecolor())
        if opacity:
            return 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
    return False


def role_colour(axes: "Axes", role: str) -> str:
    """The colour of a role of `mien.report.palette.ROLES` on the background of axes."""
    return ROLES[role][on_dark(axes)]


def upright(axes: "Axes", invert: bool = True) -> None:
    """Dress axes whose rows are names: no lines along them, the first row on top."""
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", labelcolor=role_colour(axes, "ink"))
    if invert:
        axes.invert_yaxis()


def plain_ticks(axis: "Axis") -> None:
    """Ticks of a logarithmic axis as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def spaced(places: NDArray[np.float64], gap: float) -> list[float]:
    """The places moved until neighbours are about `gap` apart, each pair by equal parts: room for their labels."""
    order = np.argsort(places, kind="stable")
    moved = np.asarray(places, float)[order]
    for _ in range(100):
        push = np.maximum(gap - np.diff(moved), 0) / 2
        moved[:-1] -= push
        moved[1:] += push
    result = np.empty_like(moved)
    result[order] = moved
    return [float(place) for place in result]


def svg_text(figure: "Figure", label: str) -> str:
    """The figure as SVG text in light colours; `label` says in words what it shows."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px system-ui, sans-serif", svg)
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _short, tag[0]), svg)
    svg = _without_idle_ids(svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


def inline(svg: str, name: str) -> str:
    """The SVG for use inside the page: colours by role, ids of its own, size from the page.

    Args:
        svg: as `svg_text` gives it.
        name: unlike that of any other figure of the page.
    """
    for role, (colour, _) in ROLES.items():
        svg = svg.replace(colour, f"var(--{role})")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    opening, rest = svg.split(">", 1)
    opening = re.sub(r'\s(width|height|xmlns(:xlink)?|version)="[^"]*"', "", opening)
    return f"{opening}>{rest.replace('xlink:href', 'href')}"


def named_links(svg: str, names: Mapping[str, str]) -> str:
    """The SVG with named links, to which the page can lead back: that to `#x` gets the id `from-x`.

    Args:
        svg: as `svg_text` gives it, some artists with a URL `#x`.
        names: what each link is, by the x, for those who do not see it; they are not read the letters of the figure.
    """
    svg = svg.replace('role="img"', 'role="group"', 1).replace("<text ", '<text aria-hidden="true" ')

    def named(link: re.Match[str]) -> str:
        key = link[1]
        return f'<a xlink:href="#{key}" id="from-{key}" aria-label="{escape(names[key])}">'

    return re.sub(r'<a xlink:href="#([^"]+)"[^>]*>', named, svg)  # matplotlib's open a window of their own


def without_links(svg: str) -> str:
    """The SVG, as `svg_text` gives it, without its links."""
    return re.sub(r"\s*</?a\b[^>]*>", "", svg)


def slug(name: str) -> str:
    """A name as part of a file's name or an id."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _without_idle_ids(svg: str) -> str:
    used = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", svg))
    return re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
