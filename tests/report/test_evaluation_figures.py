from xml.etree import ElementTree

import numpy as np
import pytest
from report.drawings import DRAWN, label_of
from report.examples import split_scores

from mien.report.cell_faces import Cell, CellFaces
from mien.report.evaluation_figures import confusion_plot, draw_evaluation


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("empty confusion", "Confusion matrix. Of each emotion, recognised: a 0 %; b 0 %."),
        ("per class", "Recall and precision of each emotion. Recall: a 50 %; b 0 %."),
        ("reliability", "Reliability diagram: at 70 % confidence 50 % correct."),
    ],
)
def test_figures_say_what_they_show(name: str, label: str) -> None:
    assert label_of(DRAWN[name]()) == label


def test_cells_of_a_confusion_matrix_have_share_and_count() -> None:
    svg = confusion_plot(np.array([[3, 1], [0, 4]]), ["calm", "glad"]).svg
    assert label_of(svg) == "Confusion matrix. Of each emotion, recognised: calm 75 %; glad 100 %."
    assert all(f">{text}<" in svg for text in ("75", "25", "100", "0", "3", "1", "4"))


def test_cells_that_have_faces_are_named_links_on_the_page_alone() -> None:
    cells = CellFaces(
        "data:,", 8, 8, 8, "test", (Cell("0-1", "calm", "glad", 1, ()), Cell("1-1", "glad", "glad", 4, ()))
    )
    scores = split_scores(confusion=((2000, 1), (0, 4)))
    plain, linked = (draw_evaluation("a net", scores, 1, shown)[0] for shown in (None, cells))
    assert "<a" not in plain.svg
    saved, alone = ([line.strip() for line in one.svg.splitlines()] for one in (linked, plain))
    assert saved == alone
    page = ElementTree.fromstring(linked.inline)
    assert page.attrib["role"] == "group"
    links = [dict(link.attrib) for link in page.iter("a")]
    assert links == [
        {"href": f"#confusion-a-net-{key}", "id": f"confusion-a-net-from-{key}", "aria-label": words}
        for key, words in (("0-1", "1 calm face predicted as glad"), ("1-1", "4 glad faces predicted as glad"))
    ]
    assert {text.get("aria-hidden") for text in page.iter("text")} == {"true"}
