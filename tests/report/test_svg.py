import re
from xml.etree import ElementTree

import pytest
from report.drawings import COUNTS, DRAWN

from mien.report.figures import draw_counts
from mien.report.palette import ROLES
from mien.report.svg import inline


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
