from xml.etree import ElementTree

import numpy as np
import pytest
from report.drawings import COUNTS, DRAWN, label_of

from mien.report.figures import draw_before_after, draw_counts


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("scores", "Accuracy of each net on train, validation and test. Validation: a <b> 50.0 %; c 60.0 %."),
        ("costs", "Validation accuracy against training time: a 50.0 % after 20 s; b 50.0 % after 20 s."),
        ("one cost", "Validation accuracy against training time: a 50.0 % after 0.5 s."),
        ("faces", "Faces: a, b, c."),
    ],
)
def test_figures_say_what_they_show(name: str, label: str) -> None:
    assert label_of(DRAWN[name]()) == label


def test_bars_carry_their_counts() -> None:
    svg = draw_counts(COUNTS)
    assert all(f">{number:,}<" in svg for number in COUNTS["train"].values())
    assert "happy 25.1 %" in svg


def test_before_and_after_stand_side_by_side() -> None:
    faces = np.arange(5 * 8 * 8, dtype=np.uint8).reshape(5, 8, 8)
    svg = draw_before_after(faces, faces[:, ::-1])
    root = ElementTree.fromstring(svg)
    assert len(root.findall(".//{http://www.w3.org/2000/svg}image")) == 2
    assert ">before<" in svg
    assert ">after<" in svg
