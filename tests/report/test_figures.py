import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mien.faces import EMOTIONS
from mien.report.curves import POINTS, Curve, draw_curves, thinned
from mien.report.evaluation_figures import draw_confusion, draw_per_class, draw_reliability
from mien.report.figures import Cost, Score, draw_costs, draw_counts, draw_faces, draw_scores
from mien.report.palette import ROLES
from mien.report.svg import inline
from mien.runs.metrics import ClassScore

RNG = np.random.default_rng(0)
COUNTS = {"train": dict(zip(EMOTIONS, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True))}
EPOCHS = np.arange(1.0, 6.0)

DRAWN = {
    "counts": lambda: draw_counts(COUNTS),
    "scores": lambda: draw_scores(
        [Score("a <b>", "x", 0.9, 0.5, (0.4, 0.6)), Score("c", "y", None, 0.6, (0.5, 0.7), 0.6, (0.5, 0.7))]
    ),
    "costs": lambda: draw_costs([Cost("a", 0, 20.0, 1000, 0.5), Cost("b", 1, 20.0, 2000, 0.5)], ["x", "y"]),
    "one cost": lambda: draw_costs([Cost("a", 0, 0.5, 1000, 0.5)], ["x"]),
    "curves": lambda: draw_curves(
        [Curve("train", "train", [EPOCHS, EPOCHS[:3]], [1 / EPOCHS, EPOCHS[:3]])], "epoch", "loss", marked=2.0
    ),
    "not a number": lambda: draw_curves(
        [Curve("train", "train", [EPOCHS], [np.array([900.0, 2, np.nan, 1, np.inf])])], "epoch", "loss"
    ),
    "one point": lambda: draw_curves([Curve("train", "train", [EPOCHS[:1]], [EPOCHS[:1]])], "epoch", "loss"),
    "confusion": lambda: draw_confusion(RNG.integers(0, 50, (7, 7)), EMOTIONS),
    "empty confusion": lambda: draw_confusion(np.zeros((2, 2), int), ["a", "b"]),
    "per class": lambda: draw_per_class(
        {"a": ClassScore(precision=0.25, recall=0.5, f1=0.4, support=9), "b": ClassScore(0.0, 0.0, 0.0, 0)}
    ),
    "reliability": lambda: draw_reliability(
        np.array([0.0, 0.7]), np.array([0.0, 0.5]), np.array([0, 9]), np.array([0.0, 0.5, 1.0])
    ),
    "faces": lambda: draw_faces(RNG.integers(0, 255, (3, 8, 8)).astype(np.uint8), ["a", "b", "c"], columns=2),
}


@pytest.mark.parametrize("name", DRAWN)
def test_figures_are_valid_svg_and_say_what_they_show(name: str) -> None:
    root = ElementTree.fromstring(DRAWN[name]())
    assert root.tag.endswith("svg")
    assert root.attrib["role"] == "img"
    assert len(root.attrib["aria-label"]) > 10


def test_a_figure_is_the_same_each_time() -> None:
    assert draw_counts(COUNTS) == draw_counts(COUNTS)


@pytest.mark.parametrize("name", ["counts", "scores", "costs", "curves", "confusion", "per class", "reliability"])
def test_inside_the_page_every_colour_follows_the_scheme(name: str) -> None:
    svg = inline(DRAWN[name](), "one")
    left = set(re.findall(r"#[0-9a-f]{6}\b", svg)) - {f"#{'0' * 6}"}
    assert not left
    assert set(re.findall(r"var\(--([\w-]+)\)", svg)) <= set(ROLES)
    ElementTree.fromstring(svg)


def test_inside_the_page_ids_are_a_figures_own_and_all_references_meet() -> None:
    svg = inline(DRAWN["costs"](), "one") + inline(DRAWN["costs"](), "two")
    ids = re.findall(r' id="([^"]+)"', svg)
    assert ids
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= set(ids)


def test_bars_carry_their_counts() -> None:
    svg = draw_counts(COUNTS)
    assert all(f">{number:,}<" in svg for number in COUNTS["train"].values())
    assert "happy 25.1 %" in svg


def test_roles_have_distinct_colours_so_that_they_can_be_swapped() -> None:
    for scheme in (0, 1):
        assert len({colours[scheme] for colours in ROLES.values()}) == len(ROLES)


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("role", ["ink", "muted", "accent", "warning", "train", "validation", "test"])
def test_letters_and_lines_stand_out_from_the_paper(role: str, scheme: int) -> None:
    def luminance(colour: str) -> float:  # WCAG 2.1
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    paper, colour = luminance(ROLES["paper"][scheme]), luminance(ROLES[role][scheme])
    wanted = 3.0 if role in ("train", "test") else 4.5  # lines and letters
    assert (max(paper, colour) + 0.05) / (min(paper, colour) + 0.05) >= wanted


def test_long_series_are_averaged_in_blocks() -> None:
    x, y, block = thinned(np.arange(1000.0))
    assert block == 3
    assert len(x) == len(y) <= POINTS
    assert y[0] == 1.0
    assert x[0] == 2.0  # the middle of steps 1, 2, 3
    assert (y[-1], x[-1]) == (999.0, 1000.0)
    short = thinned(np.arange(5.0))
    assert (list(short[0]), list(short[1]), short[2]) == ([1, 2, 3, 4, 5], [0, 1, 2, 3, 4], 1)


def test_every_figure_is_saved(study: Path) -> None:
    names = {path.stem for path in (study / "figures").iterdir()}
    assert {"counts", "accuracies", "costs", "samples", "loss-steps-wide", "loss-epochs-conv_1"} <= names
    assert {name for name in names if name.startswith("confusion-")} == {
        f"confusion-{name}" for name in ("wide", "deep", "conv_1", "conv_2") if f"reliability-{name}" in names
    }
    for path in (study / "figures").iterdir():
        ElementTree.parse(path)
        assert "var(--" not in path.read_text()
